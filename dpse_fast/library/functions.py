"""The functions behind dpse.h: numbers of C in and out; errors are exceptions still."""

from __future__ import annotations

import itertools
import re
import warnings
from typing import Any

import numpy as np

from ..array_types import AnyArray
from ..errors import DpseError, InputError, ModelFileError
from ..evaluation.atom_names import naming
from ..loading import load
from ..model import Parameters
from ..runtime.forks import ProcessLock
from .caller_list import check_same, list_arrays
from .memory import CallerMemory
from .options import loading_options
from .result_places import ListPlaces, StructurePlaces
from .served import Served
from .texts import encoded

CERTIFICATE = ("force_max_ev_per_angstrom", "force_rounding")


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
        file = _file(memory, "model", model)
        given, skin = loading_options(memory.text("options", options) or b"")
        served = self._load(say, file, given, skin)
        with self._lock.lock:
            number[0] = self._add(served)

    def init_committee(
        self, say: Any, n_models: int, models: Any, options: Any, potential: Any
    ) -> None:
        """Load several models that are evaluated together."""
        memory = self._memory()
        number = memory.written("potential", potential, 1, np.int32)
        if n_models < 2:
            raise InputError(
                f"n_models: expected 2 or more, and one with dpse_init, got {n_models}"
            )
        texts = memory.pointers("models", models, n_models)
        files = [_file(memory, f"models[{k}]", one) for k, one in enumerate(texts)]
        given, skin = loading_options(memory.text("options", options) or b"", True)
        served = self._load(say, files, given, skin)
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

    def n_models(self, say: Any, potential: int, n_models: Any) -> None:
        """Models of a committee, or 1."""
        number = self._of(potential).n_models
        self._memory().written("n_models", n_models, 1, np.int32)[0] = number

    def deviation_certificate(
        self, say: Any, potential: int, force: Any, rounding: Any
    ) -> None:
        """eV/Å, and for each eV/Å; see `Committee.deviation_certificate`."""
        memory = self._memory()
        found = self._of(potential).committee.deviation_certificate()
        places = [
            memory.written("force", force, 1),
            memory.written("rounding", rounding, 1),
        ]
        memory.check_apart()
        for place, key in zip(places, CERTIFICATE, strict=True):
            place[0] = -1.0 if found is None else found[key]

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
        self._of_structure(say, self._of(potential), given, None, [("", found)])

    def _of_structure(
        self,
        say: Any,
        served: Served,
        given: Any,
        n_models: int | None,
        found: list[tuple[str, Any]],
    ) -> None:
        """The driver's results, or those of all models, each into its own places.

        Parameters
        ----------
        n_models : None for the driver's
        found : places, with what their names begin with in errors
        """
        n, memory = given.n, self._memory()
        model = served.potential.model
        if n < 1:
            raise InputError(f"n: expected at least one atom, got {n}")
        positions = memory.given("positions", given.positions, (n, 3))
        types = memory.given("types", given.types, n, np.int32)
        cell = memory.given_or_none("cell", given.cell, (3, 3))
        pbc = memory.given_or_none("pbc", given.pbc, 3, np.int32)
        parameters = _parameters(memory, given, model, n)
        places = [StructurePlaces.of(memory, name, one, n) for name, one in found]
        memory.check_apart()
        with served.telling(say), naming(served.atom_name):
            results = served.results(
                n_models,
                positions,
                types,
                cell,
                pbc=None if pbc is None else _flags(pbc),
                atomic=any(place.of_atoms for place in places),
                **parameters,
            )
        for place, result in zip(places, results, strict=True):
            place.write(result)

    def compute_nlist(self, say: Any, potential: int, listed: Any, sums: Any) -> None:
        """With the caller's neighbour list."""
        served, memory = self._of(potential), self._memory()
        memory.structure("list", listed, written=False)
        memory.structure("sums", sums, written=True)
        self._of_list(say, served, memory, listed, None, [("", sums)])

    def compute_nlist_members(
        self, say: Any, potential: int, listed: Any, n_models: int, sums: Any
    ) -> None:
        """The same of the first models of a committee."""
        served, memory = self._of(potential), self._memory()
        if not 1 <= n_models <= served.n_models:
            raise InputError(
                f"n_models: expected 1 to {served.n_models}, got {n_models}"
            )
        memory.structure("list", listed, written=False)
        memory.structure("sums", sums, written=True, n=n_models)
        names = [f"sums[{k}]." for k in range(n_models)] if n_models > 1 else [""]
        named = [(name, sums + k) for k, name in enumerate(names)]
        self._of_list(say, served, memory, listed, n_models, named)

    def _of_list(
        self,
        say: Any,
        served: Served,
        memory: CallerMemory,
        listed: Any,
        n_models: int | None,
        sums: list[tuple[str, Any]],
    ) -> None:
        """The driver's results, or those of the first models, each into its own sums.

        Parameters
        ----------
        n_models : None for the driver's
        sums : with what the names of their members begin with in errors
        """
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
            places = [ListPlaces.of(memory, name, one, sizes) for name, one in sums]
            memory.check_apart()
            found = served.listed_results(
                n_models,
                positions,
                [place.forces for place in places],
                **arrays,
                same_list=same_list,
                atomic=any(place.of_atoms for place in places),
                pair_gradients=any(p.gradients is not None for p in places),
                atom_name=served.atom_name,
                **parameters,
            )
            served.last_list = sizes
        for place, result in zip(places, found, strict=True):
            place.write(result)

    def _load(
        self,
        say: Any,
        file: str | list[str | None] | None,
        given: dict[str, Any],
        skin: float,
    ) -> Served:
        """A model, or several for a committee, with options of `load`."""
        # Warnings of other threads may be said here too, but none is lost.
        with self._lock.lock, warnings.catch_warnings(record=True) as met:
            warnings.simplefilter("always")
            try:
                loaded = load(file, **given)
            except (InputError, ModelFileError) as error:
                raise _naming_file(error, file) from error
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


def _file(memory: CallerMemory, name: str, pointer: Any) -> str | None:
    """The name of a model file; None: the embedded one."""
    file = memory.path(name, pointer)
    if file == "":
        raise InputError(
            f"{name}: expected the name of a file, or NULL for the embedded model, "
            "got an empty text"
        )
    return file


def _naming_file(
    error: InputError | ModelFileError, files: str | list[str | None] | None
) -> InputError | ModelFileError:
    """With the file where only the place of a committee's model is named."""
    text = str(error)
    found = re.match(r"models\[(\d+)\]: ", text)
    if found is None or not isinstance(files, list):
        return error
    file = files[int(found[1])]
    if file is None or file in text:
        return error
    return type(error)(f"{found[0]}{file}: {text[found.end() :]}")


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
