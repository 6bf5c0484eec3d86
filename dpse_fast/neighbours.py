"""The periodic full neighbour list, kept while nothing has moved too far."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boundary import System
from .errors import InputError
from .kernels.cpu.cells import (
    count_images,
    fill_images,
    list_neighbours,
    sort_into_cells,
)
from .kernels.layout import Neighbourhood

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]
Run = Callable[[Callable[..., None], Iterable[tuple[Any, ...]]], None]

CELLS_PER_CUTOFF = 2
ROWS_PER_TASK = 4096
MOST_ATOMS = 2**31 - 1  # indices are int32
MOST_IMAGES_PER_ATOM = 200_000
BYTES_PER_ATOM = 200  # of positions, offsets and owners while the list is built


def _run_here(function: Callable[..., None], tasks: Iterable[tuple[Any, ...]]) -> None:
    for task in tasks:
        function(*task)


class NeighbourList:
    """A full list over atoms and explicit periodic images, sorted in space.

    Parameters
    ----------
    cutoff : Å
    skin : Å
        Pairs up to cutoff + skin are listed, and the list serves until an atom
        has moved by half the skin; 0 rebuilds on every `update`.
    run : how to spread tasks over threads

    Attributes
    ----------
    hood : Neighbourhood, over the internal (sorted) atoms with images
    owners : (n_all,) int32, the user's atom behind each internal one
    builds : how often the list was built
    """

    hood: Neighbourhood
    owners: NDArray[np.int32]

    def __init__(self, cutoff: float, skin: float = 0.0, run: Run = _run_here) -> None:
        self.cutoff, self.skin, self.builds = cutoff, skin, 0
        self._run = run
        self._built_for: System | None = None

    def update(self, system: System) -> None:
        """Bring ``hood`` to this system, rebuilding the list only if needed."""
        if self._serves(system):
            np.take(system.positions, self.owners, axis=0, out=self.hood.positions)
            np.add(self.hood.positions, self._offsets, out=self.hood.positions)
            return
        self._built_for = None  # an interrupt may leave half a list
        self._build(system)
        self._built_for = system._replace(positions=system.positions.copy())
        self.builds += 1

    def _serves(self, system: System) -> bool:
        old = self._built_for
        if old is None or not self.skin:
            return False
        if (
            old.positions.shape != system.positions.shape
            or old.pbc != system.pbc
            or not np.array_equal(old.cell, system.cell)
            or not np.array_equal(old.types, system.types)
        ):
            return False
        moved = system.positions - old.positions
        return bool(np.einsum("ij,ij->i", moved, moved).max() < 0.25 * self.skin**2)

    def _build(self, system: System) -> None:
        reach = self.cutoff + self.skin
        owners, offsets = _with_images(system, reach)
        positions = system.positions[owners] + offsets
        origin = positions.min(axis=0)
        extent = positions.max(axis=0) - origin
        width = _cell_width(extent, reach, len(owners))
        shape = np.floor(extent / width).astype(np.int64) + 1
        inverse = np.full(3, 1.0 / width)
        cells = np.empty(int(shape.prod()) + 1, np.int64)
        order = sort_into_cells(positions, origin, inverse, shape, cells)
        positions = np.ascontiguousarray(positions[order])
        centres = np.flatnonzero(order < len(system.positions)).astype(np.int32)
        span = int(np.ceil(reach / width))
        grid = (origin, inverse, shape, cells, span, reach)
        first, neighbours = self._list(positions, centres, grid)
        self.owners = owners[order]
        self._offsets = np.ascontiguousarray(offsets[order])
        types = np.ascontiguousarray(system.types[self.owners])
        self.hood = Neighbourhood(positions, types, centres, first, neighbours)

    def _list(
        self, positions: Floats, centres: NDArray[np.int32], grid: tuple[Any, ...]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        counts = np.empty(len(centres), np.int64)
        first = np.zeros(len(centres) + 1, np.int64)
        neighbours = np.empty(0, np.int32)

        def tasks(fill: bool) -> Iterable[tuple[Any, ...]]:
            for start in range(0, len(centres), ROWS_PER_TASK):
                rows = slice(start, start + ROWS_PER_TASK)
                where = (counts[rows], first[start:], neighbours, fill)
                yield (positions, centres[rows], *grid, *where)

        self._run(list_neighbours, tasks(False))
        np.cumsum(counts, out=first[1:])
        if 4 * first[-1] > _memory():
            each = first[-1] / len(centres)
            raise InputError(
                f"positions: {each:.3g} neighbours an atom within {grid[-1]:g} Å "
                f"exceed the memory of {_memory() / 1e9:.3g} GB; expected lengths in Å"
            )
        neighbours = np.empty(int(first[-1]), np.int32)
        self._run(list_neighbours, tasks(True))
        return first, neighbours


def _with_images(system: System, reach: float) -> tuple[NDArray[np.int32], Floats]:
    """Owners and offsets (n_all, 3) Å: the wrapped atoms, then their images."""
    n = len(system.positions)
    own = np.arange(n, dtype=np.int32)
    if not any(system.pbc):
        return own, np.zeros((n, 3))
    inverse = np.linalg.inv(system.cell)
    heights = 1.0 / np.linalg.norm(inverse, axis=0)
    near = reach * (1 + 1e-9) / heights
    most = np.where(system.pbc, np.ceil(near), 0).astype(np.int64)
    if np.prod(2.0 * most + 1) > MOST_IMAGES_PER_ATOM:
        raise InputError(
            f"cell: {np.prod(2.0 * most + 1):.3g} periodic images lie within "
            f"{reach:g} Å of the cell, whose thinnest direction is "
            f"{heights[list(system.pbc)].min():.3g} Å; expected lengths in Å"
        )
    fractions = system.positions @ inverse
    wraps = np.where(system.pbc, np.floor(fractions), 0.0)
    fractions -= wraps
    n_images = count_images(fractions, near, most)
    if n + n_images > min(MOST_ATOMS, _memory() / BYTES_PER_ATOM):
        raise InputError(
            f"positions: {n} atoms and {n_images} periodic images exceed the memory of "
            f"{_memory() / 1e9:.3g} GB or the {MOST_ATOMS} that one list can hold; "
            "expected positions and cell in Å"
        )
    owners = np.empty(n_images, np.int32)
    shifts = np.empty((n_images, 3), np.int32)
    fill_images(fractions, near, most, owners, shifts)
    offsets = -wraps @ system.cell
    images = offsets[owners] + shifts @ system.cell
    return np.concatenate([own, owners]), np.concatenate([offsets, images])


def _memory() -> float:
    """This machine's memory in bytes, as far as the system tells."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return np.inf


def _cell_width(extent: Floats, reach: float, n_atoms: int) -> float:
    """The cells' edge: a part of the reach, or more where atoms are sparse."""
    width = reach / CELLS_PER_CUTOFF
    while np.prod(np.floor(extent / width) + 1) > 8 * n_atoms + 64:
        width *= 1.26
    return width
