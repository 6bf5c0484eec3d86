"""dpse.h for Python's ctypes: every function, with arrays of NumPy."""

from __future__ import annotations

import ctypes as c
from pathlib import Path
from typing import Any

import numpy as np

Double, Int, Long = (c.POINTER(t) for t in (c.c_double, c.c_int, c.c_int64))


class List(c.Structure):
    _fields_ = [
        *((name, c.c_int) for name in ("n_all", "n_rows")),
        *(("positions", Double), ("types", Int), ("centres", Int), ("first", Long)),
        *(("neighbours", Int), ("type_map", Int)),
        *((name, c.c_int) for name in ("n_caller_types", "same_list")),
        *(("fparam", Double), ("aparam", Double)),
    ]


class Sums(c.Structure):
    _fields_ = [
        *(("energy", c.c_double), ("virial", c.c_double * 9), ("forces", Double)),
        *(("atomic_energies", Double), ("atomic_virials", Double)),
        ("pair_gradients", Double),
    ]


def pointer(array: Any) -> Any:
    """To an array's numbers; None: NULL."""
    if array is None:
        return None
    kind = {"float64": c.c_double, "int32": c.c_int, "int64": c.c_int64}
    return array.ctypes.data_as(c.POINTER(kind[array.dtype.name]))


def ints(values: Any) -> Any:
    return np.ascontiguousarray(values, np.int32)


def as_list(listed: dict[str, Any]) -> List:
    return List(
        **{
            name: value if isinstance(value, int) else pointer(value)
            for name, value in listed.items()
        }
    )


def as_sums(sums: dict[str, Any]) -> Sums:
    return Sums(**{name: pointer(array) for name, array in sums.items()})


class Binding:
    """The library of a folder."""

    def __init__(self, folder: Path) -> None:
        self.c = c.CDLL(str(folder / "libdpse.so"))
        for name in ("dpse_error", "dpse_warning"):
            getattr(self.c, name).restype = c.c_char_p

    def error(self) -> str:
        return str(self.c.dpse_error().decode())

    def error_atom(self) -> int:
        return int(self.c.dpse_error_atom())

    def warning(self) -> str:
        return str(self.c.dpse_warning().decode())

    def init(self, model: Any, options: str | None = None) -> int:
        number = c.c_int(-7)
        given = None if model is None else str(model).encode()
        text = None if options is None else options.encode()
        status = self.c.dpse_init(given, text, c.byref(number))
        assert status == 0, self.error()
        return number.value

    def init_committee(self, models: Any, options: str | None = None) -> int:
        number = c.c_int(-7)
        files = [None if m is None else str(m).encode() for m in models]
        given = (c.c_char_p * len(files))(*files)
        text = None if options is None else options.encode()
        init = self.c.dpse_init_committee
        status = init(len(files), given, text, c.byref(number))
        assert status == 0, self.error()
        return number.value

    def compute(
        self,
        potential: int,
        positions: Any,
        types: Any,
        cell: Any = None,
        pbc: Any = None,
        fparam: Any = None,
        aparam: Any = None,
    ) -> tuple[Any, ...]:
        """Energy, forces, virial, atomic energies and virials."""
        n = len(positions)
        energy = c.c_double()
        forces, virial = np.full((n, 3), np.nan), np.full((3, 3), np.nan)
        energies, virials = np.full(n, np.nan), np.full((n, 3, 3), np.nan)
        flags = None if pbc is None else ints(pbc)
        box, frame, atoms = (
            None if a is None else np.ascontiguousarray(a, float)
            for a in (cell, fparam, aparam)
        )
        x = np.ascontiguousarray(positions, float)
        given = (x, ints(types), box, flags, frame, atoms)
        status = self.c.dpse_compute(
            *(potential, n, *map(pointer, given)),
            c.byref(energy),
            *map(pointer, (forces, virial, energies, virials)),
        )
        assert status == 0, self.error()
        return energy.value, forces, virial, energies, virials

    def compute_nlist(
        self, potential: int, listed: dict[str, Any], sums: dict[str, Any]
    ) -> tuple[int, Sums]:
        """The status, and sums, whose arrays are filled."""
        given, found = as_list(listed), as_sums(sums)
        status = self.c.dpse_compute_nlist(potential, c.byref(given), c.byref(found))
        return status, found

    def members(
        self, potential: int, listed: dict[str, Any], sums: list[dict[str, Any]]
    ) -> tuple[int, Any]:
        """The same of the first models of a committee."""
        given, found = as_list(listed), (Sums * len(sums))(*map(as_sums, sums))
        call = self.c.dpse_compute_nlist_members
        return call(potential, c.byref(given), len(sums), found), found
