"""The neighbour lists of a batch of systems as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ..array_types import Doubles, Int32s, Int64s
from ..inputs.neighbour_list import CallerList
from ..inputs.structure import System
from ..kernels.layout import Neighbourhood


class HostList(Protocol):
    """A neighbour list of one system on the host; see `cpu.neighbours`."""

    builds: int

    @property
    def hood(self) -> Neighbourhood:
        """Over atoms and periodic images."""

    @property
    def owners(self) -> Int32s:
        """(n_all,) the system's atom behind each."""

    def update(self, system: System) -> None:
        """Bring the list to where the atoms are."""


class BatchList:
    """A full list over the atoms and images of all systems, each on its own.

    Parameters
    ----------
    make_list : a new list for one system; a system keeps its list by its place

    Attributes
    ----------
    builds : how often a list of a system was built
    positions : (n_all, 3) Å
    rows : all else; see `Neighbourhood`
    owners : (n_all,) the atom behind each, atoms of all systems being numbered on
    """

    positions: Doubles
    rows: CallerList
    owners: Int32s

    def __init__(self, make_list: Callable[[], HostList]) -> None:
        self._make_list = make_list
        self._lists: list[HostList] = []
        self._joined: list[tuple[HostList, int]] = []  # and their builds
        self.builds = 0

    def update(self, systems: Sequence[System]) -> bool:
        """Bring the list to these systems; returns whether more than positions is new.

        Raises
        ------
        InputError
            As `NeighbourList.update`.
        """
        del self._lists[len(systems) :]
        while len(self._lists) < len(systems):
            self._lists.append(self._make_list())
        for one, system in zip(self._lists, systems, strict=True):
            before = one.builds
            one.update(system)
            self.builds += one.builds - before
        self.positions = np.concatenate([one.hood.positions for one in self._lists])
        lists = [(one, one.builds) for one in self._lists]
        anew = lists != self._joined
        if anew:
            self._joined = []  # half a join is none
            self._join([len(system.types) for system in systems])
            self._joined = lists
        return anew

    def forget(self) -> None:
        """Join anew next time, as after an update that was broken off."""
        self._joined = []

    def _join(self, n_atoms: Sequence[int]) -> None:
        hoods = [one.hood for one in self._lists]
        places = _begins([len(hood.positions) for hood in hoods])
        listed = _begins([len(hood.neighbours) for hood in hoods])
        atoms = _begins(n_atoms)
        starts = [h.first[:-1] + b for h, b in zip(hoods, listed, strict=True)]
        neighbours = _shifted([hood.neighbours for hood in hoods], places)
        self.rows = CallerList(
            types=np.concatenate([hood.types for hood in hoods]),
            centres=_shifted([hood.centres for hood in hoods], places),
            first=np.concatenate([*starts, [len(neighbours)]]),
            neighbours=neighbours,
        )
        self.owners = _shifted([one.owners for one in self._lists], atoms)


def _begins(sizes: Sequence[int]) -> Int64s:
    return np.cumsum([0, *sizes[:-1]])


def _shifted(parts: list[Int32s], by: Int64s) -> Int32s:
    moved = [part + np.int32(b) for part, b in zip(parts, by.tolist(), strict=True)]
    joined: Int32s = np.concatenate(moved)
    return joined
