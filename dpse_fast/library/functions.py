"""The functions behind dpse.h: numbers of C in and out, never an exception."""

from __future__ import annotations

import itertools
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..array_types import AnyArray, Doubles
from ..errors import DpseError, InputError, ModelFileError
from ..potential import load
from .options import loading_options
from .served import Served

OK, INPUT, MODEL, HANDLE, INTERNAL = 0, 1, 2, 3, 5


class UnknownPotential(DpseError):
    """A number that `dpse_init` has not given, or that was freed."""


class Library:
    """All potentials of a process, by number.

    Parameters
    ----------
    ffi : of cffi, that knows the structures of dpse.h
    """

    def __init__(self, ffi: Any) -> None:
        self._ffi = ffi
        self._served: dict[int, Served] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def init(self, say: Any, model: Any, options: Any, potential: Any) -> None:
        """Load a model."""
        texts = [self._text(value) for value in (model, options)]
        given, skin = loading_options(texts[1] or "")
        # Warnings of other threads may be said here too, but none is lost.
        with self._lock, warnings.catch_warnings(record=True) as met:
            warnings.simplefilter("always")
            loaded = load(texts[0], **given)
        for warning in met:
            say(str(warning.message))
        served = Served(loaded, skin)
        with self._lock:
            number = next(self._numbers)
            self._served[number] = served
        potential[0] = number

    def free(self, say: Any, potential: int) -> None:
        """Forget a potential; calls that run keep it."""
        with self._lock:
            self._of(potential)
            del self._served[potential]

    def cutoff(self, say: Any, potential: int, cutoff: Any) -> None:
        """Å."""
        cutoff[0] = self._of(potential).potential.rcut

    def n_types(self, say: Any, potential: int, n_types: Any) -> None:
        """Types of the model."""
        n_types[0] = len(self._of(potential).potential.type_map)

    def type_name(
        self, say: Any, potential: int, number: int, name: Any, size: int
    ) -> None:
        """The name of a type."""
        names = self._of(potential).potential.type_map
        if not 0 <= number < len(names):
            raise InputError(f"type: expected 0 to {len(names) - 1}, got {number}")
        text = names[number].encode() + b"\0"
        if size < len(text):
            raise InputError(f"size: expected at least {len(text)} bytes, got {size}")
        self._ffi.memmove(name, text, len(text))

    def parameters(self, say: Any, potential: int, n_frame: Any, n_atomic: Any) -> None:
        """How many frame and atomic parameters there are."""
        model = self._of(potential).potential.model
        n_frame[0] = model.fparam.count if model.fparam else 0
        n_atomic[0] = model.aparam.count if model.aparam else 0

    def compute(self, say: Any, potential: int, given: Any, found: Any) -> None:
        """With an own neighbour list."""
        served, n = self._of(potential), given.n
        model = served.potential.model
        if n < 1:
            raise InputError(f"n: expected at least one atom, got {n}")
        pbc = self._optional(given.pbc, 3, np.int32)
        with served.telling(say):
            result = served.session.compute(
                self._array("positions", given.positions, (n, 3)),
                self._array("types", given.types, (n,), np.int32),
                self._optional(given.cell, (3, 3)),
                pbc=None if pbc is None else [bool(flag) for flag in pbc],
                atomic=bool(found.atomic_energies or found.atomic_virials),
                fparam=self._optional(given.fparam, _count(model.fparam)),
                aparam=self._optional(given.aparam, (n, _count(model.aparam))),
            )
        found.energy[0] = result.energy
        self._array("forces", found.forces, (n, 3))[:] = result.forces
        self._set(found.virial, result.virial)
        self._set(found.atomic_energies, result.atomic_energies)
        self._set(found.atomic_virials, result.atomic_virials)

    def compute_nlist(self, say: Any, potential: int, listed: Any, sums: Any) -> None:
        """With the caller's neighbour list."""
        served, n_all, n_rows = self._of(potential), listed.n_all, listed.n_rows
        model = served.potential.model
        if n_all < 0 or n_rows < 0:
            raise InputError(
                f"n_all, n_rows: expected numbers >= 0, got {n_all} and {n_rows}"
            )
        first = self._array("first", listed.first, (n_rows + 1,), np.int64)
        n_list = int(first[-1])
        if n_list < 0:
            raise InputError(f"first: expected numbers >= 0, got {n_list} at the end")
        of_caller = self._optional(listed.type_map, listed.n_caller_types, np.int32)
        forces = self._optional(sums.forces, (n_all, 3))
        with served.telling(say):
            found = served.listed_session.compute(
                self._array("positions", listed.positions, (n_all, 3)),
                self._array("types", listed.types, (n_all,), np.int32),
                first,
                self._array("neighbours", listed.neighbours, (n_list,), np.int32),
                self._optional(listed.centres, n_rows, np.int32),
                type_map=of_caller,
                same_list=bool(listed.same_list),
                forces=forces,
                atomic=bool(sums.atomic_energies or sums.atomic_virials),
                pair_gradients=bool(sums.pair_gradients),
                fparam=self._optional(listed.fparam, _count(model.fparam)),
                aparam=self._optional(listed.aparam, (n_rows, _count(model.aparam))),
            )
        sums.energy = found.energy
        sums.virial[0:9] = found.virial.reshape(-1).tolist()
        self._set(sums.atomic_energies, found.atomic_energies)
        self._set(sums.atomic_virials, found.atomic_virials)
        self._set(sums.pair_gradients, found.pair_gradients)

    def _of(self, potential: int) -> Served:
        if potential not in self._served:
            raise UnknownPotential(
                f"potential: expected a number from dpse_init, got {potential}"
            )
        return self._served[potential]

    def _text(self, pointer: Any) -> str | None:
        if not pointer:
            return None
        return str(self._ffi.string(pointer).decode())

    def _optional(self, pointer: Any, shape: Any, dtype: Any = np.float64) -> Any:
        return self._array("", pointer, shape, dtype) if pointer else None

    def _array(
        self, name: str, pointer: Any, shape: Any, dtype: Any = np.float64
    ) -> AnyArray:
        """The caller's memory as an array."""
        size = int(np.prod(shape))
        if not size:
            return np.empty(shape, dtype)
        if not pointer:
            raise InputError(f"{name}: expected {size} numbers, got NULL")
        whole = self._ffi.buffer(pointer, size * np.dtype(dtype).itemsize)
        return np.frombuffer(whole, dtype).reshape(shape)

    def _set(self, pointer: Any, values: Doubles | None) -> None:
        """Write values where there is a place for them."""
        if pointer and values is not None and values.size:
            self._array("", pointer, values.shape)[:] = values


