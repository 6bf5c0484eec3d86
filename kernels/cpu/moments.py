"""The embedding matrix contracted with R, and its gradient.

T_k = Σ_j G(r_ij) R_k / N of every centre of a block, k = 0…3, from quintic
tables, see `quintic` for their layout.
"""

from __future__ import annotations

from .._jit import kernel
from .._simd import add, fma, lanes_of, load, mul, splat, store, total
from ..layout import Floats, Ints, Pairs
from .quintic import quintic, quintic_jet


@kernel
def moments(
    pairs: Pairs,
    sel: Ints,
    species: int,
    table: Floats,
    padding: Floats,
    scale: float,
    n_registers: int,
    out: Floats,
) -> None:
    """T of a block.

    Parameters
    ----------
    sel : (G,) int64
    species : type of the block's centres
    table : (rows · n_registers · 6 · lanes,)
    padding : (T · G · M,) G(x0)·x0 of an empty slot, by centre type and group
    scale : 1/N
    out : (B · 4 · M,) modified
    """
    width = lanes_of(table)
    channels = n_registers * width
    real = table.dtype.type
    factor = splat(real(scale))
    n_groups = sel.size
    for b in range(pairs.first.size - 1):
        for register in range(n_registers):
            lane = register * width
            sum_0 = splat(real(0))
            sum_1 = splat(real(0))
            sum_2 = splat(real(0))
            sum_3 = splat(real(0))
            for t in range(n_groups):
                empty = splat(real(sel[t] - pairs.counts[b, t]))
                slot = load(padding, (species * n_groups + t) * channels + lane)
                sum_0 = fma(empty, slot, sum_0)
            for p in range(pairs.first[b], pairs.first[b + 1]):
                geometry = pairs.geometry[p]
                at = (pairs.table_rows[p] * n_registers + register) * 6 * width
                x = splat(real(geometry[4]))
                g = quintic(table, at, x)
                q = geometry[7]
                sum_0 = fma(g, splat(real(geometry[5])), sum_0)
                sum_1 = fma(g, splat(real(q * geometry[0])), sum_1)
                sum_2 = fma(g, splat(real(q * geometry[1])), sum_2)
                sum_3 = fma(g, splat(real(q * geometry[2])), sum_3)
            first = b * 4 * channels + lane
            store(out, first, mul(sum_0, factor))
            store(out, first + channels, mul(sum_1, factor))
            store(out, first + 2 * channels, mul(sum_2, factor))
            store(out, first + 3 * channels, mul(sum_3, factor))


@kernel
def pair_gradients(
    pairs: Pairs,
    table: Floats,
    scale: float,
    n_registers: int,
    slopes: Floats,
    out: Floats,
) -> None:
    """dE_i/dd_ij of every pair of a block, eV/Å.

    Parameters
    ----------
    slopes : (B · 4 · M,) dE_i/dT
    scale : 1/N
    out : (n_pairs, 3) float64, modified
    """
    width = lanes_of(table)
    channels = n_registers * width
    real = table.dtype.type
    zero = splat(real(0))
    for b in range(pairs.first.size - 1):
        first = b * 4 * channels
        for p in range(pairs.first[b], pairs.first[b + 1]):
            geometry = pairs.geometry[p]
            at = pairs.table_rows[p] * n_registers * 6 * width
            dx, dy, dz, q = geometry[0], geometry[1], geometry[2], geometry[7]
            x = splat(real(geometry[4]))
            row_0 = splat(real(geometry[5]))
            row_1 = splat(real(q * dx))
            row_2 = splat(real(q * dy))
            row_3 = splat(real(q * dz))
            sum_0 = zero
            sum_1 = zero
            sum_2 = zero
            sum_3 = zero
            sum_r = zero
            for register in range(n_registers):
                g, slope = quintic_jet(table, at, x)
                lane = first + register * width
                s_0 = load(slopes, lane)
                s_1 = load(slopes, lane + channels)
                s_2 = load(slopes, lane + 2 * channels)
                s_3 = load(slopes, lane + 3 * channels)
                sum_0 = fma(g, s_0, sum_0)
                sum_1 = fma(g, s_1, sum_1)
                sum_2 = fma(g, s_2, sum_2)
                sum_3 = fma(g, s_3, sum_3)
                along = fma(s_0, row_0, mul(s_1, row_1))
                along = add(along, fma(s_2, row_2, mul(s_3, row_3)))
                sum_r = fma(slope, along, sum_r)
                at += 6 * width
            d_0 = total(sum_0) * scale
            d_1 = total(sum_1) * scale
            d_2 = total(sum_2) * scale
            d_3 = total(sum_3) * scale
            radial = total(sum_r) * scale + d_0 * geometry[6]
            radial += (d_1 * dx + d_2 * dy + d_3 * dz) * geometry[8]
            radial *= geometry[3]
            out[p, 0] = radial * dx + q * d_1
            out[p, 1] = radial * dy + q * d_2
            out[p, 2] = radial * dz + q * d_3
