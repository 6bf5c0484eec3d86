"""Instructions of the warps in loops over pairs, read off their SASS.

Lengths of the loops for sm_90 (Numba 0.30, ptxas 13.0), the common path through each.
They go stale when a kernel changes; a kernel that nobody has counted has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from dpse_fast.kernels.cuda.streams import Streams

WARP = 32
LINES = 8.1  # of cells that a row's reach meets, of nine


def chunks(n: float, segments: float) -> float:
    """Of 32, of n in so many segments: each ends in one that is half full."""
    return n / WARP + segments / 2


class Table(NamedTuple):
    """Of a kernel whose streams of lanes take pairs in turns."""

    turn: float  # a pair in each stream
    channel: float  # and each of a lane's channels in a turn
    chunk: float  # 32 pairs, before
    row: float

    def of(self, pairs: float, segments: float, streams: Streams) -> float:
        """Of a row with pairs of so many types."""
        turns = pairs * streams.lanes / WARP
        each = turns * (self.turn + self.channel * streams.channels)
        swept = each + chunks(pairs, segments) * self.chunk
        return self.row + float(streams.sweeps * swept)


class Loop(NamedTuple):
    """Of a kernel whose lanes take a pair each."""

    chunk: float  # 32 pairs
    row: float

    def of(self, pairs: float, segments: float) -> float:
        """Of a row with pairs in so many segments."""
        return self.row + chunks(pairs, segments) * self.chunk


class Building(NamedTuple):
    """Of the list: two passes over candidates, then a binary search for each pair."""

    chunk: float  # 32 candidates
    kind: float  # and each type among them
    line: float
    row: float
    pairs: float  # 32 whose reverse is looked for
    halving: float  # of the neighbours that it may be

    def of(self, candidates: float, listed: float, segment: float, types: int) -> float:
        """Of a row.

        Parameters
        ----------
        segment : neighbours among which a pair's reverse is
        types : of neighbours
        """
        passed = chunks(candidates, LINES) * (self.chunk + types * self.kind)
        listing = 2 * (passed + LINES * self.line + self.row)
        search = self.pairs + np.ceil(np.log2(segment + 1)) * self.halving
        return float(listing + chunks(listed, types) * search)


class Instructions(NamedTuple):
    """Of all kernels over pairs; by bytes of a table's number where that matters."""

    building: Building
    environment: Loop
    moments: Mapping[int, Table]
    pair_gradients: Mapping[int, Table]
    gather: Loop


SM_90 = Instructions(
    building=Building(52, 84, 160, 400, 85, 16),
    environment=Loop(416, 400),
    moments={4: Table(29, 11, 173, 240), 8: Table(17, 16, 165, 300)},
    pair_gradients={4: Table(104, 17.5, 280, 140), 8: Table(118, 19, 277, 140)},
    gather=Loop(250, 300),
)
