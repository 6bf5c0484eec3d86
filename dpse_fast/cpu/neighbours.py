"""The periodic full neighbour list, which serves while nothing has moved too far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ..array_types import Doubles, Int32s, Int64s
from ..errors import InputError
from ..inputs.cell_geometry import allowance, check_density, strain_between
from ..inputs.structure import System
from ..kernels.cpu.neighbour_list import list_neighbours
from ..kernels.cpu.skin import farthest_move, follow_owners
from ..kernels.layout import Grid, Neighbourhood, SortedAtoms
from ..runtime.numba_start import start_numba
from .spatial_order import in_spatial_order, memory, slices, task_size

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
    owners: Int32s
    shifted: Int32s  # (n_shifted,) images and wrapped atoms, in order
    offsets: Doubles  # (n_shifted, 3) Å, from the owners' positions, in its cell


class NeighbourList:
    """A full list over atoms and explicit periodic images, sorted in space.

    It is the same whatever the number of threads.

    Parameters
    ----------
    cutoff : Å
    skin : Å
        Pairs up to cutoff + skin are listed, and the list serves until an atom has
        moved by half the skin; less where the cell has shrunk, and beyond the change
        of the cell, see `squared_allowance`. 0 rebuilds on every `update`.
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
    def owners(self) -> Int32s:
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
        if self._needs_rebuild(system):
            self._rebuild(system)
        else:
            self._follow(self._last(), system)

    def _needs_rebuild(self, system: System) -> bool:
        built = self._built
        if built is None:
            return True
        strain, squared = allowance(built.system, system, self.cutoff, self.skin)
        return not squared or not self._farthest_move(built, system, strain) < squared

    def _farthest_move(self, built: _Built, system: System, strain: Doubles) -> float:
        """Å², beyond the strain; inf if a type has changed."""
        parts = slices(len(system.positions), ATOMS_PER_TASK)
        squared = np.empty(len(parts))
        old = built.system
        arrays = (system.positions, system.types, old.positions, old.types)
        flat = strain.reshape(-1)
        self._spread(
            farthest_move,
            (
                (*(array[part] for array in arrays), flat, squared[k : k + 1])
                for k, part in enumerate(parts)
            ),
            len(parts),
        )
        return float(squared.max())

    def _follow(self, built: _Built, system: System) -> None:
        flat = strain_between(built.system, system).reshape(-1)
        parts = slices(len(built.owners), ATOMS_PER_TASK)
        begins = np.searchsorted(built.shifted, [part.start for part in parts])
        ends = [*begins[1:].tolist(), len(built.shifted)]

        def tasks() -> Tasks:
            for part, begin, end in zip(parts, begins.tolist(), ends, strict=True):
                shifted = (built.shifted[begin:end], built.offsets[begin:end])
                owners, moved = built.owners[part], built.hood.positions[part]
                atoms = (system.positions, owners, part.start)
                yield *atoms, *shifted, flat, moved

        self._spread(follow_owners, tasks(), len(parts))

    def _rebuild(self, system: System) -> None:
        self._built = None  # the next list needs its memory, and half a list is none
        self._built = self._build(system)
        self.builds += 1

    def _build(self, system: System) -> _Built:
        start_numba()
        reach = self.cutoff + self.skin
        atoms, grid = in_spatial_order(system, reach, self._spread)
        shifted, offsets = self._shifted(atoms)
        first, neighbours = self._list(atoms, grid, reach)
        hood = Neighbourhood(
            atoms.positions, atoms.types, atoms.centres, first, neighbours
        )
        at_build = self._copy(system) if self.skin else system
        return _Built(at_build, hood, atoms.owners, shifted, offsets)

    def _shifted(self, atoms: SortedAtoms) -> tuple[Int32s, Doubles]:
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
        cell = system.cell.copy()
        return system._replace(positions=positions, types=types, cell=cell)

    def _list(
        self, atoms: SortedAtoms, grid: Grid, reach: float
    ) -> tuple[Int64s, Int32s]:
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
        check_density(n, total, reach)
        if 4 * total > memory():
            raise InputError(
                f"positions: {total / n:.3g} neighbours an atom within {reach:g} Å "
                f"exceed the memory of {memory() / 1e9:.3g} GB; expected lengths in Å"
            )
        neighbours = self._memory_for(total)
        self._spread(list_neighbours, tasks(True), len(parts))
        return first, neighbours

    def _memory_for(self, n_pairs: int) -> Int32s:
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
