"""The full neighbour list of rows, by neighbour type, and where each pair is again."""

from __future__ import annotations

import math
from typing import Any

from ..layout import Floats, Grid, Ints
from ..periodic import ROUNDING
from ._cuda import WARP, cuda, device, kernel
from ._ptx import EVERYONE, fetch4, first_item, lane, pick, put, rank
from .cells import TYPE
from .nearest import separation
from .layout import NO_REVERSE, FullList
from .periodic import clamped, gap

SAME = 1e-8  # Å², more than a pair and its reverse differ by


@kernel
def list_by_type(
    packed: Floats,
    located: Floats,
    grid: Grid,
    reach: float,
    n_types: int,
    first: Ints,
    written: Ints,
    neighbours: Ints,
    fill: bool,
) -> None:
    """Count, or write, the neighbours of each row and type.

    Parameters
    ----------
    packed : (4 · n_all,) see `cells.fill_cells`
    located : (4 · n_all,)
    reach : Å
    first : (n · P + 1,) int64; unless fill, all but the first number are added to
    written : (n · P,) int32, added to: neighbours written
    neighbours : (n_list,) int32, modified to fill
    """
    row = first_item()
    if row >= written.size // n_types:
        return
    own = lane()
    here = fetch4(located, 4 * row)
    limit = reach * reach
    n_x = grid.shape[0]
    n_y = grid.shape[1]
    u = (here[0] - grid.origin[0]) * grid.inverse[0]
    v = (here[1] - grid.origin[1]) * grid.inverse[1]
    w = (here[2] - grid.origin[2]) * grid.inverse[2]
    reach_y = reach * grid.inverse[1] + ROUNDING
    reach_z = reach * grid.inverse[2] + ROUNDING
    v_low = clamped(v - reach_y, n_y)
    v_high = clamped(v + reach_y, n_y)
    w_low = clamped(w - reach_z, grid.shape[2])
    w_high = clamped(w + reach_z, grid.shape[2])
    for c in range(w_low, w_high + 1):
        dz = gap(w, c) / grid.inverse[2]
        left_z = limit - dz * dz
        for b in range(v_low, v_high + 1):
            dy = gap(v, b) / grid.inverse[1]
            left = left_z - dy * dy
            if left < 0.0:
                continue
            half = math.sqrt(left) * grid.inverse[0] + ROUNDING
            line = (c * n_y + b) * n_x
            begin = pick(grid.first, line + clamped(u - half, n_x))
            end = pick(grid.first, line + clamped(u + half, n_x) + 1)
            for chunk in range(begin, end, WARP):
                k = chunk + own
                near = False
                place = 0
                kind = 0
                if k < end:
                    there = fetch4(packed, 4 * k)
                    dx = there[0] - here[0]
                    dy_ = there[1] - here[1]
                    dz_ = there[2] - here[2]
                    r2 = cuda.fma(dz_, dz_, cuda.fma(dy_, dy_, dx * dx))
                    tag = int(there[3])
                    kind = tag // TYPE
                    place = tag - kind * TYPE
                    near = r2 < limit and place != row
                bits = cuda.ballot_sync(EVERYONE, near)
                while bits != 0:
                    leader = cuda.ffs(bits) - 1
                    t = cuda.shfl_sync(EVERYONE, kind, leader)
                    same = cuda.ballot_sync(EVERYONE, near and kind == t)
                    at = row * n_types + t
                    if fill and near and kind == t:
                        to = pick(first, at) + pick(written, at) + rank(same, own)
                        put(neighbours, to, place)
                    cuda.syncwarp()
                    if own == 0:
                        n = cuda.popc(same)
                        if fill:
                            put(written, at, pick(written, at) + n)
                        else:
                            put(first, at + 1, pick(first, at + 1) + n)
                    cuda.syncwarp()
                    bits &= ~same


@kernel
def longest_row(first: Ints, n_types: int, longest: Ints) -> None:
    """The most neighbours of a row.

    Parameters
    ----------
    first : (n · P + 1,) int64
    longest : (n_warps,) int64, modified: of the share of each
    """
    w = first_item()
    n_warps = longest.size
    if w >= n_warps:
        return
    most = 0
    n_rows = (first.size - 1) // n_types
    for row in range(w * WARP + lane(), n_rows, n_warps * WARP):
        begin = pick(first, row * n_types)
        most = max(most, pick(first, (row + 1) * n_types) - begin)
    width = 16
    while width > 0:
        most = max(most, cuda.shfl_xor_sync(EVERYONE, most, width))
        width //= 2
    if lane() == 0:
        put(longest, w, most)


@device
def _owner(hood: FullList, place: int, n_rows: int) -> int:
    return place if place < n_rows else pick(hood.owners, place)


@kernel
def find_reverse(hood: FullList, located: Floats, n_types: int) -> None:
    """The place of each pair in the row of its owner, and the owners' extremes.

    Parameters
    ----------
    hood : ``reverse`` (unless empty), ``lowest`` and ``highest`` are modified
    """
    row = first_item()
    n_rows = hood.lowest.size // n_types
    if row >= n_rows:
        return
    own = lane()
    here = fetch4(located, 4 * row)
    species = int(here[3])
    for t in range(n_types):
        begin = pick(hood.first, row * n_types + t)
        end = pick(hood.first, row * n_types + t + 1)
        low = n_rows
        high = -1
        for e in range(begin + own, end, WARP):
            owner = _owner(hood, pick(hood.neighbours, e), n_rows)
            low = min(low, owner)
            high = max(high, owner)
        width = 16
        while width > 0:
            low = min(low, cuda.shfl_xor_sync(EVERYONE, low, width))
            high = max(high, cuda.shfl_xor_sync(EVERYONE, high, width))
            width //= 2
        if own == 0:
            put(hood.lowest, row * n_types + t, low)
            put(hood.highest, row * n_types + t, high)
        if hood.reverse.size == 0:
            continue
        for e in range(begin, end):
            j = pick(hood.neighbours, e)
            owner = _owner(hood, j, n_rows)
            dx, dy, dz, _ = separation(located, here[0], here[1], here[2], j)
            found = _reverse_of(
                hood, located, row, species, owner, dx, dy, dz, n_types, n_rows
            )
            if own == 0:
                put(hood.reverse, e, found)


@device
def _reverse_of(
    hood: FullList,
    located: Floats,
    row: int,
    species: int,
    owner: int,
    dx: Any,
    dy: Any,
    dz: Any,
    n_types: int,
    n_rows: int,
) -> int:
    """The place in the owner's row of the neighbour that is this row, at −d."""
    there = fetch4(located, 4 * owner)
    start = pick(hood.first, owner * n_types)
    begin = pick(hood.first, owner * n_types + species)
    end = pick(hood.first, owner * n_types + species + 1)
    best = math.inf
    place = NO_REVERSE
    for f in range(begin + lane(), end, WARP):
        j = pick(hood.neighbours, f)
        if _owner(hood, j, n_rows) == row:
            x, y, z, _ = separation(located, there[0], there[1], there[2], j)
            x += dx
            y += dy
            z += dz
            apart = x * x + y * y + z * z
            if apart < best:
                best = apart
                place = int(f - start)
    bits = cuda.ballot_sync(EVERYONE, best < SAME)
    if bits == 0:
        return NO_REVERSE
    return cuda.shfl_sync(EVERYONE, place, cuda.ffs(bits) - 1)