def _count(parameters: Any) -> int:
    return parameters.count if parameters else 1


def _status(error: BaseException) -> int:
    if isinstance(error, UnknownPotential):
        return HANDLE
    if isinstance(error, ModelFileError):
        return MODEL
    return INPUT if isinstance(error, InputError) else INTERNAL


def serve(ffi: Any) -> None:
    """Answer the functions that dpse.c calls."""
    library = Library(ffi)
    size = ffi.integer_const("DPSE_TEXT_SIZE")

    def write(place: Any, text: str) -> None:
        cut = text.encode()[: size - 1].decode(errors="ignore").encode() + b"\0"
        ffi.memmove(place, cut, len(cut))

    def answering(function: Callable[..., None]) -> Callable[..., int]:
        def answer(texts: Any, *arguments: Any) -> int:
            said: list[str] = []
            status = OK
            try:
                function(said.append, *arguments)
            except BaseException as error:
                status = _status(error)
                known = isinstance(error, DpseError)
                text = str(error) if known else f"{type(error).__name__}: {error}"
                write(texts.error, text)
            write(texts.warning, "\n".join(said))
            return status + 1

        return answer

    for name in (
        *("init", "free", "cutoff", "n_types", "type_name", "parameters"),
        *("compute", "compute_nlist"),
    ):
        ffi.def_extern(name=f"dpse_python_{name}", error=0)(
            answering(getattr(library, name))
        )
