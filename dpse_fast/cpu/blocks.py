"""Which atoms go through the stages together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..array_types import Int64s
from ..kernels.layout import Neighbourhood

BLOCK = 256  # atoms: products of 256 rows were 5 % (10 % in float32) faster than of 128
LEAST_BLOCK = 32
FEWEST_BLOCKS = 16  # of a small structure, so that threads share it evenly
TILE = 8  # rows that a product takes at once
# Threads with equal blocks in step call kernels, and wait for Python's lock, at the
# same moments; apart by the first block, two were 1 to 2 % faster on 5,184 atoms.
FIRST = 3 / 8


class Block(NamedTuple):
    """Atoms of one type that go through the stages together."""

    number: int
    species: int
    rows: Int64s  # (B,) rows of the list


def blocks_of(
    hood: Neighbourhood,
    n_types: int,
    some: Int64s | None = None,
    first: int = 0,
) -> list[Block]:
    """Atoms of one type, neighbours in space; the same for any number of threads.

    The last blocks are small, so that threads end together: on two threads the last
    of 21 equal blocks of water held one of them up for 4 % of the time.

    Parameters
    ----------
    some : rows of the list, ascending; None: all
    first : number of the first block
    """
    types = hood.types[hood.centres]
    blocks: list[Block] = []
    of_interest = np.arange(len(types)) if some is None else some
    own = types[of_interest]
    left = n_atoms = int(np.count_nonzero(own >= 0))
    for species in range(n_types):
        rows = of_interest[own == species]
        while len(rows):
            size = _size(len(rows), left, n_atoms)
            now, rows = rows[:size], rows[size:]
            number = first + len(blocks)
            blocks.append(Block(number, species, now))
            left -= len(now)
    return blocks


def _size(of_type: int, left: int, n_atoms: int) -> int:
    """Of the next block, where so many atoms of its type and of all are left."""
    most = min(BLOCK, max(LEAST_BLOCK, n_atoms // FEWEST_BLOCKS))
    limit = FIRST * most if left == n_atoms else left / 2
    most = min(most, max(LEAST_BLOCK, int(limit)))
    even = -(-of_type // -(-of_type // most))
    return min(most, -(-even // TILE) * TILE)
