"""The embedding matrix contracted with R, and its gradient.

T_k = Σ_j G(r_ij) R_k of every centre of a block, k = 0…3, from quintic tables that
hold G/N; see `quintic` for their layout.
"""

from __future__ import annotations

import numpy as np

from .._jit import inline, kernel
from .._rows import columns, store_totals
from .._simd import add, fma, lanes_of, load, mul, splat, store
from ..layout import Channels, EnvironmentRows, Floats, Pairs
from .geometry import (
    INVERSE_R,
    Q_SLOPE,
    R_0,
    R_X,
    R_Y,
    R_Z,
    RADIAL_SLOPE,
    Geometry,
    Q,
    find_geometry,
    room_for_geometry,
)
from .quintic import quintic, quintic_jet


@inline
def _one_register(
    pairs: Pairs,
    begin: int,
    end: int,
    found: Geometry,
    table: Floats,
    register: int,
    out: Floats,
    lane: int,
    row: int,
) -> None:
    """Add the pairs of one type to a register of each moment."""
    width = lanes_of(table)
    rows, room = found.rows, found.room
    sum_0 = load(out, lane)
    sum_1 = load(out, lane + row)
    sum_2 = load(out, lane + 2 * row)
    sum_3 = load(out, lane + 3 * row)
    for p in range(begin, end):
        at = (pairs.coefficients[p] + register) * 6 * width
        g = quintic(table, at, splat(pairs.offsets[p]))
        sum_0 = fma(g, splat(rows[R_0 * room + p - begin]), sum_0)
        sum_1 = fma(g, splat(rows[R_X * room + p - begin]), sum_1)
        sum_2 = fma(g, splat(rows[R_Y * room + p - begin]), sum_2)
        sum_3 = fma(g, splat(rows[R_Z * room + p - begin]), sum_3)
    store(out, lane, sum_0)
    store(out, lane + row, sum_1)
    store(out, lane + 2 * row, sum_2)
    store(out, lane + 3 * row, sum_3)


@inline
def _two_registers(
    pairs: Pairs,
    begin: int,
    end: int,
    found: Geometry,
    table: Floats,
    register: int,
    out: Floats,
    lane: int,
    row: int,
) -> None:
    """As `_one_register`, of this register and the next."""
    width = lanes_of(table)
    next_lane = lane + width
    rows, room = found.rows, found.room
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
        x = splat(pairs.offsets[p])
        g = quintic(table, at, x)
        next_g = quintic(table, at + 6 * width, x)
        r = splat(rows[R_0 * room + p - begin])
        sum_0 = fma(g, r, sum_0)
        next_0 = fma(next_g, r, next_0)
        r = splat(rows[R_X * room + p - begin])
        sum_1 = fma(g, r, sum_1)
        next_1 = fma(next_g, r, next_1)
        r = splat(rows[R_Y * room + p - begin])
        sum_2 = fma(g, r, sum_2)
        next_2 = fma(next_g, r, next_2)
        r = splat(rows[R_Z * room + p - begin])
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
    for b in range(pairs.counts.shape[0]):
        for at in range(b * 4 * row, (b + 1) * 4 * row, width):
            store(out, at, nothing)
        for t in range(n_types):
            begin = pairs.first[b * n_types + t]
            end = pairs.first[b * n_types + t + 1]
            if begin == end:
                continue
            find_geometry(pairs, begin, end, form, species, t, found)
            lane = b * 4 * row + channels.start[species, t] * width
            count = channels.count[species, t]
            for k in range(0, count - 1, 2):
                _two_registers(pairs, begin, end, found, table, k, out, lane, row)
                lane += 2 * width
            if count % 2:
                k = count - 1
                _one_register(pairs, begin, end, found, table, k, out, lane, row)


@inline
def _pair_sums(
    pairs: Pairs,
    begin: int,
    end: int,
    found: Geometry,
    table: Floats,
    slopes: Floats,
    first: int,
    last: int,
    row: int,
    out: Floats,
) -> None:
    """dE_i by r at fixed directions, and by R_k/q, of pairs of one type.

    Parameters
    ----------
    first, last, row : lanes of the type in ``slopes``, and from one moment to the next
    out : (n · 4,) modified
    """
    width = lanes_of(table)
    rows, room = found.rows, found.room
    nothing = splat(table.dtype.type(0))
    for p in range(begin, end):
        k = p - begin
        at = pairs.coefficients[p] * 6 * width
        x = splat(pairs.offsets[p])
        row_0 = splat(rows[R_0 * room + k])
        row_1 = splat(rows[R_X * room + k])
        row_2 = splat(rows[R_Y * room + k])
        row_3 = splat(rows[R_Z * room + k])
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
        sum_r = fma(sum_0, splat(rows[RADIAL_SLOPE * room + k]), sum_r)
        store_totals(out, 4 * k, sum_1, sum_2, sum_3, sum_r)


@inline
def _chain(
    pairs: Pairs, begin: int, end: int, found: Geometry, sums: Floats, out: Floats
) -> None:
    """From the sums of `_pair_sums` to dE_i/dd, a register of pairs at a time."""
    differences, room = pairs.differences, pairs.offsets.size
    slopes, found_room = found.slopes, found.room
    for p in range(begin, end, lanes_of(differences)):
        at = p - begin
        dx = load(differences, p)
        dy = load(differences, room + p)
        dz = load(differences, 2 * room + p)
        d_1, d_2, d_3, along = columns(sums, 4 * at)
        q = load(slopes, Q * found_room + at)
        turned = fma(d_1, dx, fma(d_2, dy, mul(d_3, dz)))
        along = fma(turned, load(slopes, Q_SLOPE * found_room + at), along)
        along = mul(along, load(slopes, INVERSE_R * found_room + at))
        store(out, p, fma(along, dx, mul(q, d_1)))
        store(out, room + p, fma(along, dy, mul(q, d_2)))
        store(out, 2 * room + p, fma(along, dz, mul(q, d_3)))


@kernel
def pair_gradients(
    pairs: Pairs,
    species: int,
    form: EnvironmentRows,
    channels: Channels,
    table: Floats,
    slopes: Floats,
    out: Floats,
) -> None:
    """dE_i/dd_ij of every pair of a block, eV/Å.

    Parameters
    ----------
    slopes : (B · 4 · C,) dE_i/dT
    out : as ``pairs.differences``, modified
    """
    width = lanes_of(table)
    n_types = channels.count.shape[0]
    row = channels.total[species] * width
    found = room_for_geometry(pairs)
    sums = np.zeros(4 * found.room, out.dtype)
    for b in range(pairs.counts.shape[0]):
        for t in range(n_types):
            begin = pairs.first[b * n_types + t]
            end = pairs.first[b * n_types + t + 1]
            if begin == end:
                continue
            find_geometry(pairs, begin, end, form, species, t, found)
            first = b * 4 * row + channels.start[species, t] * width
            last = first + channels.count[species, t] * width
            _pair_sums(
                pairs, begin, end, found, table, slopes, first, last, row, sums
            )
            _chain(pairs, begin, end, found, sums, out)
