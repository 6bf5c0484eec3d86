"""tanh of a layer of neurons, a register at a time."""

from __future__ import annotations

import numpy as np

from .._jit import exact
from .._simd import (
    add,
    at_most,
    div,
    fma,
    lanes_of,
    load,
    magnitude,
    mul,
    power_of_two,
    splat,
    store,
    with_sign,
)
from ..layout import Floats

# ln 2 as a short and a long part, so that n·LN2_HIGH is exact for |n| < 2^11
# (float64) and 2^8 (float32): Cody and Waite, Software Manual for the
# Elementary Functions, 1980.
LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10
LN2_HIGH_SINGLE = 0.693359375
LN2_LOW_SINGLE = -2.12194440e-4
LARGEST, LARGEST_SINGLE = 20.0, 10.0  # tanh is 1 beyond
ROUND, ROUND_SINGLE = 1.5 * 2.0**52, 1.5 * 2.0**23


@exact
def tanh_layer(y: Floats, bias: Floats, idt: Floats, slope: Floats) -> None:
    """y ← tanh(y + bias)·idt and slope ← (1 − tanh²)·idt.

    tanh x = −e/(2 + e) with e = exp(−2|x|) − 1 = 2ⁿ·p(r) + (2ⁿ − 1), r in
    ±ln 2/2, p the Taylor series of exp − 1: below 3 ulp (tests).

    Parameters
    ----------
    y, slope : (B · n,) float32 or float64, modified
    bias, idt : (n + lanes,), padded
    """
    width = lanes_of(y)
    real = y.dtype.type
    n = bias.size - width
    double = width == 8
    one = splat(real(1.0))
    last = np.zeros(width, y.dtype)
    for first in range(0, y.size, n):
        for k in range(0, n, width):
            at = first + k
            whole = k + width <= n
            if whole:
                x = load(y, at)
            else:
                for lane in range(n - k):
                    last[lane] = y[at + lane]
                x = load(last, 0)
            x = add(x, load(bias, k))
            top = real(LARGEST if double else LARGEST_SINGLE)
            z = mul(at_most(magnitude(x), splat(top)), splat(real(-2.0)))
            shift = splat(real(ROUND if double else ROUND_SINGLE))
            shifted = fma(z, splat(real(1.4426950408889634)), shift)
            m = fma(shift, splat(real(-1.0)), shifted)
            r = fma(m, splat(real(-LN2_HIGH if double else -LN2_HIGH_SINGLE)), z)
            r = fma(m, splat(real(-LN2_LOW if double else -LN2_LOW_SINGLE)), r)
            p = splat(real(1.0 / 40320.0))
            if double:
                p = splat(real(1.0 / 6227020800.0))
                p = fma(p, r, splat(real(1.0 / 479001600.0)))
                p = fma(p, r, splat(real(1.0 / 39916800.0)))
                p = fma(p, r, splat(real(1.0 / 3628800.0)))
                p = fma(p, r, splat(real(1.0 / 362880.0)))
                p = fma(p, r, splat(real(1.0 / 40320.0)))
            p = fma(p, r, splat(real(1.0 / 5040.0)))
            p = fma(p, r, splat(real(1.0 / 720.0)))
            p = fma(p, r, splat(real(1.0 / 120.0)))
            p = fma(p, r, splat(real(1.0 / 24.0)))
            p = fma(p, r, splat(real(1.0 / 6.0)))
            p = fma(p, r, splat(real(0.5)))
            p = fma(mul(p, r), r, r)
            power = power_of_two(shifted)
            e = fma(power, p, add(power, splat(real(-1.0))))
            t = with_sign(div(e, add(e, splat(real(2.0)))), x)
            step = load(idt, k)
            rest = mul(fma(mul(t, t), splat(real(-1.0)), one), step)
            t = mul(t, step)
            if whole:
                store(y, at, t)
                store(slope, at, rest)
            else:
                store(last, 0, t)
                for lane in range(n - k):
                    y[at + lane] = last[lane]
                store(last, 0, rest)
                for lane in range(n - k):
                    slope[at + lane] = last[lane]
