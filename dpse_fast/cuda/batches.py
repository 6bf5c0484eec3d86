"""How an evaluation is cut so that it fits the device's memory.

A batch is rows of one type that go through the stages together, a tile is batches
whose pair gradients are in memory together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..errors import InputError

LARGEST_BATCH = 2**16  # rows
SMALLEST_BATCH = 2**8
SPARE = 0.95  # of the free memory; the rest is the allocator's


class Cut(NamedTuple):
    """Consecutive rows of one type, with their place in the list."""

    begin: int
    n_rows: int
    species: int
    first: int  # place in the list
    n_listed: int


class Costs(NamedTuple):
    """Bytes that a batch takes for each row and listed neighbour, and a gradient."""

    row: int
    listed: int
    gradient: int


class Tiling(NamedTuple):
    """Batches, tile by tile."""

    tiles: tuple[tuple[Cut, ...], ...]

    @property
    def most_rows(self) -> int:
        """Of a batch."""
        return max((cut.n_rows for tile in self.tiles for cut in tile), default=0)

    @property
    def most_listed(self) -> int:
        """Neighbours of a batch."""
        return max((cut.n_listed for tile in self.tiles for cut in tile), default=0)

    @property
    def most_gradients(self) -> int:
        """Neighbours of a tile."""
        return max(
            (sum(cut.n_listed for cut in tile) for tile in self.tiles), default=0
        )

    def n_bytes(self, costs: Costs) -> int:
        """Of all buffers."""
        batch = self.most_rows * costs.row + self.most_listed * costs.listed
        return batch + self.most_gradients * costs.gradient


def bounds(starts: Sequence[int], size: int) -> list[int]:
    """Rows where batches of at most this size begin, and the end.

    Parameters
    ----------
    starts : first row of each type, and the number of rows
    """
    found = [0]
    for begin, end in pairwise(starts):
        n_parts = -(-(end - begin) // size)
        found += [begin + (end - begin) * (k + 1) // n_parts for k in range(n_parts)]
    return found


def tiling(
    starts: Sequence[int],
    rows: Sequence[int],
    firsts: Sequence[int],
    free: int,
    costs: Costs,
) -> Tiling:
    """Tiles of the batches between ``rows``, as few as fit into the free memory.

    Parameters
    ----------
    starts : first row of each type, and the number of rows
    rows, firsts : where batches begin, and the end: rows, and places in the list
    free : bytes

    Raises
    ------
    InputError
        If not even one batch at a time fits.
    """
    cuts = _cuts(starts, rows, firsts)
    single = Tiling(tuple((cut,) for cut in cuts))
    room = int(SPARE * free)
    if single.n_bytes(costs) > room:
        raise InputError(
            f"positions: {rows[-1]} atoms need {single.n_bytes(costs) / 1e9:.3g} GB "
            f"beside their list, even in {len(cuts)} parts, and "
            f"{free / 1e9:.3g} GB of the GPU are free; expected fewer atoms, a "
            "precision of 'mixed' or 'single', a smaller skin, or device='cpu'"
        )
    whole = Tiling((tuple(cuts),) if cuts else ())
    if whole.n_bytes(costs) <= room:
        return whole
    batch = single.n_bytes(costs) - single.most_gradients * costs.gradient
    most = (room - batch) // costs.gradient
    tiles: list[list[Cut]] = [[]]
    listed = 0
    for cut in cuts:
        if listed + cut.n_listed > most and tiles[-1]:
            tiles.append([])
            listed = 0
        tiles[-1].append(cut)
        listed += cut.n_listed
    return Tiling(tuple(tuple(tile) for tile in tiles))


def _cuts(
    starts: Sequence[int], rows: Sequence[int], firsts: Sequence[int]
) -> list[Cut]:
    cuts: list[Cut] = []
    species = 0
    for k in range(len(rows) - 1):
        begin, end = rows[k], rows[k + 1]
        while begin >= starts[species + 1]:
            species += 1
        n_listed = firsts[k + 1] - firsts[k]
        cuts.append(Cut(begin, end - begin, species, firsts[k], n_listed))
    return cuts
