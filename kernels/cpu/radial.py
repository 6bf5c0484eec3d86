"""The radial descriptor, D_m = Σ_j G_m(r_ij) / N, and its gradient."""

from __future__ import annotations

from .._jit import kernel
from .._simd import add, fma, lanes_of, load, splat, store, total
from ..layout import DX, DY, DZ, INVERSE_R, Channels, Floats, Ints, Pairs, Place, T
from .quintic import quintic, quintic_jet


@kernel
def radial_sums(
    pairs: Pairs,
    species: int,
    channels: Channels,
    sel: Ints,
    padding: Floats,
    table: Floats,
    place: Place,
    out: Floats,
) -> None:
    """D of a block.

    Parameters
    ----------
    sel : (G,) int64
    padding : (G, C) what one empty slot of each group adds
    table : (rows · registers · 6 · lanes,) of G/N, see `moments`
    out : (B · S,) modified; up to a register behind D too
    """
    width = lanes_of(table)
    real = table.dtype.type
    n_types = channels.count.shape[0]
    flat = padding.reshape(-1)
    for b in range(pairs.counts.shape[0]):
        row = b * place.stride + place.offset
        for register in range(channels.total[species]):
            lane = register * width
            result = splat(real(0))
            for g in range(sel.size):
                empty = splat(real(sel[g] - pairs.counts[b, g]))
                slot = load(flat, g * padding.shape[1] + lane)
                result = fma(empty, slot, result)
            for p in range(pairs.first[b * n_types], pairs.first[(b + 1) * n_types]):
                at = (pairs.coefficients[p] + register) * 6 * width
                x = splat(pairs.rows[T, p])
                result = add(result, quintic(table, at, x))
            store(out, row + lane, result)


@kernel
def radial_pair_gradients(
    pairs: Pairs,
    species: int,
    channels: Channels,
    table: Floats,
    place: Place,
    slopes: Floats,
    out: Floats,
) -> None:
    """dE_i/dd_ij of every pair of a block, eV/Å.

    Parameters
    ----------
    slopes : (B · S,) dE_i/dD, finite behind it too
    out : (n_pairs, 3) modified
    """
    width = lanes_of(table)
    real = table.dtype.type
    rows, geometry = pairs.rows, pairs.geometry
    n_types = channels.count.shape[0]
    for b in range(pairs.counts.shape[0]):
        row = b * place.stride + place.offset
        for p in range(pairs.first[b * n_types], pairs.first[(b + 1) * n_types]):
            at = pairs.coefficients[p] * 6 * width
            x = splat(rows[T, p])
            result = splat(real(0))
            for register in range(channels.total[species]):
                _, slope = quintic_jet(table, at, x)
                result = fma(slope, load(slopes, row + register * width), result)
                at += 6 * width
            along = total(result) * geometry[INVERSE_R, p]
            out[p, 0] = along * geometry[DX, p]
            out[p, 1] = along * geometry[DY, p]
            out[p, 2] = along * geometry[DZ, p]
