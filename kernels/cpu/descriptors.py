"""The descriptor D from the moments T, and its gradient."""

from __future__ import annotations

from .._jit import kernel
from .._simd import fma, lanes_of, load, mul, splat, store, total
from ..layout import Floats, Place


@kernel
def descriptors(
    moments: Floats,
    n_atoms: int,
    axis: int,
    width_out: int,
    n_registers: int,
    place: Place,
    out: Floats,
) -> None:
    """D[a, m] = Σ_k T[k, m] T[k, a] of a block.

    Parameters
    ----------
    moments : (B · 4 · M,)
    axis : number of axis channels
    width_out : channels without their padding
    out : (B · S,) modified; up to a register behind D too
    """
    width = lanes_of(moments)
    channels = n_registers * width
    for b in range(n_atoms):
        first = b * 4 * channels
        row = b * place.stride + place.offset
        for a in range(axis):
            left_0 = splat(moments[first + a])
            left_1 = splat(moments[first + channels + a])
            left_2 = splat(moments[first + 2 * channels + a])
            left_3 = splat(moments[first + 3 * channels + a])
            at = row + a * width_out
            for register in range(n_registers):
                lane = first + register * width
                d = mul(left_0, load(moments, lane))
                d = fma(left_1, load(moments, lane + channels), d)
                d = fma(left_2, load(moments, lane + 2 * channels), d)
                d = fma(left_3, load(moments, lane + 3 * channels), d)
                store(out, at + register * width, d)


@kernel
def moment_gradients(
    moments: Floats,
    slopes: Floats,
    n_atoms: int,
    axis: int,
    width_out: int,
    n_registers: int,
    place: Place,
    out: Floats,
) -> None:
    """dE/dT of a block from dE/dD; see `descriptors`.

    Parameters
    ----------
    slopes : (B · S,) dE/dD, finite behind it too
    out : (B · 4 · M,) modified; padded channels hold no meaning
    """
    width = lanes_of(moments)
    channels = n_registers * width
    zero = splat(moments.dtype.type(0))
    for b in range(n_atoms):
        first = b * 4 * channels
        row = b * place.stride + place.offset
        for register in range(n_registers):
            lane = first + register * width
            sum_0 = zero
            sum_1 = zero
            sum_2 = zero
            sum_3 = zero
            for a in range(axis):
                d = load(slopes, row + a * width_out + register * width)
                sum_0 = fma(d, splat(moments[first + a]), sum_0)
                sum_1 = fma(d, splat(moments[first + channels + a]), sum_1)
                sum_2 = fma(d, splat(moments[first + 2 * channels + a]), sum_2)
                sum_3 = fma(d, splat(moments[first + 3 * channels + a]), sum_3)
            store(out, lane, sum_0)
            store(out, lane + channels, sum_1)
            store(out, lane + 2 * channels, sum_2)
            store(out, lane + 3 * channels, sum_3)
        for a in range(axis):
            at = row + a * width_out
            sum_0 = zero
            sum_1 = zero
            sum_2 = zero
            sum_3 = zero
            for register in range(n_registers):
                lane = first + register * width
                d = load(slopes, at + register * width)
                sum_0 = fma(d, load(moments, lane), sum_0)
                sum_1 = fma(d, load(moments, lane + channels), sum_1)
                sum_2 = fma(d, load(moments, lane + 2 * channels), sum_2)
                sum_3 = fma(d, load(moments, lane + 3 * channels), sum_3)
            out[first + a] += total(sum_0)
            out[first + channels + a] += total(sum_1)
            out[first + 2 * channels + a] += total(sum_2)
            out[first + 3 * channels + a] += total(sum_3)
