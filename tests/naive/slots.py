"""Which pairs a descriptor keeps, and how many slots stay empty."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dpse_fast.model import Descriptor

from .geometry import Indices, Pairs

Overflow = Literal["truncate", "all"]


def fill_slots(
    d: Descriptor,
    pairs: Pairs,
    t: Indices,
    overflow: Overflow,
    emptied: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], Indices]:
    """Whether each pair is kept (P,), and the empty slots (N, len(sel)).

    With "all" every pair is kept and the number of empty slots may be negative.
    Emptied pairs (P,) stand for their rank among the nearest and leave their slot.
    """
    group = np.zeros(len(d.embedding), dtype=int)
    if not d.mixed:
        group = np.arange(len(d.embedding))
    slots = group[t[pairs.neighbour]]
    kept = np.ones(len(slots), dtype=bool)
    if d.keeps_all:
        overflow = "all"
    if d.list_size and overflow == "truncate":
        kept = rank(pairs.centre, len(t)) < d.list_size
    empty = np.empty((len(t), len(d.sel)), dtype=int)
    for s, size in enumerate(d.sel):
        mine = np.flatnonzero(kept & (slots == s))
        if overflow == "truncate":
            kept[mine] = rank(pairs.centre[mine], len(t)) < size
        filled = mine[kept[mine] & ~emptied[mine]]
        empty[:, s] = size - np.bincount(pairs.centre[filled], minlength=len(t))
    if d.keeps_all:
        empty[:] = 0
    return kept & ~emptied, empty


def rank(centre: Indices, n: int) -> Indices:
    """The place of each pair among its centre's, which are sorted by distance."""
    count = np.bincount(centre, minlength=n)
    rank: Indices = np.arange(len(centre)) - (np.cumsum(count) - count)[centre]
    return rank
