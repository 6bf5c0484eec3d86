"""Activation functions of deepmd-kit with their first two derivatives.

Definitions: deepmd-kit 3.2, ``dpmodel/utils/network.py::get_activation_fn``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..array_types import Floats

Jet = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class Activation:
    """An activation: ``jet(x)`` gives value, first and second derivative.

    ``breakpoints`` are the arguments where a derivative up to the third jumps,
    ``family`` and ``constants`` what `kernels.activations` makes the same function of.
    """

    name: str
    jet: Callable[[Floats], Jet]
    breakpoints: tuple[float, ...] = ()
    constants: tuple[float, ...] = ()

    @property
    def family(self) -> str:
        """The name without what only the constants differ in."""
        return self.name.partition(":")[0].partition("_")[0]

    def __call__(self, x: Floats) -> Floats:
        return self.jet(x)[0]


def _tanh(x: Floats) -> Jet:
    y = np.tanh(x)
    slope = 1 - y * y
    return y, slope, -2 * y * slope


def _sigmoid(x: Floats) -> Jet:
    decay = np.exp(-np.abs(x))
    y = np.where(x >= 0, 1 / (1 + decay), decay / (1 + decay))
    slope = decay / (1 + decay) ** 2
    return y, slope, slope * (1 - 2 * y)


def _silu(x: Floats) -> Jet:
    s, s1, s2 = _sigmoid(x)
    return x * s, s + x * s1, 2 * s1 + x * s2


def _softplus(x: Floats) -> Jet:
    s, s1, _ = _sigmoid(x)
    return np.logaddexp(x, x.dtype.type(0)), s, s1


def _gelu(x: Floats, cubic: float = 0.044715) -> Jet:
    scale = float(np.sqrt(2 / np.pi))
    y, x = x, np.clip(x, -40, 40)  # beyond, tanh is 1 and its slope 0
    t, t1, t2 = _tanh(scale * (x + cubic * x**3))
    u1 = scale * (1 + 3 * cubic * x * x)
    u2 = 6 * scale * cubic * x
    d1 = t1 * u1
    d2 = t2 * u1 * u1 + t1 * u2
    return 0.5 * y * (1 + t), 0.5 * (1 + t) + 0.5 * x * d1, d1 + 0.5 * x * d2


def _clipped(x: Floats, upper: float) -> Jet:
    inside = ((x > 0) & (x < upper)).astype(x.dtype)
    return np.clip(x, 0, upper), inside, np.zeros_like(x)


def _linear(x: Floats) -> Jet:
    return x, np.ones_like(x), np.zeros_like(x)


def _silut(threshold: float) -> Activation:
    at = np.array(threshold)
    const, slope, _ = (float(v) for v in _silu(at))

    def jet(x: Floats) -> Jet:
        t, t1, t2 = _tanh(slope * (x - threshold))
        low = _silu(x)
        high = (t + const, slope * t1, slope * slope * t2)
        below = x < threshold
        y, y1, y2 = (np.where(below, a, b) for a, b in zip(low, high, strict=True))
        return y, y1, y2

    constants = (threshold, const, slope)
    return Activation(f"silut:{threshold!r}", jet, (threshold,), constants)


_CUBIC = 0.044715
_CUBIC_SINGLE = float(np.float32(_CUBIC))

_NAMED = {
    "tanh": Activation("tanh", _tanh),
    "sigmoid": Activation("sigmoid", _sigmoid),
    "silu": Activation("silu", _silu),
    "softplus": Activation("softplus", _softplus),
    "gelu": Activation("gelu", _gelu, (), (_CUBIC,)),
    "gelu_tf": Activation("gelu", _gelu, (), (_CUBIC,)),
    # TensorFlow's own gelu rounds its constant to float32, in float64 graphs too.
    "gelu_float32": Activation(
        "gelu_float32", lambda x: _gelu(x, _CUBIC_SINGLE), (), (_CUBIC_SINGLE,)
    ),
    "relu": Activation("relu", lambda x: _clipped(x, np.inf), (0.0,)),
    "relu6": Activation("relu6", lambda x: _clipped(x, 6.0), (0.0, 6.0)),
    "linear": Activation("linear", _linear),
    "none": Activation("linear", _linear),
}
NAMES = (*_NAMED, "silut[:threshold]", "custom_silu[:threshold]")


def activation(name: str) -> Activation:
    """The activation of this (case-insensitive) deepmd-kit name.

    Raises
    ------
    KeyError
        If deepmd-kit has no activation of this name.
    """
    key = name.lower()
    if key in _NAMED:
        return _NAMED[key]
    family, _, threshold = key.partition(":")
    if family in ("silut", "custom_silu"):
        try:
            return _silut(float(threshold) if threshold else 3.0)
        except ValueError:
            pass
    raise KeyError(f"unknown activation {name!r}; known: {', '.join(NAMES)}")
