"""Which pairs a descriptor keeps, and how many slots stay empty."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dpse_fast.model import Descriptor

from .geometry import Indices, Pairs

Overflow = Literal["truncate", "all"]


def fill_slots(
    d: Descriptor, pairs: Pairs, t: Indices, overflow: Overflow
) -> tuple[NDArray[np.bool_], Indices]:
    """Whether each pair is kept (P,), and the empty slots (N, len(sel)).

    With "all" every pair is kept and the number of empty slots may be negative.
    """
    group = np.zeros(len(d.embedding), dtype=int)
    if not d.mixed:
        group = np.arange(len(d.embedding))
    slots = group[t[pairs.neighbour]]
    kept = np.ones(len(slots), dtype=bool)
    empty = np.empty((len(t), len(d.sel)), dtype=int)
    for s, size in enumerate(d.sel):
        mine = np.flatnonzero(slots == s)
        count = np.bincount(pairs.centre[mine], minlength=len(t))
        if overflow == "truncate":
            rank = np.arange(len(mine))
            rank -= (np.cumsum(count) - count)[pairs.centre[mine]]
            kept[mine] = rank < size
            count = np.minimum(count, size)
        empty[:, s] = size - count
    return kept, empty
