"""The functions behind dpse.h: numbers of C in and out; errors are exceptions still."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np

from ..array_types import AnyArray, Doubles
from ..errors import DpseError, InputError
from ..evaluation.atom_names import naming
from ..loading import load
from ..model import Parameters
from ..runtime.forks import ProcessLock
from .caller_list import check_same, list_arrays
from .memory import CallerMemory
from .options import loading_options
from .served import Served
from .texts import encoded


class UnknownPotential(DpseError):
    """A number that `dpse_init` has not given, or that was freed."""


class Library:
    """All potentials of a process, by number.

    Parameters
    ----------
    ffi, lib : of cffi, with the structures and functions of dpse_python.h
    """

    def __init__(self, ffi: Any, lib: Any) -> None:
        self._ffi, self._lib = ffi, lib
        self._served: dict[int, Served] = {}
        self._numbers = itertools.count(1)
        self._lock = ProcessLock()

    def init(self, say: Any, model: Any, options: Any, potential: Any) -> None:
        """Load a model."""
        memory = self._memory()
        number = memory.written("potential", potential, 1, np.int32)
        file = memory.path("model", model)
        if file == "":
            raise InputError(
                "model: expected the name of a file, or NULL for the embedded model, "
                "got an empty text"
            )
        given, skin = loading_options(memory.text("options", options) or b"")
        served = self._load(say, file, given, skin)
        with self._lock.lock:
            number[0] = self._add(served)

    def free(self, say: Any, potential: int) -> None:
        """Forget a potential; calls that run keep it."""
        with self._lock.lock:
            self._of(potential)
            del self._served[potential]

    def cutoff(self, say: Any, potential: int, cutoff: Any) -> None:
        """Å."""
        served = self._of(potential)
        self._memory().written("cutoff", cutoff, 1)[0] = served.potential.rcut

    def n_types(self, say: Any, potential: int, n_types: Any) -> None:
        """Types of the model."""
        number = len(self._of(potential).potential.type_map)
        self._memory().written("n_types", n_types, 1, np.int32)[0] = number

    def type_name(
        self, say: Any, potential: int, number: int, name: Any, size: int
    ) -> None:
        """The name of a type."""
        names = self._of(potential).potential.type_map
        if not 0 <= number < len(names):
            raise InputError(f"type: expected 0 to {len(names) - 1}, got {number}")
        text = encoded(names[number]) + b"\0"
        if size < len(text):
            raise InputError(f"size: expected at least {len(text)} bytes, got {size}")
        place = self._memory().written("name", name, len(text), np.uint8)
        place[:] = np.frombuffer(text, np.uint8)

    def parameters(self, say: Any, potential: int, n_frame: Any, n_atomic: Any) -> None:
        """How many frame and atomic parameters there are."""
        model, memory = self._of(potential).potential.model, self._memory()
        frame = memory.written("n_frame", n_frame, 1, np.int32)
        atomic = memory.written("n_atomic", n_atomic, 1, np.int32)
        memory.check_apart()
        frame[0] = model.fparam.count if model.fparam else 0
        atomic[0] = model.aparam.count if model.aparam else 0

    def atom_ids(self, say: Any, potential: int, n: int, ids: Any) -> None:
        """What messages call atoms."""
        served = self._of(potential)
        if n < 0 or (n > 0) != bool(ids):
            expected = "0 or more, and ids for as many" if n < 0 else "0 without ids"
            expected = "at least 1 with ids" if ids and n == 0 else expected
            raise InputError(f"n: expected {expected}, got {n}")
        given = self._memory().given("ids", ids, n, np.int64)
        with served.telling(say):
            served.ids = given.copy()

    def compute(self, say: Any, potential: int, given: Any, found: Any) -> None:
        """With an own neighbour list."""
        served, n, memory = self._of(potential), given.n, self._memory()
        model = served.potential.model
        if n < 1:
            raise InputError(f"n: expected at least one atom, got {n}")
        positions = memory.given("positions", given.positions, (n, 3))
        types = memory.given("types", given.types, n, np.int32)
        cell = memory.given_or_none("cell", given.cell, (3, 3))
        pbc = memory.given_or_none("pbc", given.pbc, 3, np.int32)
        parameters = _parameters(memory, given, model, n)
        energy = memory.written("energy", found.energy, 1)
        forces = memory.written("forces", found.forces, (n, 3))
        virial = memory.written_or_none("virial", found.virial, (3, 3))
        energies = memory.written_or_none("atomic_energies", found.atomic_energies, n)
        virials = memory.written_or_none(
            "atomic_virials", found.atomic_virials, (n, 3, 3)
        )
        memory.check_apart()
        with served.telling(say), naming(served.atom_name):
            result = served.session.compute(
                positions,
                types,
                cell,
                pbc=None if pbc is None else _flags(pbc),
                atomic=energies is not None or virials is not None,
                **parameters,
            )
        energy[0] = result.energy
        forces[:] = result.forces
        _write(virial, result.virial)
        _write(energies, result.atomic_energies)
        _write(virials, result.atomic_virials)

    def compute_nlist(self, say: Any, potential: int, listed: Any, sums: Any) -> None:
        """With the caller's neighbour list."""
        served, memory = self._of(potential), self._memory()
        memory.structure("list", listed, written=False)
        memory.structure("sums", sums, written=True)
        same_list = bool(listed.same_list)
        n_all, n_rows = listed.n_all, listed.n_rows
        if n_all < 0 or n_rows < 0:
            raise InputError(
                f"n_all, n_rows: expected numbers >= 0, got {n_all} and {n_rows}"
            )
        with served.telling(say):
            sizes, arrays = served.last_list, dict[str, Any]()
            if same_list:
                check_same(sizes, n_all, n_rows)
                arrays = dict.fromkeys(("types", "first", "neighbours"))
            else:
                served.last_list = None
                sizes, arrays = list_arrays(memory, listed)
            assert sizes is not None
            of_atoms = (n_all, 3)
            positions = memory.given("positions", listed.positions, of_atoms)
            model = served.potential.model
            parameters = _parameters(memory, listed, model, n_rows)
            forces = memory.written_or_none("forces", sums.forces, of_atoms)
            energies = memory.written_or_none(
                "atomic_energies", sums.atomic_energies, n_rows
            )
            virials = memory.written_or_none(
                "atomic_virials", sums.atomic_virials, (n_all, 3, 3)
            )
            gradients = memory.written_or_none(
                "pair_gradients", sums.pair_gradients, (sizes.n_list, 3)
            )
            memory.check_apart()
            found = served.listed_session.compute(
                positions,
                **arrays,
                same_list=same_list,
                forces=forces,
                atomic=energies is not None or virials is not None,
                pair_gradients=gradients is not None,
                atom_name=served.atom_name,
                **parameters,
            )
            served.last_list = sizes
        sums.energy = found.energy
        sums.virial[0:9] = found.virial.reshape(-1).tolist()
        _write(energies, found.atomic_energies)
        _write(virials, found.atomic_virials)
        _write(gradients, found.pair_gradients)

    def _load(
        self, say: Any, file: str | None, given: dict[str, Any], skin: float
    ) -> Served:
        """A model with options of `load`."""
        # Warnings of other threads may be said here too, but none is lost.
        with self._lock.lock, warnings.catch_warnings(record=True) as met:
            warnings.simplefilter("always")
            loaded = load(file, **given)
        for warning in met:
            say(str(warning.message))
        return Served(loaded, skin)

    def _add(self, served: Served) -> int:
        """Its number; with the lock."""
        number = next(self._numbers)
        self._served[number] = served
        return number

    def _memory(self) -> CallerMemory:
        return CallerMemory(self._ffi, self._lib)

    def _of(self, potential: int) -> Served:
        served = self._served.get(potential)
        if served is None:
            raise UnknownPotential(
                f"potential: expected a number from dpse_init, got {potential}"
            )
        return served


def _parameters(
    memory: CallerMemory, given: Any, model: Any, n_rows: int
) -> dict[str, AnyArray | None]:
    """Frame and atomic parameters, where the model takes any."""

    def one(
        name: str, pointer: Any, expected: Parameters | None, rows: int | None
    ) -> AnyArray | None:
        if not pointer:
            return None
        if expected is None:
            raise InputError(f"{name}: expected NULL, the model takes no {name}")
        shape = (expected.count,) if rows is None else (rows, expected.count)
        return memory.given(name, pointer, shape)

    return {
        "fparam": one("fparam", given.fparam, model.fparam, None),
        "aparam": one("aparam", given.aparam, model.aparam, n_rows),
    }


def _flags(values: AnyArray) -> list[bool]:
    if not np.isin(values, (0, 1)).all():
        raise InputError(f"pbc: expected 3 flags, 0 or 1, got {values.tolist()}")
    return [bool(flag) for flag in values]


def _write(place: AnyArray | None, values: Doubles | None) -> None:
    """Where there is a place for them."""
    if place is not None:
        place[:] = values
