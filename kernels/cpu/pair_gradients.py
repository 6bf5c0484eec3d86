"""The gradient of the moments: from dE/dT to dE_i/dd of every pair; see `moments`."""

from __future__ import annotations

import numpy as np

from .._access import pick, spread
from .._jit import inline, kernel
from .._rows import columns, store_totals
from .._simd import add, fma, lanes_of, load, mul, splat, store
from ..layout import Channels, EnvironmentRows, Floats, Ints, Pairs
from .geometry import (
    INVERSE_R,
    PART,
    Q_SLOPE,
    R_0,
    R_X,
    R_Y,
    R_Z,
    RADIAL_SLOPE,
    STRIDE,
    Q,
    find_geometry,
    room_for_geometry,
)
from .quintic import quintic_jet


@inline
def _pair_sums(
    offsets: Floats,
    coefficients: Ints,
    begin: int,
    end: int,
    rows: Floats,
    table: Floats,
    slopes: Floats,
    first: int,
    last: int,
    row: int,
    out: Floats,
) -> None:
    """dE_i by R_k/q, k = 1…3, and by r at fixed directions, of pairs of one type.

    Parameters
    ----------
    first, last, row : lanes of the type in ``slopes``, and from one moment to the next
    out : (4 · n,) modified
    """
    width = lanes_of(table)
    nothing = splat(table.dtype.type(0))
    for k in range(end - begin):
        at = pick(coefficients, begin + k) * 6 * width
        x = spread(offsets, begin + k)
        row_0 = spread(rows, R_0 * STRIDE + k)
        row_1 = spread(rows, R_X * STRIDE + k)
        row_2 = spread(rows, R_Y * STRIDE + k)
        row_3 = spread(rows, R_Z * STRIDE + k)
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
        sum_r = fma(sum_0, spread(rows, RADIAL_SLOPE * STRIDE + k), sum_r)
        store_totals(out, 4 * k, sum_1, sum_2, sum_3, sum_r)


@inline
def _chain(
    differences: Floats,
    room: int,
    begin: int,
    end: int,
    slopes: Floats,
    sums: Floats,
    out: Floats,
) -> None:
    """From the sums of `_pair_sums` to dE_i/dd, a register of pairs at a time."""
    for p in range(begin, end, lanes_of(differences)):
        at = p - begin
        dx = load(differences, p)
        dy = load(differences, room + p)
        dz = load(differences, 2 * room + p)
        d_1, d_2, d_3, along = columns(sums, 4 * at)
        q = load(slopes, Q * STRIDE + at)
        turned = fma(d_1, dx, fma(d_2, dy, mul(d_3, dz)))
        along = fma(turned, load(slopes, Q_SLOPE * STRIDE + at), along)
        along = mul(along, load(slopes, INVERSE_R * STRIDE + at))
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
    offsets, places = pairs.offsets, pairs.coefficients
    differences, room = pairs.differences, pairs.offsets.size
    found = room_for_geometry(pairs)
    rows = found.rows
    sums = np.zeros(4 * STRIDE, out.dtype)
    for b in range(pairs.counts.shape[0]):
        for t in range(n_types):
            last = pairs.first[b * n_types + t + 1]
            lane = b * 4 * row + channels.start[species, t] * width
            stop = lane + channels.count[species, t] * width
            for begin in range(pairs.first[b * n_types + t], last, PART):
                end = min(begin + PART, last)
                find_geometry(pairs, begin, end, form, species, t, found)
                _pair_sums(
                    offsets,
                    places,
                    begin,
                    end,
                    rows,
                    table,
                    slopes,
                    lane,
                    stop,
                    row,
                    sums,
                )
                _chain(differences, room, begin, end, found.slopes, sums, out)
