"""The embedding matrix contracted with R, and its gradient.

T_k = Σ_j G(r_ij) R_k of every centre of a block, k = 0…3, from quintic tables that
hold G/N; see `quintic` for their layout.
"""

from __future__ import annotations

from .._jit import kernel
from .._simd import add, fma, lanes_of, load, mul, splat, store, total
from ..layout import (
    DX,
    DY,
    DZ,
    INVERSE_R,
    Q_SLOPE,
    RADIAL,
    RADIAL_SLOPE,
    Channels,
    Floats,
    Pairs,
    Q,
    T,
)
from .quintic import quintic, quintic_jet


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
    real = table.dtype.type
    geometry = pairs.geometry
    n_types = channels.count.shape[0]
    row = channels.total[species] * width
    nothing = splat(real(0))
    for b in range(pairs.counts.shape[0]):
        for at in range(b * 4 * row, (b + 1) * 4 * row, width):
            store(out, at, nothing)
        for t in range(n_types):
            begin = pairs.first[b * n_types + t]
            end = pairs.first[b * n_types + t + 1]
            if begin == end:
                continue
            for register in range(channels.count[species, t]):
                lane = b * 4 * row + (channels.start[species, t] + register) * width
                sum_0 = load(out, lane)
                sum_1 = load(out, lane + row)
                sum_2 = load(out, lane + 2 * row)
                sum_3 = load(out, lane + 3 * row)
                for p in range(begin, end):
                    at = (pairs.coefficients[p] + register) * 6 * width
                    g = quintic(table, at, splat(real(geometry[T, p])))
                    q = geometry[Q, p]
                    sum_0 = fma(g, splat(real(geometry[RADIAL, p])), sum_0)
                    sum_1 = fma(g, splat(real(q * geometry[DX, p])), sum_1)
                    sum_2 = fma(g, splat(real(q * geometry[DY, p])), sum_2)
                    sum_3 = fma(g, splat(real(q * geometry[DZ, p])), sum_3)
                store(out, lane, sum_0)
                store(out, lane + row, sum_1)
                store(out, lane + 2 * row, sum_2)
                store(out, lane + 3 * row, sum_3)


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
    geometry = pairs.geometry
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
                dx, dy, dz = geometry[DX, p], geometry[DY, p], geometry[DZ, p]
                q = geometry[Q, p]
                x = splat(real(geometry[T, p]))
                row_0 = splat(real(geometry[RADIAL, p]))
                row_1 = splat(real(q * dx))
                row_2 = splat(real(q * dy))
                row_3 = splat(real(q * dz))
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
                d_1, d_2, d_3 = total(sum_1), total(sum_2), total(sum_3)
                radial = total(sum_r) + total(sum_0) * geometry[RADIAL_SLOPE, p]
                radial += (d_1 * dx + d_2 * dy + d_3 * dz) * geometry[Q_SLOPE, p]
                radial *= geometry[INVERSE_R, p]
                out[p, 0] = radial * dx + q * d_1
                out[p, 1] = radial * dy + q * d_2
                out[p, 2] = radial * dz + q * d_3
