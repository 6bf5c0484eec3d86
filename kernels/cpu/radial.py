"""The radial descriptor, D_m = Σ_j G_m(r_ij) / N, and its gradient."""

from __future__ import annotations

import numpy as np

from .._access import pick, spread
from .._jit import inline, kernel
from .._simd import (
    add,
    div,
    fma,
    lanes_of,
    load,
    mul,
    root,
    splat,
    store,
    total,
)
from ..layout import Channels, Floats, Ints, Pairs, Place
from .geometry import PART, STRIDE
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
    offsets, coefficients = pairs.offsets, pairs.coefficients
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
                at = (pick(coefficients, p) + register) * 6 * width
                x = spread(offsets, p)
                result = add(result, quintic(table, at, x))
            store(out, row + lane, result)


@inline
def _point(pairs: Pairs, begin: int, end: int, along: Floats, out: Floats) -> None:
    """From dE_i/dr to dE_i/dd, a register of pairs at a time."""
    differences, room = pairs.differences, pairs.offsets.size
    for p in range(begin, end, lanes_of(differences)):
        dx = load(differences, p)
        dy = load(differences, room + p)
        dz = load(differences, 2 * room + p)
        r = root(fma(dx, dx, fma(dy, dy, mul(dz, dz))))
        over_r = div(load(along, p - begin), r)
        store(out, p, mul(over_r, dx))
        store(out, room + p, mul(over_r, dy))
        store(out, 2 * room + p, mul(over_r, dz))


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
    out : as ``pairs.differences``, modified
    """
    width = lanes_of(table)
    offsets, coefficients = pairs.offsets, pairs.coefficients
    nothing = splat(table.dtype.type(0))
    along = np.zeros(STRIDE, out.dtype)
    n_types = channels.count.shape[0]
    for b in range(pairs.counts.shape[0]):
        row = b * place.stride + place.offset
        last = pairs.first[(b + 1) * n_types]
        for begin in range(pairs.first[b * n_types], last, PART):
            end = min(begin + PART, last)
            for p in range(begin, end):
                at = pick(coefficients, p) * 6 * width
                x = spread(offsets, p)
                result = nothing
                for register in range(channels.total[species]):
                    _, slope = quintic_jet(table, at, x)
                    s = load(slopes, row + register * width)
                    result = fma(slope, s, result)
                    at += 6 * width
                along[p - begin] = total(result)
            _point(pairs, begin, end, along, out)
