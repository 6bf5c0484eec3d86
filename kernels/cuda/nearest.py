"""The nearest neighbours of a row, found by dropping the farthest one by one.

A cut is a distance and a place in the row's list: what comes before it is kept.
"""

from __future__ import annotations

import math
from typing import Any

from ..layout import Floats
from ._cuda import WARP, cuda, device
from ._ptx import EVERYONE, fetch4, lane, pick
from .layout import FullList

FARTHER = math.inf  # a cut that keeps all


@device
def separation(located: Floats, x: Any, y: Any, z: Any, j: int) -> Any:
    """x_j − x, y_j − y, z_j − z and their squared length, the same in all kernels."""
    there = fetch4(located, 4 * j)
    dx = there[0] - x
    dy = there[1] - y
    dz = there[2] - z
    return dx, dy, dz, cuda.fma(dz, dz, cuda.fma(dy, dy, dx * dx))


@device
def is_before(r2: Any, place: int, cut_r2: Any, cut_place: int) -> bool:
    """Whether a neighbour comes before a cut: by distance, then by the list."""
    return r2 < cut_r2 or (r2 == cut_r2 and place < cut_place)


@device
def count_before(
    hood: FullList,
    located: Floats,
    row: int,
    t: int,
    n_types: int,
    limit: Any,
    cut_r2: Any,
    cut_place: int,
) -> int:
    """How many neighbours of a type are within a limit (Å²) and before a cut."""
    here = fetch4(located, 4 * row)
    first = pick(hood.first, row * n_types)
    begin = pick(hood.first, row * n_types + t)
    end = pick(hood.first, row * n_types + t + 1)
    met = 0
    for chunk in range(begin, end, WARP):
        e = chunk + lane()
        counts = False
        if e < end:
            j = pick(hood.neighbours, e)
            _, _, _, r2 = separation(located, here[0], here[1], here[2], j)
            counts = r2 < limit and is_before(r2, int(e - first), cut_r2, cut_place)
        met += cuda.popc(cuda.ballot_sync(EVERYONE, counts))
    return met


@device
def farthest_of_type(
    hood: FullList,
    located: Floats,
    row: int,
    t: int,
    n_types: int,
    limit: Any,
    cut_r2: Any,
    cut_place: int,
    last_r2: Any,
    last_place: int,
) -> Any:
    """A lane's farthest neighbour before a cut: of this type, or the last so far."""
    here = fetch4(located, 4 * row)
    first = pick(hood.first, row * n_types)
    begin = pick(hood.first, row * n_types + t)
    end = pick(hood.first, row * n_types + t + 1)
    for e in range(begin + lane(), end, WARP):
        j = pick(hood.neighbours, e)
        _, _, _, r2 = separation(located, here[0], here[1], here[2], j)
        place = int(e - first)
        inside = r2 < limit and is_before(r2, place, cut_r2, cut_place)
        if inside and not is_before(r2, place, last_r2, last_place):
            last_r2 = r2
            last_place = place
    return last_r2, last_place


@device
def farthest_of_warp(r2: Any, place: int) -> Any:
    """The farthest of all lanes' neighbours; place −1: a lane has none."""
    width = 16
    while width > 0:
        other_r2 = cuda.shfl_xor_sync(EVERYONE, r2, width)
        other_place = cuda.shfl_xor_sync(EVERYONE, place, width)
        if not is_before(other_r2, other_place, r2, place):
            r2 = other_r2
            place = other_place
        width //= 2
    return r2, place
