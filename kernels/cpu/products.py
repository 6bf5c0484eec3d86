"""The descriptor: products of the moments' channels, and their gradient."""

from __future__ import annotations

import numpy as np

from .._jit import kernel
from .._rows import store_totals
from .._simd import first_lanes, fma, lanes_from, lanes_of, load, mul, splat, store
from ..layout import Floats, Ints, Pairs, Place, Products


@kernel
def add_empty_slots(pairs: Pairs, sel: Ints, padding: Floats, moments: Floats) -> None:
    """Add what empty slots give to component 0 of a block's mixed moments.

    Parameters
    ----------
    sel : (G,) int64
    padding : (G, K) of one empty slot of each group
    moments : (B · 4 · K,) modified
    """
    n_atoms, n_groups = pairs.counts.shape
    channels = padding.shape[1]
    for b in range(n_atoms):
        for g in range(n_groups):
            empty = padding.dtype.type(sel[g] - pairs.counts[b, g])
            for k in range(channels):
                moments[b * 4 * channels + k] += empty * padding[g, k]


@kernel
def products(
    moments: Floats, n_atoms: int, form: Products, place: Place, out: Floats
) -> None:
    """S[a, k] = Σ_c z[c, a] z[c, k] of a block.

    Parameters
    ----------
    moments : (B · 4 · K,) z, and a register behind it
    out : (B · S,) modified; up to a register behind the products too
    """
    width = lanes_of(moments)
    channels = form.registers * width
    for b in range(n_atoms):
        first = b * 4 * channels
        at = b * place.stride + place.offset
        for a in range(form.starts.size):
            left_0 = splat(moments[first + a])
            left_1 = splat(moments[first + channels + a])
            left_2 = splat(moments[first + 2 * channels + a])
            left_3 = splat(moments[first + 3 * channels + a])
            start, end = form.starts[a], form.ends[a]
            for k in range(start, end, width):
                lane = first + k
                s = mul(left_0, load(moments, lane))
                s = fma(left_1, load(moments, lane + channels), s)
                s = fma(left_2, load(moments, lane + 2 * channels), s)
                s = fma(left_3, load(moments, lane + 3 * channels), s)
                store(out, at + k - start, s)
            at += end - start


@kernel
def product_gradients(
    moments: Floats,
    slopes: Floats,
    n_atoms: int,
    form: Products,
    place: Place,
    out: Floats,
) -> None:
    """dE/dz of a block from dE/dS; see `products`.

    Parameters
    ----------
    slopes : (B · S,) dE/dS, finite behind it too
    out : (B · 4 · K,) and a register behind it, modified
    """
    width = lanes_of(moments)
    real = moments.dtype.type
    channels = form.registers * width
    nothing = splat(real(0))
    sums = np.empty(4 * form.starts.size, moments.dtype)
    for b in range(n_atoms):
        first = b * 4 * channels
        at = b * place.stride + place.offset
        for lane in range(first, first + 4 * channels + width, width):
            store(out, lane, nothing)
        for a in range(form.starts.size):
            left_0 = splat(moments[first + a])
            left_1 = splat(moments[first + channels + a])
            left_2 = splat(moments[first + 2 * channels + a])
            left_3 = splat(moments[first + 3 * channels + a])
            sum_0 = nothing
            sum_1 = nothing
            sum_2 = nothing
            sum_3 = nothing
            start, end = form.starts[a], form.ends[a]
            # Whole registers of channels: where a register starts in the middle of one
            # that was just stored, it waits for it: 0.58 µs an atom of water, so 0.44.
            low = start // width * width
            if at + low < start:
                low = start
            for k in range(low, end, width):
                lane = first + k
                s = load(slopes, at + k - start)
                z_0 = load(moments, lane)
                z_1 = load(moments, lane + channels)
                z_2 = load(moments, lane + 2 * channels)
                z_3 = load(moments, lane + 3 * channels)
                if k < start:
                    s = lanes_from(s, start - k)
                if k + width > end:
                    # What lies behind is another's: it may be NaN.
                    s = first_lanes(s, end - k)
                    z_0 = first_lanes(z_0, end - k)
                    z_1 = first_lanes(z_1, end - k)
                    z_2 = first_lanes(z_2, end - k)
                    z_3 = first_lanes(z_3, end - k)
                sum_0 = fma(s, z_0, sum_0)
                sum_1 = fma(s, z_1, sum_1)
                sum_2 = fma(s, z_2, sum_2)
                sum_3 = fma(s, z_3, sum_3)
                store(out, lane, fma(s, left_0, load(out, lane)))
                lane += channels
                store(out, lane, fma(s, left_1, load(out, lane)))
                lane += channels
                store(out, lane, fma(s, left_2, load(out, lane)))
                lane += channels
                store(out, lane, fma(s, left_3, load(out, lane)))
            store_totals(sums, 4 * a, sum_0, sum_1, sum_2, sum_3)
            at += end - start
        for a in range(form.starts.size):
            for c in range(4):
                out[first + c * channels + a] += sums[4 * a + c]
