"""deepmd-kit's C interface for Python's ctypes, written from its signatures."""

from __future__ import annotations

import ctypes as c
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

IntPointer = c.POINTER(c.c_int)
KINDS = {"float64": c.c_double, "float32": c.c_float, "int32": c.c_int}


def pointer(array: Any) -> Any:
    """To an array's numbers; None: NULL."""
    if array is None:
        return None
    return array.ctypes.data_as(c.POINTER(KINDS[array.dtype.name]))


class Results(NamedTuple):
    """What the engine returns, one frame or model after the other."""

    energy: Any
    force: Any
    virial: Any
    atomic_energy: Any
    atomic_virial: Any


class NeighbourList:
    """A list as clients hold it: rows with a pointer each.

    Parameters
    ----------
    rows : the neighbours of each atom
    centres : the atom of each row; None: 0, 1, 2 ...
    by_atom : as LAMMPS keeps it, rows at the place of their atom
    """

    def __init__(self, library: Any, rows: Any, centres: Any, by_atom: bool) -> None:
        order = np.arange(len(rows)) if centres is None else np.asarray(centres)
        self._rows = [np.ascontiguousarray(row, np.int32) for row in rows]
        self._centres = np.ascontiguousarray(order, np.int32)
        places = order if by_atom else np.arange(len(rows))
        n = int(places.max(initial=-1)) + 1
        self.lengths = np.full(n, 10**6, np.int32)
        self.pointers = (IntPointer * n)()
        for place, row in zip(places, self._rows, strict=True):
            self.lengths[place] = len(row)
            self.pointers[place] = pointer(row)
        given = (len(rows), pointer(self._centres), pointer(self.lengths))
        if by_atom:
            nothing = (0, *(None,) * 7, 1)
            self.made = library.DP_NewNlist_comm(*given, self.pointers, *nothing)
        else:
            self.made = library.DP_NewNlist(*given, self.pointers)
        self._as_parameter_ = c.c_void_p(self.made)


class Deepmd:
    """The library of a folder."""

    def __init__(self, folder: Path) -> None:
        self.c = c.CDLL(str(folder / "libdeepmd_c.so"))
        for name in (
            *("NewNlist", "NewNlist_comm", "NewDeepPot", "NewDeepPotWithParam"),
            *("NewDeepPotWithParam2", "NewDeepPotModelDevi", "NewDeepSpin"),
            *("NewDeepPotModelDeviWithParam", "NewDeepTensor"),
            *("NewDipoleChargeModifier", "ReadFileToChar", "ReadFileToChar2"),
            *("DeepPotGetTypeMap", "DeepSpinGetTypeMap", "DeepBaseModelGetTypeMap"),
            *("DeepPotCheckOK", "DeepPotModelDeviCheckOK", "DeepSpinCheckOK"),
            *("DeepTensorCheckOK", "DipoleChargeModifierCheckOK", "NlistCheckOK"),
        ):
            getattr(self.c, f"DP_{name}").restype = c.c_void_p
        for kind in ("DeepPot", "DeepPotModelDevi", "DeepBaseModel"):
            getattr(self.c, f"DP_{kind}GetCutoff").restype = c.c_double
            getattr(self.c, f"DP_{kind}IsAParamNAll").restype = c.c_bool
            getattr(self.c, f"DP_{kind}HasDefaultFParam").restype = c.c_bool

    def text(self, function: str, *arguments: Any) -> str:
        """What a function returns, which is deleted."""
        place = getattr(self.c, f"DP_{function}")(*arguments)
        found = c.string_at(place).decode()
        self.c.DP_DeleteChar(c.c_void_p(place))
        return found

    def error(self, model: Any, kind: str = "DeepPot") -> str:
        return self.text(f"{kind}CheckOK", model)

    @contextmanager
    def model(self, *files: Path, kind: str = "DeepPot") -> Iterator[Any]:
        """An object, which is deleted."""
        names = [str(file).encode() for file in files]
        if kind == "DeepPot":
            made = self.c.DP_NewDeepPot(names[0])
        else:
            made = self.c.DP_NewDeepPotModelDevi(
                (c.c_char_p * len(names))(*names), len(names)
            )
        model = c.c_void_p(made)
        try:
            yield model
        finally:
            getattr(self.c, f"DP_Delete{kind}")(model)

    def neighbour_list(
        self, rows: Any, centres: Any = None, by_atom: bool = False
    ) -> NeighbourList:
        return NeighbourList(self.c, rows, centres, by_atom)

    def compute(
        self,
        model: Any,
        positions: Any,
        types: Any,
        cell: Any = None,
        *,
        kind: str = "DeepPot",
        function: str = "Compute",
        version: str = "2",
        real: Any = np.float64,
        nlist: NeighbourList | None = None,
        n_ghosts: int = 0,
        ago: int = 0,
        fparam: Any = None,
        aparam: Any = None,
        n_models: int = 1,
    ) -> Results:
        """Call a compute function; positions (n_frames, n_atoms, 3)."""
        x = np.ascontiguousarray(positions, real)
        n_frames, n = x.shape[:2]
        box, frame, atoms = (
            None if a is None else np.ascontiguousarray(a, real)
            for a in (cell, fparam, aparam)
        )
        kinds = np.ascontiguousarray(types, np.int32)
        results = n_models * n_frames
        found = Results(
            np.full(results, np.nan),
            np.full((results, n, 3), np.nan, real),
            np.full((results, 3, 3), np.nan, real),
            np.full((results, n), np.nan, real),
            np.full((results, n, 3, 3), np.nan, real),
        )
        suffix = "f" if real is np.float32 else ""
        many, mixed = version != "", function == "ComputeMixedType"
        arguments = [
            *([n_frames, n] if many else [n]),
            *map(pointer, (x, kinds, box)),
            *([n_ghosts, nlist, ago] if nlist is not None else []),
            *(map(pointer, (frame, atoms)) if many else []),
            *([None] if version == "3" else []),
        ]
        called = getattr(
            self.c, f"DP_{kind}{function}{suffix}{'' if mixed else version}"
        )
        called(model, *arguments, *map(pointer, found))
        return found
