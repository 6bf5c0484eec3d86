"""tanh of neurons, a register at a time."""

from __future__ import annotations

from typing import Any

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

# (exp r − 1 − r)/r² for |r| < ln 2/2, by powers from the highest: minimax of
# the relative error of exp r − 1, 1e-3 (float64) and 2e-3 (float32) of an ulp.
_P10, _P9, _P8 = 2.0875328999232453e-09, 2.5108979097197494e-08, 2.755740264620543e-07
_P7, _P6 = 2.7557244373543628e-06, 2.4801587172534043e-05
_P5, _P4 = 0.00019841269885966602, 0.0013888888888962374
_P3, _P2 = 0.008333333333321691, 0.04166666666666651
_P1, _P0 = 0.16666666666666677, 0.5
_S5, _S4, _S3 = 0.00019845877, 0.0013940628, 0.00833339
_S2, _S1, _S0 = 0.041666362, 0.16666666, 0.5


@exact
def tanh(x: Any, like: Floats) -> Any:
    """tanh of a register of numbers of the dtype of ``like``.

    tanh |x| = −e/d with e = exp(−2|x|) − 1 = 2ⁿ·p + (2ⁿ − 1) and
    d = e + 2 = 2ⁿ·p + (2ⁿ + 1), p = exp r − 1, r in ±ln 2/2. Errors stay below
    1.96 ulp (float32, all arguments) and 2.1 ulp (float64).
    It is monotone as each step is: −e and 1/d grow with |x|.
    """
    real = like.dtype.type
    double = like.itemsize == 8
    minus = splat(real(-1.0))
    top = real(LARGEST if double else LARGEST_SINGLE)
    z = mul(at_most(magnitude(x), splat(top)), splat(real(-2.0)))
    shift = splat(real(ROUND if double else ROUND_SINGLE))
    shifted = fma(z, splat(real(1.4426950408889634)), shift)
    m = fma(shift, minus, shifted)
    high = fma(m, splat(real(-LN2_HIGH if double else -LN2_HIGH_SINGLE)), z)
    low = mul(m, splat(real(-LN2_LOW if double else -LN2_LOW_SINGLE)))
    r = add(high, low)
    square = mul(r, r)
    even = splat(real(_P4 if double else _S4))
    odd = splat(real(_P5 if double else _S5))
    if double:
        even = fma(splat(real(_P10)), square, splat(real(_P8)))
        even = fma(even, square, splat(real(_P6)))
        even = fma(even, square, splat(real(_P4)))
        odd = fma(splat(real(_P9)), square, splat(real(_P7)))
        odd = fma(odd, square, splat(real(_P5)))
    even = fma(even, square, splat(real(_P2 if double else _S2)))
    even = fma(even, square, splat(real(_P0 if double else _S0)))
    odd = fma(odd, square, splat(real(_P3 if double else _S3)))
    odd = fma(odd, square, splat(real(_P1 if double else _S1)))
    p = add(fma(fma(odd, r, even), square, low), high)
    power = power_of_two(shifted)
    e = fma(power, p, add(power, minus))
    d = fma(power, p, add(power, splat(real(1.0))))
    return with_sign(div(e, d), x)


@exact
def tanh_rows(
    y: Floats,
    y_at: int,
    stride: int,
    n_rows: int,
    n_registers: int,
    vectors: Floats,
    bias_at: int,
    idt_offset: int,
    skip: bool,
    x: Floats,
    x_at: int,
    slope_at: int,
) -> None:
    """y ← tanh(y + bias)·idt, with a skip + x, and slope ← (1 − tanh²)·idt.

    Parameters
    ----------
    y : flat, float32 or float64, modified
        n_registers of each of n_rows rows, one every ``stride`` numbers, from
        ``y_at``; the slopes like it from ``slope_at``.
    x : flat, like y from ``x_at``
    vectors : flat
        The biases from ``bias_at``, the time steps ``idt_offset`` behind.
    """
    width = lanes_of(y)
    one = splat(y.dtype.type(1.0))
    minus = splat(y.dtype.type(-1.0))
    for row in range(n_rows):
        for register in range(n_registers):
            lane = register * width
            at = row * stride + lane
            shifted = add(load(y, y_at + at), load(vectors, bias_at + lane))
            t = tanh(shifted, y)
            step = load(vectors, bias_at + idt_offset + lane)
            rest = fma(mul(t, minus), t, one)
            store(y, slope_at + at, mul(rest, step))
            end = fma(t, step, load(x, x_at + at)) if skip else mul(t, step)
            store(y, y_at + at, end)
