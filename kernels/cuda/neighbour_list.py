"""The full neighbour list of rows, by neighbour type."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ..layout import Floats, Grid, Ints
from ..periodic import ROUNDING
from ._cuda import WARP, cuda, kernel
from ._ptx import EVERYONE, fetch4, first_item, lane, pick, put, rank
from .cells import TYPE_BIT
from .layout import PlacesByCell
from .periodic import clamped, gap

# Lines of cells along y and z that a warp prepares at a time, a lane each.
LINES_Y, LINES_Z = 4, 8


@partial(kernel, blocks=6)
def list_by_type(
    places: PlacesByCell,
    located: Floats,
    grid: Grid,
    reach: float,
    n_rows: int,
    n_types: int,
    first: Ints,
    neighbours: Ints,
    fill: bool,
) -> None:
    """Count, or write, the neighbours of each row and type.

    A lane keeps the numbers of one type: of the 32 that a search serves. Rows are
    written from the start of a segment on, images from its end backwards, so that
    both are in an order that `find_reverse` can search.

    Parameters
    ----------
    located : (4 · n_all,)
    reach : Å
    n_rows, n_types : n, P
    first : (n · P + 1,) int64; unless fill, modified: 0, and the number of each
    neighbours : (n_list,) int32, modified to fill
    """
    row = first_item()
    if row >= n_rows:
        return
    own = lane()
    here = fetch4(located, 4 * row)
    limit = reach * reach
    n_x = grid.shape[0]
    n_y = grid.shape[1]
    width_y = 1.0 / grid.inverse[1]
    width_z = 1.0 / grid.inverse[2]
    u = (here[0] - grid.origin[0]) * grid.inverse[0]
    v = (here[1] - grid.origin[1]) * grid.inverse[1]
    w = (here[2] - grid.origin[2]) * grid.inverse[2]
    reach_y = reach * grid.inverse[1] + ROUNDING
    reach_z = reach * grid.inverse[2] + ROUNDING
    v_low = clamped(v - reach_y, n_y)
    v_high = clamped(v + reach_y, n_y)
    w_low = clamped(w - reach_z, grid.shape[2])
    w_high = clamped(w + reach_z, grid.shape[2])
    start = np.int64(0)
    if fill:
        start = pick(first, row * n_types)
    elif row == 0 and own == 0:
        put(first, 0, 0)
    for group in range(0, n_types, WARP):
        # Of this lane's type, from the row's first neighbour: where the next row and
        # the last image go, or how many there are.
        front = np.int32(0)
        back = np.int32(0)
        if fill and group + own < n_types:
            segment = row * n_types + group + own
            front = np.int32(pick(first, segment) - start)
            back = np.int32(pick(first, segment + 1) - start)
        for block_c in range(w_low, w_high + 1, LINES_Z):
            for block_b in range(v_low, v_high + 1, LINES_Y):
                begin = np.int32(0)
                end = np.int32(0)
                b = block_b + (own & (LINES_Y - 1))
                c = block_c + own // LINES_Y
                dy = gap(v, b) * width_y
                dz = gap(w, c) * width_z
                left = limit - dy * dy - dz * dz
                if b <= v_high and c <= w_high and left >= 0.0:
                    half = math.sqrt(left) * grid.inverse[0] + ROUNDING
                    line = (c * n_y + b) * n_x
                    begin = pick(grid.first, line + clamped(u - half, n_x))
                    end = pick(grid.first, line + clamped(u + half, n_x) + 1)
                lines = np.uint32(cuda.ballot_sync(EVERYONE, begin < end))
                while lines != 0:
                    holder = cuda.ffs(lines) - 1
                    lines = np.uint32(lines & (lines - 1))
                    last = cuda.shfl_sync(EVERYONE, end, holder)
                    for chunk in range(
                        cuda.shfl_sync(EVERYONE, begin, holder), last, WARP
                    ):
                        k = chunk + own
                        near = False
                        place = np.int32(0)
                        kind = np.int32(0)
                        if k < last:
                            dx = pick(places.x, k) - here[0]
                            dy = pick(places.y, k) - here[1]
                            dz = pick(places.z, k) - here[2]
                            r2 = cuda.fma(dz, dz, cuda.fma(dy, dy, dx * dx))
                            tag = pick(places.tags, k)
                            place = np.int32(tag & 0xFFFFFFFF)
                            kind = np.int32((tag >> TYPE_BIT) - group)
                            near = r2 < limit and place != row
                            near = near and kind >= 0 and kind < WARP
                        bits = np.uint32(cuda.ballot_sync(EVERYONE, near))
                        while bits != 0:
                            holds = cuda.ffs(bits) - 1
                            species = cuda.shfl_sync(EVERYONE, kind, holds)
                            mine = near and kind == species
                            same = np.uint32(cuda.ballot_sync(EVERYONE, mine))
                            images = np.uint32(0)
                            if fill:
                                image = mine and place >= n_rows
                                images = np.uint32(cuda.ballot_sync(EVERYONE, image))
                                up = cuda.shfl_sync(EVERYONE, front, species)
                                down = cuda.shfl_sync(EVERYONE, back, species)
                                to = up + rank(same & ~images, own)
                                if image:
                                    to = down - 1 - rank(images, own)
                                if mine:
                                    put(neighbours, start + to, place)
                            if own == species:
                                rows = cuda.popc(np.uint32(same & ~images))
                                front = np.int32(front + rows)
                                back = np.int32(back - cuda.popc(images))
                            bits = np.uint32(bits & ~same)
        if not fill and group + own < n_types:
            put(first, row * n_types + group + own + 1, front)


@kernel
def summarise(
    first: Ints, located: Floats, n_rows: int, n_types: int, summary: Ints
) -> None:
    """Where each type's rows start, how long the list is, and its longest rows.

    Parameters
    ----------
    first : (n · P + 1,) int64
    located : (4 · n_all,)
    n_rows, n_types : n, P
    summary : (P + 2 + n_warps,) int64, modified: the first row of each type, and n;
        the length of the list; the most neighbours of a row in the share of each warp
    """
    w = first_item()
    n_warps = summary.size - n_types - 2
    if w >= n_warps:
        return
    most = np.int64(0)
    for row in range(w * WARP + lane(), n_rows, n_warps * WARP):
        begin = pick(first, row * n_types)
        end = pick(first, (row + 1) * n_types)
        most = max(most, end - begin)
        kind = int(pick(located, 4 * row + 3))
        before = -1
        if row > 0:
            before = int(pick(located, 4 * row - 1))
        for t in range(before + 1, kind + 1):
            put(summary, t, row)
        if row == n_rows - 1:
            for t in range(kind + 1, n_types + 1):
                put(summary, t, n_rows)
            put(summary, n_types + 1, end)
    width = 16
    while width > 0:
        most = max(most, cuda.shfl_xor_sync(EVERYONE, most, width))
        width //= 2
    if lane() == 0:
        put(summary, n_types + 2 + w, most)
