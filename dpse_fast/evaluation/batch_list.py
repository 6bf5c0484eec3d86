"""The neighbour lists of many systems as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..cpu.neighbours import NeighbourList
from ..inputs.structure import System

Floats = NDArray[np.float64]


class JointList:
    """A full list over the atoms and images of all systems, each on its own.

    Parameters
    ----------
    cutoff, skin : Å, as `NeighbourList`; a system keeps its list by its place

    Attributes
    ----------
    builds : how often a list of a system was built
    positions, types, first, neighbours, centres : see `Neighbourhood`
    owners : (n_all,) the atom behind each, atoms of all systems being numbered on
    """

    positions: Floats
    types: NDArray[np.int32]
    first: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    centres: NDArray[np.int32]
    owners: NDArray[np.int32]

    def __init__(self, cutoff: float, skin: float) -> None:
        self._cutoff, self._skin = cutoff, skin
        self._lists: list[NeighbourList] = []
        self.builds = 0

    def update(self, systems: Sequence[System]) -> bool:
        """Bring the list to these systems; returns whether more than positions is new.

        Raises
        ------
        InputError
            As `NeighbourList.update`.
        """
        anew = len(systems) != len(self._lists)
        del self._lists[len(systems) :]
        while len(self._lists) < len(systems):
            self._lists.append(NeighbourList(self._cutoff, self._skin))
        for one, system in zip(self._lists, systems, strict=True):
            before = one.builds
            one.update(system)
            self.builds += one.builds - before
            anew |= one.builds > before
        self.positions = np.concatenate([one.hood.positions for one in self._lists])
        if anew:
            self._join([len(system.types) for system in systems])
        return anew

    def _join(self, n_atoms: Sequence[int]) -> None:
        hoods = [one.hood for one in self._lists]
        places = _begins([len(hood.positions) for hood in hoods])
        listed = _begins([len(hood.neighbours) for hood in hoods])
        atoms = _begins(n_atoms)
        self.types = np.concatenate([hood.types for hood in hoods])
        self.centres = _shifted([hood.centres for hood in hoods], places)
        self.neighbours = _shifted([hood.neighbours for hood in hoods], places)
        self.owners = _shifted([one.owners for one in self._lists], atoms)
        starts = [h.first[:-1] + b for h, b in zip(hoods, listed, strict=True)]
        self.first = np.concatenate([*starts, [len(self.neighbours)]])


def _begins(sizes: Sequence[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *sizes[:-1]])


def _shifted(
    parts: list[NDArray[np.int32]], by: NDArray[np.int64]
) -> NDArray[np.int32]:
    moved = [part + np.int32(b) for part, b in zip(parts, by.tolist(), strict=True)]
    joined: NDArray[np.int32] = np.concatenate(moved)
    return joined
