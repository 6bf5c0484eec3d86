"""The periodic full neighbour list, kept while nothing has moved too far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..inputs.structure import System
from ..kernels.cpu.neighbour_list import list_neighbours
from ..kernels.cpu.skin import farthest_move, follow_owners
from ..kernels.layout import Grid, Neighbourhood, SortedAtoms
from ..runtime.numba_start import start_numba
from .spatial_order import in_spatial_order, memory, slices, task_size

Floats = NDArray[np.float64]
Tasks = Iterable[tuple[Any, ...]]
Run = Callable[[Callable[..., None], Tasks], None]

ROWS_PER_TASK = 4096
ATOMS_PER_TASK = 2**16  # of steps between builds
SPARE = 1 / 32  # of a list, so that the next one fits its memory


def _run_here(function: Callable[..., None], tasks: Tasks) -> None:
    for task in tasks:
        function(*task)


class _Built(NamedTuple):
    """A list and a copy of the system that it was built for."""

    system: System
    hood: Neighbourhood
    owners: NDArray[np.int32]
    shifted: NDArray[np.int32]  # (n_shifted,) images and wrapped atoms, in order
    offsets: Floats  # (n_shifted, 3) Å, from the owners' positions


class NeighbourList:
    """A full list over atoms and explicit periodic images, sorted in space.

    It is the same whatever the number of threads.

    Parameters
    ----------
    cutoff : Å
    skin : Å
        Pairs up to cutoff + skin are listed, and the list serves until an atom
        has moved by half the skin; 0 rebuilds on every `update`.
    run : how to spread tasks over threads

    Attributes
    ----------
    builds : how often the list was built
    """

    def __init__(self, cutoff: float, skin: float = 0.0, run: Run = _run_here) -> None:
        self.cutoff, self.skin, self.builds = cutoff, skin, 0
        self._run = run
        self._built: _Built | None = None
        self._room = np.empty(0, np.int32)

    @property
    def hood(self) -> Neighbourhood:
        """Over the internal (sorted) atoms with images; `update` reuses its arrays."""
        return self._last().hood

    @property
    def owners(self) -> NDArray[np.int32]:
        """(n_all,) the user's atom behind each internal one."""
        return self._last().owners

    def _last(self) -> _Built:
        if self._built is None:
            raise RuntimeError("hood and owners: expected an update before")
        return self._built

    def update(self, system: System) -> None:
        """Bring ``hood`` to this system, rebuilding the list only if needed.

        Raises
        ------
        InputError
            If images or pairs would exceed the memory: lengths are not in Å.
        """
        if self._built is not None and self._serves(self._built, system):
            self._follow(self._built, system.positions)
            return
        self._built = None  # what is kept must not be half a list, nor cost memory
        self._built = self._build(system)
        self.builds += 1

    def _serves(self, built: _Built, system: System) -> bool:
        old = built.system
        if (
            not self.skin
            or old.positions.shape != system.positions.shape
            or old.pbc != system.pbc
            or not np.array_equal(old.cell, system.cell)
        ):
            return False
        parts = slices(len(system.positions), ATOMS_PER_TASK)
        squared = np.empty(len(parts))
        now, before = (system.positions, system.types), (old.positions, old.types)
        arrays = (*now, *before)
        self._spread(
            farthest_move,
            (
                (*(array[part] for array in arrays), squared[k : k + 1])
                for k, part in enumerate(parts)
            ),
            len(parts),
        )
        return bool(squared.max() < 0.25 * self.skin**2)

    def _follow(self, built: _Built, positions: Floats) -> None:
        parts = slices(len(built.owners), ATOMS_PER_TASK)
        begins = np.searchsorted(built.shifted, [part.start for part in parts])
        ends = [*begins[1:].tolist(), len(built.shifted)]

        def tasks() -> Tasks:
            for part, begin, end in zip(parts, begins.tolist(), ends, strict=True):
                where = (built.shifted[begin:end], built.offsets[begin:end])
                owners, moved = built.owners[part], built.hood.positions[part]
                yield positions, owners, part.start, *where, moved

        self._spread(follow_owners, tasks(), len(parts))

    def _build(self, system: System) -> _Built:
        start_numba()
        reach = self.cutoff + self.skin
        atoms, grid = in_spatial_order(system, reach, self._spread)
        shifted, offsets = self._shifted(atoms)
        first, neighbours = self._list(atoms, grid, reach)
        hood = Neighbourhood(
            atoms.positions, atoms.types, atoms.centres, first, neighbours
        )
        kept = self._copy(system) if self.skin else system
        return _Built(kept, hood, atoms.owners, shifted, offsets)

    def _shifted(self, atoms: SortedAtoms) -> tuple[NDArray[np.int32], Floats]:
        """See `_Built`; nothing where no step follows."""
        if not self.skin:
            return np.empty(0, np.int32), np.empty((0, 3))
        x, y, z = atoms.offsets.T
        shifted = np.flatnonzero((x != 0) | (y != 0) | (z != 0)).astype(np.int32)
        return shifted, atoms.offsets[shifted]

    def _copy(self, system: System) -> System:
        positions, types = np.empty_like(system.positions), np.empty_like(system.types)
        pairs = ((positions, system.positions), (types, system.types))
        parts = slices(len(types), ATOMS_PER_TASK)
        for to, source in pairs:
            copies = ((to[part], source[part]) for part in parts)
            self._spread(np.copyto, copies, len(parts))
        return system._replace(positions=positions, types=types)

    def _list(
        self, atoms: SortedAtoms, grid: Grid, reach: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        n = len(atoms.centres)
        first = np.zeros(n + 1, np.int64)
        neighbours = np.empty(0, np.int32)
        parts = slices(n, task_size(n, ROWS_PER_TASK))

        def tasks(fill: bool) -> Tasks:
            for rows in parts:
                begins = first[rows.start : rows.stop + 1]
                centres = atoms.centres[rows]
                yield atoms.columns, centres, grid, reach, begins, neighbours, fill

        self._spread(list_neighbours, tasks(False), len(parts))
        np.cumsum(first, out=first)
        total = int(first[-1])
        if 4 * total > memory():
            raise InputError(
                f"positions: {total / n:.3g} neighbours an atom within {reach:g} Å "
                f"exceed the memory of {memory() / 1e9:.3g} GB; expected lengths in Å"
            )
        neighbours = self._memory_for(total)
        self._spread(list_neighbours, tasks(True), len(parts))
        return first, neighbours

    def _memory_for(self, n_pairs: int) -> NDArray[np.int32]:
        """(n_pairs,) of the last list's memory if it is enough, and not far too much.

        New memory costs the system's zeros.
        """
        if not n_pairs <= self._room.size <= 2 * n_pairs:
            self._room = np.empty(0, np.int32)
            self._room = np.empty(n_pairs + int(SPARE * n_pairs), np.int32)
        return self._room[:n_pairs]

    def _spread(self, function: Callable[..., None], tasks: Tasks, n: int) -> None:
        """Over the threads, unless there is only one task."""
        (_run_here if n == 1 else self._run)(function, tasks)
