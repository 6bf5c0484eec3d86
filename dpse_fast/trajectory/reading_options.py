"""How a trajectory is read: what its files leave open, as the user states it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..array_types import Doubles
from ..errors import InputError
from .lammps_units import check_style

Periodicity = tuple[bool, bool, bool]
OPEN: Periodicity = (False, False, False)
PERIODIC: Periodicity = (True, True, True)
_TRUE = {"t", "true", "1", ".true.", "yes"}
_AROUND = str.maketrans(",[](){}\"'", " " * 9)
_FALSE = {"f", "false", "0", ".false.", "no"}


@dataclass(frozen=True, eq=False)
class ReadingOptions:
    """How a trajectory is read.

    Parameters
    ----------
    format : ASE's name of the format; by default it is guessed
        ``dpdata:`` and dpdata's name of one, for what dpdata reads.
    names : the model's type map
        Names of atoms that are in it are taken as they are. Others are taken as
        symbols of elements in any case, ``CL`` as Cl.
    type_map : the user's names of types, as `model_types` takes them
    cell : (3, 3) rows, Å, for frames that have none
    pbc : which cell vectors are periodic, for frames that do not say
    units : LAMMPS' unit style, for LAMMPS files that do not state it
    energy_key, forces_key, virial_key, stress_key : where the labels are
        Instead of the usual names (see `label_keys`); only these are read then.
    labels : whether labels are read at all, and what is wrong with them is said

    Raises
    ------
    InputError
        If the cell, the periodicity or the units mean nothing.
    """

    format: str | None = None
    names: tuple[str, ...] = ()
    type_map: tuple[str, ...] | None = None
    cell: Doubles | None = None
    pbc: Periodicity | None = None
    units: str | None = None
    energy_key: str | None = None
    forces_key: str | None = None
    virial_key: str | None = None
    stress_key: str | None = None
    labels: bool = True

    def __post_init__(self) -> None:
        if self.units is not None:
            check_style(self.units)
        if self.cell is not None:
            self._check_cell()
        if self.virial_key is not None and self.stress_key is not None:
            raise InputError(
                "virial_key, stress_key: expected one of them, since the virial is "
                "made of the stress"
            )

    def _check_cell(self) -> None:
        cell = np.asarray(self.cell)
        if cell.shape != (3, 3) or not np.isfinite(cell).all():
            raise InputError(f"cell: expected (3, 3) finite numbers, got {self.cell!r}")
        if not cell.any(axis=1).all():
            raise InputError("cell: expected three vectors other than zero")
        if self.pbc is not None and not any(self.pbc):
            raise InputError(
                "cell: has no effect, since pbc says that no direction is periodic"
            )


def periodicity(text: str) -> Periodicity | None:
    """``T T F``, ``TTF`` or ``T`` as flags; None if it is something else."""
    words = text.lower().translate(_AROUND).split()
    if len(words) == 1 and len(words[0]) == 3 and set(words[0]) <= set("tf10"):
        words = list(words[0])
    flags = [True if w in _TRUE else False if w in _FALSE else None for w in words]
    if len(flags) == 1:
        flags *= 3
    if len(flags) != 3 or None in flags:
        return None
    return bool(flags[0]), bool(flags[1]), bool(flags[2])


def cell_from(numbers: Sequence[float]) -> Doubles:
    """(3, 3) rows, Å, from three edges, edges and angles, or nine components.

    With angles alpha, beta and gamma (degrees), a is along x and b in the xy plane.

    Raises
    ------
    InputError
        If there are other numbers of numbers, or no cell has these angles.
    """
    if len(numbers) == 9:
        return np.array(numbers, np.float64).reshape(3, 3)
    if len(numbers) == 3:
        return np.diag(np.array(numbers, np.float64))
    if len(numbers) != 6:
        raise InputError(
            f"cell: expected 3 edges, 3 edges and 3 angles, or 9 components, got "
            f"{len(numbers)} numbers"
        )
    a, b, c = numbers[:3]
    # Exact for right angles
    cosines = [0.0 if x == 90 else float(np.cos(np.radians(x))) for x in numbers[3:]]
    cos_a, cos_b, cos_g = cosines
    sin_g = np.sqrt(1 - cos_g**2)
    y = (cos_a - cos_b * cos_g) / sin_g if sin_g else np.inf
    z_squared = 1 - cos_b**2 - y**2
    if not z_squared > 0:
        raise InputError(f"cell: no cell has the angles {list(numbers[3:])}")
    return np.array(
        [
            [a, 0, 0],
            [b * cos_g, b * sin_g, 0],
            [c * cos_b, c * y, c * np.sqrt(z_squared)],
        ]
    )
