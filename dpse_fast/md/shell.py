"""Own atoms with ghost atoms up to two cutoffs away, where no forces are returned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..array_types import Bools, Doubles, Int32s
from ..cpu.neighbours import NeighbourList
from ..evaluation.atom_names import numbered
from ..evaluation.backend import Request
from ..inputs.arrays import VIRTUAL
from ..inputs.neighbour_list import CallerList
from ..inputs.structure import HOST_ARRAYS, System, refuse
from ..kernels.layout import Neighbourhood
from ..potential import Potential


class Share(NamedTuple):
    """What own atoms have of the whole; summed over all ranks it is the whole."""

    energy: float  # eV
    forces: Doubles  # (n_own, 3) eV/Å
    virial: Doubles  # (3, 3) eV


class Shell:
    """Energies, forces and virials of own atoms among ghosts.

    Parameters
    ----------
    potential : Potential
    skin : Å, of the list that is kept while atoms move little
    used : the model's types that the whole system has: all its parts have one plan
    """

    def __init__(self, potential: Potential, skin: float, used: Int32s) -> None:
        self._type_map = potential.type_map
        self._used = used[used != VIRTUAL]
        self._session = potential.listed_session()
        self._list = NeighbourList(potential.rcut, skin)
        self._centres = np.empty(0, np.int32)
        self._builds, self._n_own = 0, -1

    def compute(self, positions: Doubles, types: Int32s, n_own: int) -> Share:
        """Evaluate own atoms and the ghosts whose energies they enter.

        Parameters
        ----------
        positions : (n_all, 3) Å, own atoms first, and every ghost within two cutoffs
        types : (n_all,) of the model; −1 is a virtual atom
        n_own : how many are own

        Raises
        ------
        AtomError
            With the row of positions of an atom that cannot be evaluated.
        """
        real = np.flatnonzero(types != VIRTUAL)
        n_real = int(np.searchsorted(real, n_own))  # own ones that count
        forces = np.zeros((n_own, 3))
        if not n_real:
            return Share(0.0, forces, np.zeros((3, 3)))
        located = np.ascontiguousarray(positions[real], np.float64)
        nowhere = (False, False, False)
        own_types, n_types = types[real], len(self._type_map)
        find = HOST_ARRAYS.faults(located, own_types, VIRTUAL, n_types)
        with numbered(lambda atom: int(real[atom])):
            refuse(find(), self._type_map)
        self._list.update(System(located, own_types, np.eye(3), nowhere))
        hood, owners = self._list.hood, self._list.owners
        same = self._list.builds == self._builds and n_real == self._n_own
        own, rows = owners < n_real, None
        if not same:
            rows = _rows(hood, own)
            self._centres = rows.centres
        self._builds = 0  # the session may lose its list where an evaluation fails
        request = Request(self._session.truncate, atomic=True)
        with numbered(lambda atom: int(real[owners[atom]])):
            (found,) = self._session.evaluate(
                hood.positions, rows, [request], self._used
            )
        self._builds, self._n_own = self._list.builds, n_real
        # Every pair that has an own atom as its neighbour is among these rows.
        assert found.atomic_virials is not None
        assert found.atomic_energies is not None
        forces[real[owners[own]]] = found.forces[own]
        energy = float(found.atomic_energies[own[self._centres]].sum())
        return Share(energy, forces, found.atomic_virials[own].sum(axis=0))


def _rows(hood: Neighbourhood, own: Bools) -> CallerList:
    """Those of own atoms and of atoms that have one within the list's reach."""
    first, neighbours, centres = hood.first, hood.neighbours, hood.centres
    sums = np.concatenate([[0], np.cumsum(own[neighbours])])
    counts = np.diff(first)
    wanted = own[centres] | (sums[first[1:]] > sums[first[:-1]])
    chosen = neighbours[np.repeat(wanted, counts)]
    bounds = np.concatenate([[0], np.cumsum(counts[wanted])])
    return CallerList(
        types=hood.types,
        centres=centres[wanted].copy(),
        first=bounds.astype(np.int64),
        neighbours=chosen.copy(),
    )
