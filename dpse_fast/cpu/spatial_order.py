"""Atoms and their periodic images in the order of cells of space."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..array_types import AnyArray, Int64s
from ..errors import InputError
from ..inputs.cell_geometry import MOST_ATOMS, cells_of_space, periodicity
from ..inputs.structure import System
from ..kernels.cpu.cells import sort_bucket, spread_over_buckets
from ..kernels.cpu.images import measure_images
from ..kernels.layout import Grid, Periodicity, SortedAtoms
from .aligned import CACHE_LINE

Spread = Callable[[Callable[..., None], Iterable[tuple[Any, ...]], int], None]

# Fine along x, the direction of lines: water's list to 6 Å takes 0.61 µs an atom, with
# (1, 1, 1) cells 0.72, with (2, 2, 2) 0.98.
CELLS_PER_REACH = np.array([12.0, 1.0, 1.0])
ATOMS_PER_TASK = 16384
FEWEST_TASKS = 16  # of a small structure, unless they are a quarter of the largest
MOST_CHUNKS, MOST_BUCKETS = 128, 1024  # sorting counts in each chunk and bucket
PADDING = 8  # a register of float64 may be loaded at the last atom
BYTES_PER_ATOM = 200  # of positions, offsets and owners while the list is built


def in_spatial_order(
    system: System, reach: float, spread: Spread
) -> tuple[SortedAtoms, Grid]:
    """Wrap atoms, add the images within reach of the cell, sort both into cells.

    Parameters
    ----------
    reach : Å
    spread : how to call a kernel for each of so many tasks

    Raises
    ------
    InputError
        If there are too many images for memory.
    """
    n = len(system.positions)
    box = periodicity(system, reach)
    chunks = slices(n, max(task_size(n, ATOMS_PER_TASK), -(-n // MOST_CHUNKS)))
    low, high = (_rows_apart(len(chunks), 3, np.float64) for _ in range(2))
    counts = np.empty(len(chunks), np.int64)
    spread(
        measure_images,
        (
            (system.positions[part], box, low[k], high[k], counts[k : k + 1])
            for k, part in enumerate(chunks)
        ),
        len(chunks),
    )
    n_all = int(counts.sum())
    if n_all > min(MOST_ATOMS, memory() / BYTES_PER_ATOM):
        raise InputError(
            f"positions: {n} atoms and {n_all - n} periodic images exceed the memory "
            f"of {memory() / 1e9:.3g} GB or the {MOST_ATOMS} that one list can hold; "
            "expected positions and cell in Å"
        )
    extent = low.min(axis=0), high.max(axis=0), box.cell
    origin, widths, shape = cells_of_space(*extent, reach, n_all, CELLS_PER_REACH)
    first = np.empty(int(shape.prod()) + 1, np.int32)
    first[-1] = n_all
    grid = Grid(origin, 1.0 / widths, shape, first)
    return _sorted(system, box, grid, chunks, counts, spread), grid


def _sorted(
    system: System,
    box: Periodicity,
    grid: Grid,
    chunks: list[slice],
    counts: Int64s,
    spread: Spread,
) -> SortedAtoms:
    n, n_all = len(system.positions), int(counts.sum())
    n_lines = int(grid.shape[1] * grid.shape[2])
    most = min(max(n_all // task_size(n_all, ATOMS_PER_TASK), 1), MOST_BUCKETS)
    lines = -(-n_lines // most)
    buckets = slices(n_lines, lines)
    owners, offsets = np.empty(0, np.int32), np.empty((0, 3))
    places, atoms = (_rows_apart(len(chunks), len(buckets), np.int64) for _ in range(2))

    def pass_(fill: bool) -> Iterable[tuple[Any, ...]]:
        for k, part in enumerate(chunks):
            where = (lines, places[k], atoms[k], owners, offsets, fill)
            yield system.positions[part], part.start, box, grid, *where

    if len(buckets) == 1:
        places[:, 0], atoms[:, 0] = counts, [part.stop - part.start for part in chunks]
    else:
        spread(spread_over_buckets, pass_(False), len(chunks))
    # Bucket by bucket, and chunk by chunk within one.
    ends = np.cumsum(places.T).reshape(places.T.shape)
    np.subtract(ends.T, places, out=places)
    owners, offsets = np.empty(n_all, np.int32), np.empty((n_all, 3))
    start = [*places[0].tolist(), n_all]
    first_centre = np.cumsum(atoms.sum(axis=0)) - atoms.sum(axis=0)
    spread(spread_over_buckets, pass_(True), len(chunks))
    columns = np.empty((3, n_all + PADDING))
    columns[:, n_all:] = 0.0
    found = SortedAtoms(
        positions=np.empty((n_all, 3)),
        columns=columns,
        offsets=np.empty((n_all, 3)),
        owners=np.empty(n_all, np.int32),
        types=np.empty(n_all, np.int32),
        centres=np.empty(n, np.int32),
    )
    spread(
        sort_bucket,
        (
            (
                *(system.positions, system.types),
                *(array[start[b] : start[b + 1]] for array in (owners, offsets)),
                *(grid, part.start, part.stop - part.start),
                *(start[b], int(first_centre[b]), found),
            )
            for b, part in enumerate(buckets)
        ),
        len(buckets),
    )
    return found


def _rows_apart(n_rows: int, width: int, dtype: Any) -> AnyArray:
    """(n_rows, width) zeros, a cache line between the rows of 8-byte numbers.

    Two threads that write into one line wait for each other at every atom: a chunk of
    6,900 atoms took 0.64 ms to count, and 0.18 ms apart.
    """
    return np.zeros((n_rows, width + CACHE_LINE // 8), dtype)[:, :width]


def task_size(n: int, most: int) -> int:
    """Atoms of a task, so that threads share few atoms evenly too."""
    return max(most // 4, min(most, n // FEWEST_TASKS), 1)


def slices(n: int, most: int) -> list[slice]:
    """Consecutive parts of about one size, at most this one."""
    size = -(-n // max(-(-n // most), 1))
    return [slice(k, min(k + size, n)) for k in range(0, n, max(size, 1))]


def memory() -> float:
    """This machine's memory in bytes, as far as the system tells."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return np.inf
