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
        given = List(
            **{
                name: value if isinstance(value, int) else pointer(value)
                for name, value in listed.items()
            }
        )
        found = Sums(**{name: pointer(array) for name, array in sums.items()})
        status = self.c.dpse_compute_nlist(potential, c.byref(given), c.byref(found))
        return status, found
