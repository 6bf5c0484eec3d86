"""The embedding matrix contracted with R.

T_k = Σ_j G(r_ij) R_k of every centre of a block, k = 0…3, from quintic tables that
hold G/N; see `quintic` for their layout.
"""

from __future__ import annotations

from .._access import pick, spread
from .._jit import inline, kernel
from .._simd import fma, lanes_of, load, splat, store
from ..layout import Channels, EnvironmentRows, Floats, Ints, Pairs
from .geometry import PART, R_0, R_X, R_Y, R_Z, STRIDE, find_geometry, room_for_geometry
from .quintic import quintic


@inline
def _one_register(
    offsets: Floats,
    coefficients: Ints,
    begin: int,
    end: int,
    rows: Floats,
    table: Floats,
    register: int,
    out: Floats,
    lane: int,
    row: int,
) -> None:
    """Add the pairs of one type to a register of each moment."""
    width = lanes_of(table)
    sum_0 = load(out, lane)
    sum_1 = load(out, lane + row)
    sum_2 = load(out, lane + 2 * row)
    sum_3 = load(out, lane + 3 * row)
    for k in range(end - begin):
        at = (pick(coefficients, begin + k) + register) * 6 * width
        g = quintic(table, at, spread(offsets, begin + k))
        sum_0 = fma(g, spread(rows, R_0 * STRIDE + k), sum_0)
        sum_1 = fma(g, spread(rows, R_X * STRIDE + k), sum_1)
        sum_2 = fma(g, spread(rows, R_Y * STRIDE + k), sum_2)
        sum_3 = fma(g, spread(rows, R_Z * STRIDE + k), sum_3)
    store(out, lane, sum_0)
    store(out, lane + row, sum_1)
    store(out, lane + 2 * row, sum_2)
    store(out, lane + 3 * row, sum_3)


@inline
def _two_registers(
    offsets: Floats,
    coefficients: Ints,
    begin: int,
    end: int,
    rows: Floats,
    table: Floats,
    register: int,
    out: Floats,
    lane: int,
    row: int,
) -> None:
    """As `_one_register`, of this register and the next."""
    width = lanes_of(table)
    next_lane = lane + width
    sum_0 = load(out, lane)
    sum_1 = load(out, lane + row)
    sum_2 = load(out, lane + 2 * row)
    sum_3 = load(out, lane + 3 * row)
    next_0 = load(out, next_lane)
    next_1 = load(out, next_lane + row)
    next_2 = load(out, next_lane + 2 * row)
    next_3 = load(out, next_lane + 3 * row)
    for k in range(end - begin):
        at = (pick(coefficients, begin + k) + register) * 6 * width
        x = spread(offsets, begin + k)
        g = quintic(table, at, x)
        next_g = quintic(table, at + 6 * width, x)
        r = spread(rows, R_0 * STRIDE + k)
        sum_0 = fma(g, r, sum_0)
        next_0 = fma(next_g, r, next_0)
        r = spread(rows, R_X * STRIDE + k)
        sum_1 = fma(g, r, sum_1)
        next_1 = fma(next_g, r, next_1)
        r = spread(rows, R_Y * STRIDE + k)
        sum_2 = fma(g, r, sum_2)
        next_2 = fma(next_g, r, next_2)
        r = spread(rows, R_Z * STRIDE + k)
        sum_3 = fma(g, r, sum_3)
        next_3 = fma(next_g, r, next_3)
    store(out, lane, sum_0)
    store(out, lane + row, sum_1)
    store(out, lane + 2 * row, sum_2)
    store(out, lane + 3 * row, sum_3)
    store(out, next_lane, next_0)
    store(out, next_lane + row, next_1)
    store(out, next_lane + 2 * row, next_2)
    store(out, next_lane + 3 * row, next_3)


@kernel
def moments(
    pairs: Pairs,
    species: int,
    form: EnvironmentRows,
    channels: Channels,
    table: Floats,
    out: Floats,
) -> None:
    """The moments of a block.

    Parameters
    ----------
    species : type of the block's centres
    table : (rows · registers · 6 · lanes,)
    out : (B · 4 · C,) modified
    """
    width = lanes_of(table)
    n_types = channels.count.shape[0]
    row = channels.total[species] * width
    nothing = splat(table.dtype.type(0))
    found = room_for_geometry(pairs)
    offsets, rows, places = pairs.offsets, found.rows, pairs.coefficients
    for b in range(pairs.counts.shape[0]):
        for at in range(b * 4 * row, (b + 1) * 4 * row, width):
            store(out, at, nothing)
        for t in range(n_types):
            last = pairs.first[b * n_types + t + 1]
            for begin in range(pairs.first[b * n_types + t], last, PART):
                end = min(begin + PART, last)
                find_geometry(pairs, begin, end, form, species, t, found)
                lane = b * 4 * row + channels.start[species, t] * width
                count = channels.count[species, t]
                for k in range(0, count - 1, 2):
                    _two_registers(
                        offsets, places, begin, end, rows, table, k, out, lane, row
                    )
                    lane += 2 * width
                if count % 2:
                    k = count - 1
                    _one_register(
                        offsets, places, begin, end, rows, table, k, out, lane, row
                    )
