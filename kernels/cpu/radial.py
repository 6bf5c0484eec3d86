"""The radial descriptor, D_m = Σ_j G_m(r_ij) / N, and its gradient."""

from __future__ import annotations

from .._jit import kernel
from .._simd import add, fma, lanes_of, load, mul, splat, store, total
from ..layout import Floats, Ints, Pairs, Place
from .quintic import quintic, quintic_jet


@kernel
def radial_descriptors(
    pairs: Pairs,
    sel: Ints,
    species: int,
    table: Floats,
    padding: Floats,
    scale: float,
    n_registers: int,
    place: Place,
    out: Floats,
) -> None:
    """D of a block.

    Parameters
    ----------
    sel : (G,) int64
    species : type of the block's centres
    table : (rows · n_registers · 6 · lanes,), see `moments`
    padding : (T · G · M,) G(x0) of an empty slot, by centre type and group
    scale : 1/N
    out : (B · S,) modified; up to a register behind D too
    """
    width = lanes_of(table)
    channels = n_registers * width
    real = table.dtype.type
    factor = splat(real(scale))
    n_groups = sel.size
    for b in range(pairs.first.size - 1):
        row = b * place.stride + place.offset
        for register in range(n_registers):
            lane = register * width
            result = splat(real(0))
            for t in range(n_groups):
                empty = splat(real(sel[t] - pairs.counts[b, t]))
                slot = load(padding, (species * n_groups + t) * channels + lane)
                result = fma(empty, slot, result)
            for p in range(pairs.first[b], pairs.first[b + 1]):
                at = (pairs.table_rows[p] * n_registers + register) * 6 * width
                x = splat(real(pairs.geometry[p, 4]))
                result = add(result, quintic(table, at, x))
            store(out, row + lane, mul(result, factor))


@kernel
def radial_pair_gradients(
    pairs: Pairs,
    table: Floats,
    scale: float,
    n_registers: int,
    place: Place,
    slopes: Floats,
    out: Floats,
) -> None:
    """dE_i/dd_ij of every pair of a block, eV/Å.

    Parameters
    ----------
    scale : 1/N
    slopes : (B · S,) dE_i/dD, finite behind it too
    out : (n_pairs, 3) float64, modified
    """
    width = lanes_of(table)
    real = table.dtype.type
    for b in range(pairs.first.size - 1):
        row = b * place.stride + place.offset
        for p in range(pairs.first[b], pairs.first[b + 1]):
            geometry = pairs.geometry[p]
            at = pairs.table_rows[p] * n_registers * 6 * width
            x = splat(real(geometry[4]))
            result = splat(real(0))
            for register in range(n_registers):
                _, slope = quintic_jet(table, at, x)
                result = fma(slope, load(slopes, row + register * width), result)
                at += 6 * width
            along = total(result) * scale * geometry[3]
            out[p, 0] = along * geometry[0]
            out[p, 1] = along * geometry[1]
            out[p, 2] = along * geometry[2]
