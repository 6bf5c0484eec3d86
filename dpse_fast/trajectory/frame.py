"""One structure of a trajectory, with the labels that came with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..array_types import AnyArray, Doubles, Integers
from ..errors import InputError
from .label_keys import Labels, labels_of

if TYPE_CHECKING:
    from ase import Atoms

    from ..model import Model

__all__ = ["Boundaries", "Frame", "Labels", "boundaries_of", "from_atoms"]

Periodicity = tuple[bool, bool, bool]
Boundaries = tuple[Doubles | None, Periodicity]


@dataclass(frozen=True, eq=False)
class Frame:
    """One structure.

    Parameters
    ----------
    name : what errors call it, such as ``"water.xyz, frame 3"``
    index : its number in the trajectory
    positions : (N, 3) Å
    types : (N,) int
        Indices into `names`, or type numbers from 0 where there are no names.
    names : element symbols, or None
    cell : (3, 3) rows, Å, or None
    pbc : which cell vectors are periodic
    labels : the reference energy, forces and virial that came with it
    fparam : (k,) frame parameters, or None
    aparam : (N, k) atomic parameters, one row (k,) for all atoms, or None
    """

    name: str
    index: int
    positions: Doubles
    types: Integers
    names: tuple[str, ...] | None
    cell: Doubles | None = None
    pbc: Periodicity = (False, False, False)
    labels: Labels = field(default_factory=Labels)
    fparam: Doubles | None = None
    aparam: Doubles | None = None

    @property
    def n_atoms(self) -> int:
        return len(self.positions)

    @property
    def volume(self) -> float | None:
        """Å³, or None unless the frame is periodic in three dimensions."""
        if self.cell is None or not all(self.pbc):
            return None
        return float(abs(np.linalg.det(self.cell)))

    @property
    def symbols(self) -> NDArray[np.str_] | None:
        """(N,) element symbols, or None where the trajectory has only numbers."""
        return None if self.names is None else np.array(self.names)[self.types]

    def parameters_for(self, model: Model) -> dict[str, Doubles | None]:
        """Arguments of ``compute``: the frame's parameters that the model takes."""
        return {
            "fparam": None if model.fparam is None else self.fparam,
            "aparam": None if model.aparam is None else self.aparam,
        }


def boundaries_of(atoms: Atoms, name: str) -> Boundaries:
    """Cell and periodicity; without a cell the boundaries are open.

    Raises
    ------
    InputError
        If a periodic direction has no cell vector.
    """
    rows = np.array(atoms.cell.array, np.float64)
    present = [bool(row.any()) for row in rows]
    if not any(present):
        return None, (False, False, False)
    pbc = tuple(bool(p) for p in atoms.pbc)
    for axis, (periodic, given) in enumerate(zip(pbc, present, strict=True)):
        if periodic and not given:
            raise InputError(
                f"{name}: direction {'abc'[axis]} is periodic but its cell vector is "
                f"zero; give the vector or set pbc to F there"
            )
    cell = rows if all(present) else np.array(atoms.cell.complete().array)
    return cell, (pbc[0], pbc[1], pbc[2])


def from_atoms(
    atoms: Atoms,
    name: str,
    index: int = 0,
    *,
    type_numbers: AnyArray | None = None,
    with_energy: bool = True,
) -> Frame:
    """The frame of an ASE structure.

    Parameters
    ----------
    type_numbers : (N,) int, from 1, of a LAMMPS file that names no elements
    with_energy : False where the reader made the energy up
    """
    from ase.data import chemical_symbols

    cell, pbc = boundaries_of(atoms, name)
    names: tuple[str, ...] | None = None
    if type_numbers is None:
        found, types = np.unique(atoms.numbers, return_inverse=True)
        names = tuple(chemical_symbols[z] for z in found)
    else:
        types = np.asarray(type_numbers) - 1
    positions = np.array(atoms.positions, np.float64)
    volume = None if cell is None or not all(pbc) else float(abs(np.linalg.det(cell)))
    labels = labels_of(atoms, volume, name, with_energy=with_energy)
    return Frame(
        name=name,
        index=index,
        positions=positions,
        types=types.astype(np.int64),
        names=names,
        cell=cell,
        pbc=pbc,
        labels=labels,
        fparam=_parameters(atoms.info.get("fparam"), "fparam", name),
        aparam=_parameters(atomic_parameters(atoms), "aparam", name),
    )


def atomic_parameters(atoms: Atoms) -> Any:
    """What a structure holds as ``aparam``: for each atom, or one row for all."""
    return atoms.arrays.get("aparam", atoms.info.get("aparam"))


def _parameters(value: Any, what: str, name: str) -> Doubles | None:
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name}: expected numbers as {what}, got {value!r:.40}")
    return array.astype(np.float64)
