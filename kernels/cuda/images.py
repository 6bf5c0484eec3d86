"""Atoms wrapped into the cell, and their periodic images around it."""

from __future__ import annotations

import math
from typing import Any

from ..layout import Floats, Ints, Periodicity
from ._cuda import WARP, cuda, device, kernel
from ._ptx import EVERYONE, first_item, lane, pick, put
from .periodic import fractions, shifts_along

N_EXTENT = 7  # of each warp: three lowest and three highest fractions, and images
# A place's cell vectors from its row, in one number of which 0 is the middle.
SHIFT_BITS = 21
SHIFT_MASK = 2**SHIFT_BITS - 1
NO_SHIFT = 2 ** (SHIFT_BITS - 1)  # along one axis


@device
def _sum_over_warp(x: Any) -> Any:
    width = 16
    while width > 0:
        x += cuda.shfl_xor_sync(EVERYONE, x, width)
        width //= 2
    return x


@kernel
def wrap_atoms(
    positions: Floats, box: Periodicity, wrapped: Floats, counts: Ints, extent: Floats
) -> None:
    """Fractions of the cell, how many images, and where all of them lie.

    All that is decided about images starts from the fractions written here: another
    kernel that computes them might fuse other products and sums.

    Parameters
    ----------
    positions : (n, 3) Å
    wrapped : (3 · n,) modified: fractions, not wrapped yet
    counts : (n,) int64, modified: images besides the atom itself
    extent : (N_EXTENT · n_warps,) modified: of the share of each
    """
    w = first_item()
    n_warps = extent.size // N_EXTENT
    if w >= n_warps:
        return
    low_a, low_b, low_c = math.inf, math.inf, math.inf
    high_a, high_b, high_c = -math.inf, -math.inf, -math.inf
    images = 0.0
    for i in range(w * WARP + lane(), counts.size, n_warps * WARP):
        a, b, c = fractions(positions, i, box.inverse)
        put(wrapped, 3 * i, a)
        put(wrapped, 3 * i + 1, b)
        put(wrapped, 3 * i + 2, c)
        _, first_a, last_a = shifts_along(a, box.reach[0])
        _, first_b, last_b = shifts_along(b, box.reach[1])
        _, first_c, last_c = shifts_along(c, box.reach[2])
        n = (last_a - first_a + 1.0) * (last_b - first_b + 1.0)
        n = n * (last_c - first_c + 1.0) - 1.0
        put(counts, i, int(n))
        images += n
        low_a, high_a = min(low_a, a + first_a), max(high_a, a + last_a)
        low_b, high_b = min(low_b, b + first_b), max(high_b, b + last_b)
        low_c, high_c = min(low_c, c + first_c), max(high_c, c + last_c)
    width = 16
    while width > 0:
        low_a = min(low_a, cuda.shfl_xor_sync(EVERYONE, low_a, width))
        low_b = min(low_b, cuda.shfl_xor_sync(EVERYONE, low_b, width))
        low_c = min(low_c, cuda.shfl_xor_sync(EVERYONE, low_c, width))
        high_a = max(high_a, cuda.shfl_xor_sync(EVERYONE, high_a, width))
        high_b = max(high_b, cuda.shfl_xor_sync(EVERYONE, high_b, width))
        high_c = max(high_c, cuda.shfl_xor_sync(EVERYONE, high_c, width))
        width //= 2
    images = _sum_over_warp(images)
    if lane() == 0:
        to = N_EXTENT * w
        put(extent, to, low_a)
        put(extent, to + 1, low_b)
        put(extent, to + 2, low_c)
        put(extent, to + 3, high_a)
        put(extent, to + 4, high_b)
        put(extent, to + 5, high_c)
        put(extent, to + 6, images)


@kernel
def place_images(
    wrapped: Floats,
    box: Periodicity,
    ends: Ints,
    owners: Ints,
    offsets: Floats,
    shifts: Ints,
) -> None:
    """Every atom and, behind all atoms, every image.

    Parameters
    ----------
    wrapped : (3 · n,) see `wrap_atoms`
    ends : (n,) int64, images of the atoms up to each
    owners : (n_all,) int32, modified: the atom
    offsets : (3 · n_all,) Å, modified: from the atom's position
    shifts : (n_all,) int64, modified: cell vectors from the wrapped atom, see
        `packed_shift`
    """
    i = first_item() * WARP + lane()
    n = ends.size
    if i >= n:
        return
    cell = box.cell
    own_a, first_a, last_a = shifts_along(pick(wrapped, 3 * i), box.reach[0])
    own_b, first_b, last_b = shifts_along(pick(wrapped, 3 * i + 1), box.reach[1])
    own_c, first_c, last_c = shifts_along(pick(wrapped, 3 * i + 2), box.reach[2])
    k = n
    if i > 0:
        k += pick(ends, i - 1)
    for a in range(int(last_a - first_a) + 1):
        p = first_a + a
        for b in range(int(last_b - first_b) + 1):
            q = first_b + b
            for c in range(int(last_c - first_c) + 1):
                r = first_c + c
                to = k
                if p == own_a and q == own_b and r == own_c:
                    to = i
                else:
                    k += 1
                put(owners, to, i)
                put(shifts, to, packed_shift(p - own_a, q - own_b, r - own_c))
                for x in range(3):
                    shift = p * cell[0, x] + q * cell[1, x] + r * cell[2, x]
                    put(offsets, 3 * to + x, shift)


@device
def packed_shift(p: float, q: float, r: float) -> int:
    """Whole numbers of cell vectors, less than 2²⁰ each way, as one number."""
    high = (int(p) + NO_SHIFT) << (2 * SHIFT_BITS)
    return high + ((int(q) + NO_SHIFT) << SHIFT_BITS) + int(r) + NO_SHIFT


@device
def shifts_of(packed: int) -> Any:
    """The three whole numbers in one of `packed_shift`."""
    p = (packed >> (2 * SHIFT_BITS)) - NO_SHIFT
    q = ((packed >> SHIFT_BITS) & SHIFT_MASK) - NO_SHIFT
    return p, q, (packed & SHIFT_MASK) - NO_SHIFT
