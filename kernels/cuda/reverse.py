"""Where each pair of a list is again, in the row of its other atom."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layout import Floats
from ._cuda import WARP, cuda, device, kernel
from ._ptx import EVERYONE, first_item, lane, pick, pick_from, put
from .images import shifts_of
from .layout import NO_REVERSE, FullList, Images
from .periodic import shifts_along

LAST = 0xFFFFFFFF
NOWHERE = 2**31 - 1  # a place that no list has


@kernel
def find_reverse(
    hood: FullList, images: Images, located: Floats, n_rows: int, n_types: int
) -> None:
    """The place of each pair in the row of its owner, and the owners' extremes.

    A lane takes a neighbour. If it is an image, the pair's reverse goes to the image
    of the own atom by the opposite cell vectors, whose place is known: so every
    reverse is found by a binary search.

    Parameters
    ----------
    hood : ``reverse`` (unless empty), ``lowest`` and ``highest`` are modified
    located : (4 · n_all,)
    n_rows, n_types : n, P
    """
    row = first_item()
    if row >= n_rows:
        return
    own = lane()
    species = int(pick(located, 4 * row + 3))
    atom = pick(images.order, row)
    own_a, n_a = _range(pick(images.wrapped, 3 * atom), images.reach[0])
    own_b, n_b = _range(pick(images.wrapped, 3 * atom + 1), images.reach[1])
    own_c, n_c = _range(pick(images.wrapped, 3 * atom + 2), images.reach[2])
    itself = (own_a * n_b + own_b) * n_c + own_c
    entries = np.int64(n_rows)
    if atom > 0:
        entries += pick(images.ends, atom - 1)
    for t in range(n_types):
        begin = pick(hood.first, row * n_types + t)
        end = pick(hood.first, row * n_types + t + 1)
        low = n_rows
        high = -1
        for e in range(begin + own, end, WARP):
            j = pick(hood.neighbours, e)
            owner = pick(hood.owners, j)
            low = min(low, owner)
            high = max(high, owner)
            if hood.reverse.size > 0:
                target = row
                if j >= n_rows:
                    p, q, r = shifts_of(pick(images.shifts, j))
                    a, b, c = own_a - p, own_b - q, own_c - r
                    target = NOWHERE
                    if 0 <= a < n_a and 0 <= b < n_b and 0 <= c < n_c:
                        number = (a * n_b + b) * n_c + c
                        if number > itself:
                            number -= 1
                        target = pick(images.places, entries + number)
                segment = owner * n_types + species
                start = pick(hood.first, segment)
                length = np.int32(pick(hood.first, segment + 1) - start)
                place = _place_in(hood, start, length, _rising(target, n_rows), n_rows)
                if place != NO_REVERSE:
                    place += start - pick(hood.first, owner * n_types)
                put(hood.reverse, e, place)
        width = 16
        while width > 0:
            low = min(low, cuda.shfl_xor_sync(EVERYONE, low, width))
            high = max(high, cuda.shfl_xor_sync(EVERYONE, high, width))
            width //= 2
        if own == 0:
            put(hood.lowest, row * n_types + t, low)
            put(hood.highest, row * n_types + t, high)


@device
def _range(fraction: float, reach: float) -> Any:
    """Along a cell vector: an atom's number among its images, and theirs."""
    own, first, last = shifts_along(fraction, reach)
    return int(own - first), int(last - first) + 1


@device
def _rising(place: int, n_rows: int) -> Any:
    """A number by which the places in a segment ascend: rows, then images backwards."""
    return np.uint32(place if place < n_rows else LAST - int(place))


@device
def _place_in(hood: FullList, start: int, length: int, wanted: Any, n_rows: int) -> int:
    """Where a segment of the list has a place of this number; or NO_REVERSE."""
    low = np.int32(0)
    high = np.int32(length)
    while low < high:
        middle = np.int32((low + high) >> 1)
        there = pick_from(hood.neighbours, start, middle)
        if _rising(there, n_rows) < wanted:
            low = np.int32(middle + 1)
        else:
            high = middle
    if low == length:
        return NO_REVERSE
    there = pick_from(hood.neighbours, start, low)
    return int(low) if _rising(there, n_rows) == wanted else NO_REVERSE
