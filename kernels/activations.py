"""Activation functions of one number, with their slopes.

Definitions: deepmd-kit 3.2, ``dpmodel/utils/network.py::get_activation_fn``; the same
as `dpse_fast.model.activations`, which has them for arrays. NaN stays NaN: min and max
would lose it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Jet = Callable[[Any, Any], tuple[Any, Any]]

SATURATED = 40.0  # beyond, tanh of gelu's argument is ±1
ROOT = math.sqrt(2 / math.pi)


def tanh_jet(x: Any, real: Any) -> tuple[Any, Any]:
    """tanh."""
    y = real(math.tanh(x))
    return y, real(1) - y * y


def sigmoid_jet(x: Any, real: Any) -> tuple[Any, Any]:
    """1/(1 + e⁻ˣ)."""
    decay = real(math.exp(-abs(x)))
    whole = real(1) / (real(1) + decay)
    y = whole if x >= real(0) else decay * whole
    return y, decay * whole * whole


def silu_jet(x: Any, real: Any) -> tuple[Any, Any]:
    """x·sigmoid(x)."""
    decay = real(math.exp(-abs(x)))
    whole = real(1) / (real(1) + decay)
    s = whole if x >= real(0) else decay * whole
    return x * s, s + x * (decay * whole * whole)


def softplus_jet(x: Any, real: Any) -> tuple[Any, Any]:
    """log(1 + eˣ)."""
    decay = real(math.exp(-abs(x)))
    whole = real(1) / (real(1) + decay)
    s = whole if x >= real(0) else decay * whole
    return (x if x >= real(0) else real(0)) + real(math.log1p(decay)), s


def relu_jet(x: Any, real: Any) -> tuple[Any, Any]:
    """max(x, 0)."""
    outside = x <= real(0)
    return (real(0) if outside else x), (real(0) if outside else real(1))


def relu6_jet(x: Any, real: Any) -> tuple[Any, Any]:
    """min(max(x, 0), 6)."""
    y = real(0) if x <= real(0) else x
    y = real(6) if x >= real(6) else y
    return y, (real(1) if x > real(0) and x < real(6) else real(0))


def linear_jet(x: Any, real: Any) -> tuple[Any, Any]:
    """x."""
    return x, real(1)


def gelu_of(cubic: float) -> Jet:
    """gelu by tanh, with this coefficient of x³."""

    def gelu_jet(x: Any, real: Any) -> tuple[Any, Any]:
        c = real(SATURATED) if x > real(SATURATED) else x
        c = real(-SATURATED) if x < real(-SATURATED) else c
        t = real(math.tanh(real(ROOT) * (c + real(cubic) * c * c * c)))
        bent = real(ROOT) * (real(1) + real(3.0 * cubic) * c * c)
        slope = (real(1) - t * t) * bent
        half = real(0.5)
        return half * x * (real(1) + t), half * (real(1) + t) + half * c * slope

    return gelu_jet


def silut_of(threshold: float, value: float, slope: float) -> Jet:
    """silu below a threshold, and tanh from its value and slope there above."""

    def silut_jet(x: Any, real: Any) -> tuple[Any, Any]:
        t = real(math.tanh(real(slope) * (x - real(threshold))))
        decay = real(math.exp(-abs(x)))
        whole = real(1) / (real(1) + decay)
        s = whole if x >= real(0) else decay * whole
        below = x < real(threshold)
        y = x * s if below else t + real(value)
        bent = real(slope) * (real(1) - t * t)
        return y, (s + x * (decay * whole * whole) if below else bent)

    return silut_jet
