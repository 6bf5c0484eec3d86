"""The embedding matrix contracted with R, and its gradient.

T_k = Σ_j G(r_ij) R_k of every centre of a block, k = 0…3, from quintic tables that
hold G/N; see `quintic` for their layout.
"""

from __future__ import annotations

from .._jit import inline, kernel
from .._simd import add, fma, lanes_of, load, mul, splat, store, totals
from ..layout import (
    DX,
    DY,
    DZ,
    INVERSE_R,
    Q_SLOPE,
    R_0,
    R_X,
    R_Y,
    R_Z,
    RADIAL_SLOPE,
    Channels,
    Floats,
    Pairs,
    Q,
    T,
)
from .quintic import quintic, quintic_jet


@inline
def _one_register(
    pairs: Pairs,
    begin: int,
    end: int,
    table: Floats,
    register: int,
    out: Floats,
    lane: int,
    row: int,
) -> None:
    """Add the pairs of one type to a register of each moment."""
    width = lanes_of(table)
    rows = pairs.rows
    sum_0 = load(out, lane)
    sum_1 = load(out, lane + row)
    sum_2 = load(out, lane + 2 * row)
    sum_3 = load(out, lane + 3 * row)
    for p in range(begin, end):
        at = (pairs.coefficients[p] + register) * 6 * width
        g = quintic(table, at, splat(rows[T, p]))
        sum_0 = fma(g, splat(rows[R_0, p]), sum_0)
        sum_1 = fma(g, splat(rows[R_X, p]), sum_1)
        sum_2 = fma(g, splat(rows[R_Y, p]), sum_2)
        sum_3 = fma(g, splat(rows[R_Z, p]), sum_3)
    store(out, lane, sum_0)
    store(out, lane + row, sum_1)
    store(out, lane + 2 * row, sum_2)
    store(out, lane + 3 * row, sum_3)


@inline
def _two_registers(
    pairs: Pairs,
    begin: int,
    end: int,
    table: Floats,
    register: int,
    out: Floats,
    lane: int,
    row: int,
) -> None:
    """As `_one_register`, of this register and the next."""
    width = lanes_of(table)
    rows = pairs.rows
    next_lane = lane + width
    sum_0 = load(out, lane)
    sum_1 = load(out, lane + row)
    sum_2 = load(out, lane + 2 * row)
    sum_3 = load(out, lane + 3 * row)
    next_0 = load(out, next_lane)
    next_1 = load(out, next_lane + row)
    next_2 = load(out, next_lane + 2 * row)
    next_3 = load(out, next_lane + 3 * row)
    for p in range(begin, end):
        at = (pairs.coefficients[p] + register) * 6 * width
        x = splat(rows[T, p])
        g = quintic(table, at, x)
        next_g = quintic(table, at + 6 * width, x)
        r = splat(rows[R_0, p])
        sum_0 = fma(g, r, sum_0)
        next_0 = fma(next_g, r, next_0)
        r = splat(rows[R_X, p])
        sum_1 = fma(g, r, sum_1)
        next_1 = fma(next_g, r, next_1)
        r = splat(rows[R_Y, p])
        sum_2 = fma(g, r, sum_2)
        next_2 = fma(next_g, r, next_2)
        r = splat(rows[R_Z, p])
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
    pairs: Pairs, species: int, channels: Channels, table: Floats, out: Floats
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
    for b in range(pairs.counts.shape[0]):
        for at in range(b * 4 * row, (b + 1) * 4 * row, width):
            store(out, at, nothing)
        for t in range(n_types):
            begin = pairs.first[b * n_types + t]
            end = pairs.first[b * n_types + t + 1]
            if begin == end:
                continue
            lane = b * 4 * row + channels.start[species, t] * width
            count = channels.count[species, t]
            for register in range(0, count - 1, 2):
                _two_registers(pairs, begin, end, table, register, out, lane, row)
                lane += 2 * width
            if count % 2:
                _one_register(pairs, begin, end, table, count - 1, out, lane, row)


@kernel
def pair_gradients(
    pairs: Pairs,
    species: int,
    channels: Channels,
    table: Floats,
    slopes: Floats,
    out: Floats,
) -> None:
    """dE_i/dd_ij of every pair of a block, eV/Å.

    Parameters
    ----------
    slopes : (B · 4 · C,) dE_i/dT
    out : (n_pairs, 3) modified
    """
    width = lanes_of(table)
    real = table.dtype.type
    rows, geometry = pairs.rows, pairs.geometry
    n_types = channels.count.shape[0]
    row = channels.total[species] * width
    nothing = splat(real(0))
    for b in range(pairs.counts.shape[0]):
        for t in range(n_types):
            first = b * 4 * row + channels.start[species, t] * width
            last = first + channels.count[species, t] * width
            begin = pairs.first[b * n_types + t]
            for p in range(begin, pairs.first[b * n_types + t + 1]):
                at = pairs.coefficients[p] * 6 * width
                x = splat(rows[T, p])
                row_0 = splat(rows[R_0, p])
                row_1 = splat(rows[R_X, p])
                row_2 = splat(rows[R_Y, p])
                row_3 = splat(rows[R_Z, p])
                sum_0 = nothing
                sum_1 = nothing
                sum_2 = nothing
                sum_3 = nothing
                sum_r = nothing
                for lane in range(first, last, width):
                    g, slope = quintic_jet(table, at, x)
                    s_0 = load(slopes, lane)
                    s_1 = load(slopes, lane + row)
                    s_2 = load(slopes, lane + 2 * row)
                    s_3 = load(slopes, lane + 3 * row)
                    sum_0 = fma(g, s_0, sum_0)
                    sum_1 = fma(g, s_1, sum_1)
                    sum_2 = fma(g, s_2, sum_2)
                    sum_3 = fma(g, s_3, sum_3)
                    along = fma(s_0, row_0, mul(s_1, row_1))
                    along = add(along, fma(s_2, row_2, mul(s_3, row_3)))
                    sum_r = fma(slope, along, sum_r)
                    at += 6 * width
                sum_r = fma(sum_0, splat(real(geometry[RADIAL_SLOPE, p])), sum_r)
                radial, d_1, d_2, d_3 = totals(sum_r, sum_1, sum_2, sum_3)
                dx, dy, dz = geometry[DX, p], geometry[DY, p], geometry[DZ, p]
                q = geometry[Q, p]
                along_r = (
                    radial + (d_1 * dx + d_2 * dy + d_3 * dz) * geometry[Q_SLOPE, p]
                )
                along_r *= geometry[INVERSE_R, p]
                out[p, 0] = along_r * dx + q * d_1
                out[p, 1] = along_r * dy + q * d_2
                out[p, 2] = along_r * dz + q * d_3
