"""Atoms wrapped into the cell, and their periodic images around it."""

from __future__ import annotations

import math

from ..layout import Floats, Ints, Periodicity
from ._cuda import WARP, cuda, kernel
from ._ptx import EVERYONE, first_item, lane, put
from .periodic import fractions, shifts_along


@kernel
def count_images(positions: Floats, box: Periodicity, counts: Ints) -> None:
    """How many images each atom has besides itself.

    Parameters
    ----------
    positions : (n, 3) Å
    counts : (n,) int64, modified
    """
    i = first_item() * WARP + lane()
    if i >= counts.size:
        return
    at = fractions(positions, i, box.inverse)
    n = 1
    for k in range(3):
        _, first, last = shifts_along(at[k], box.reach[k])
        n *= int(last - first) + 1
    put(counts, i, n - 1)


@kernel
def place_images(
    positions: Floats, box: Periodicity, ends: Ints, owners: Ints, offsets: Floats
) -> None:
    """The owner and the offset of every atom and, behind all atoms, of every image.

    Parameters
    ----------
    positions : (n, 3) Å
    ends : (n,) int64, images of the atoms up to each
    owners : (n_all,) int32, modified: the atom
    offsets : (3 · n_all,) Å, modified: from the atom's position
    """
    i = first_item() * WARP + lane()
    n = ends.size
    if i >= n:
        return
    cell = box.cell
    at = fractions(positions, i, box.inverse)
    own_a, first_a, last_a = shifts_along(at[0], box.reach[0])
    own_b, first_b, last_b = shifts_along(at[1], box.reach[1])
    own_c, first_c, last_c = shifts_along(at[2], box.reach[2])
    k = n
    if i > 0:
        k += ends[i - 1]
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
                for x in range(3):
                    shift = p * cell[0, x] + q * cell[1, x] + r * cell[2, x]
                    put(offsets, 3 * to + x, shift)


@kernel
def measure_extent(
    positions: Floats, box: Periodicity, low: Floats, high: Floats
) -> None:
    """Where atoms and images lie, in fractions of the cell, a warp's share each.

    Parameters
    ----------
    positions : (n, 3) Å
    low, high : (3 · n_warps,) modified
    """
    w = first_item()
    n_warps = low.size // 3
    if w >= n_warps:
        return
    for k in range(3):
        least = math.inf
        most = -math.inf
        for i in range(w * WARP + lane(), positions.shape[0], n_warps * WARP):
            at = fractions(positions, i, box.inverse)
            _, first, last = shifts_along(at[k], box.reach[k])
            least = min(least, at[k] + first)
            most = max(most, at[k] + last)
        width = 16
        while width > 0:
            least = min(least, cuda.shfl_xor_sync(EVERYONE, least, width))
            most = max(most, cuda.shfl_xor_sync(EVERYONE, most, width))
            width //= 2
        if lane() == 0:
            put(low, 3 * w + k, least)
            put(high, 3 * w + k, most)
