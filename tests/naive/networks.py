"""Embedding nets, embedding tables and fitting nets with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dpse_fast.model import Descriptor, EmbeddingTable, Gated, Layer, Net

Array = NDArray[np.float64]


class EmbeddedPairs(NamedTuple):
    """The channels (P, M) with their derivatives by the row and, apart, by r."""

    channels: Array
    slopes: Array
    radial_slopes: Array


def width(d: Descriptor) -> int:
    net = next(net for row in d.embedding for net in row if net is not None)
    while isinstance(net, Gated):
        net = net.radial
    if isinstance(net, EmbeddingTable):
        return int(net.coefficients.shape[1])
    return int(net.layers[-1].weight.shape[1])


def embed(
    net: Any, x: Array, w: tuple[Array, Array], cubic: tuple[Array, Array]
) -> EmbeddedPairs:
    """The embedding at rows x (P,).

    Gates fade with one of two switches: w, given with its slope by r, or the cubic
    of the row, given with its slope by x.
    """
    if not isinstance(net, Gated):
        channels, slopes = embedding(net, x)
        return EmbeddedPairs(channels, slopes, np.zeros_like(channels))
    channels, slopes = embedding(net.radial, x)
    gate = net.gate.astype(np.float64)
    zero = np.zeros(len(x))
    fade, by_r, by_x = np.ones(len(x)), zero, zero
    if net.cubic:
        fade, by_x = cubic
    elif net.smooth:
        fade, by_r = w
    factor = 1 + np.outer(fade, gate)
    return EmbeddedPairs(
        channels * factor,
        slopes * factor + channels * np.outer(by_x, gate),
        channels * np.outer(by_r, gate),
    )


def embedding(net: Net | EmbeddingTable, x: Array) -> tuple[Array, Array]:
    """The channels (P, M) at x (P,) and their derivatives."""
    if isinstance(net, EmbeddingTable):
        return _table(net, x)
    y, slope = x[:, None], np.ones((len(x), 1))
    for layer in net.layers:
        before, before_slope = y, slope
        value, derivative = _dense(layer, y)
        y = value + _skip(layer, before)
        slope = derivative * (before_slope @ layer.weight.astype(np.float64))
        slope = slope + _skip(layer, before_slope)
    return y, slope


def _table(table: EmbeddingTable, x: Array) -> tuple[Array, Array]:
    fine = int((table.upper - table.lower) / table.stride0)
    coarse = int((table.maximum - table.upper) / table.stride1)
    channels = np.empty((len(x), table.coefficients.shape[1]))
    slopes = np.empty_like(channels)
    for p, at in enumerate(x):
        beyond = 0.0
        if at < table.lower:
            row, local, beyond = 0, 0.0, at - table.lower
        elif at < table.upper:
            row = int((at - table.lower) / table.stride0)
            local = at - (table.lower + row * table.stride0)
        elif at < table.maximum:
            step = int((at - table.upper) / table.stride1)
            row, local = fine + step, at - (table.upper + step * table.stride1)
        else:
            last = np.nextafter(table.maximum, table.lower)
            step = int((last - table.upper) / table.stride1)
            row = fine + step
            local = table.maximum - (table.upper + step * table.stride1)
            beyond = at - table.maximum
            if table.beyond == "clamp":
                row, local = fine + coarse - 1, 0.0
        a = table.coefficients[row].astype(np.float64)
        power = local ** np.arange(6)
        slopes[p] = a[:, 1:] @ (np.arange(1, 6) * power[:5])
        channels[p] = a @ power
        outside = at < table.lower or at >= table.maximum
        if outside and table.beyond == "linear":
            channels[p] += slopes[p] * beyond
        elif outside:
            slopes[p] = 0
    return channels, slopes


def scalar_net(net: Net, x: Array) -> tuple[Array, Callable[[], Array]]:
    """The one output (n,) of a net at x (n, n_in), and its gradient (n, n_in)."""
    y, tape = x, []
    for layer in net.layers:
        value, derivative = _dense(layer, y)
        tape.append(derivative)
        y = value + _skip(layer, y)

    def gradient() -> Array:
        g = np.ones((len(x), 1))
        for layer, derivative in zip(net.layers[::-1], tape[::-1], strict=True):
            through = (g * derivative) @ layer.weight.T.astype(np.float64)
            if layer.skip == "identity":
                through += g
            elif layer.skip == "double":
                half = g.shape[1] // 2
                through += g[:, :half] + g[:, half:]
            g = through
        return g

    return y[:, 0], gradient


def hidden(net: Net, x: Array) -> Array:
    """What the last layer takes, (n, W)."""
    for layer in net.layers[:-1]:
        x = _dense(layer, x)[0] + _skip(layer, x)
    return x


def _dense(layer: Layer, x: Array) -> tuple[Array, Array]:
    z = x @ layer.weight.astype(np.float64) + layer.bias.astype(np.float64)
    value, derivative = _activation(layer.activation, z)
    if layer.idt is None:
        return value, derivative
    idt = layer.idt.astype(np.float64)
    return value * idt, derivative * idt


def _skip(layer: Layer, x: Array) -> Array | float:
    if layer.skip == "identity":
        return x
    return np.hstack([x, x]) if layer.skip == "double" else 0.0


def _activation(name: str, x: Array) -> tuple[Array, Array]:
    family, _, threshold = name.partition(":")
    if family == "linear":
        return x, np.ones_like(x)
    if family == "tanh":
        y = np.tanh(x)
        return y, 1 - y * y
    if family == "relu":
        return x * (x > 0), (x > 0).astype(np.float64)
    if family == "relu6":
        inside = ((x > 0) & (x < 6)).astype(np.float64)
        return np.clip(x, 0, 6), inside
    if family in ("gelu", "gelu_float32"):
        root, cubic = np.sqrt(2 / np.pi), 0.044715
        if family == "gelu_float32":
            cubic = float(np.float32(cubic))
        inner, inner1 = root * (x + cubic * x**3), root * (1 + 3 * cubic * x**2)
        y = np.tanh(inner)
        half = 0.5 * (1 + y)
        return x * half, half + 0.5 * x * inner1 * (1 - y * y)
    sigmoid: Array = 0.5 * (1 + np.tanh(x / 2))
    sigmoid1: Array = sigmoid * (1 - sigmoid)
    if family == "sigmoid":
        return sigmoid, sigmoid1
    if family == "softplus":
        return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0), sigmoid
    silu, silu1 = x * sigmoid, sigmoid + x * sigmoid1
    if family == "silu":
        return silu, silu1
    assert family == "silut", name
    a = float(threshold)
    const, slope = (v.item() for v in _activation("silu", np.array(a)))
    t = np.tanh(slope * (x - a))
    return (
        np.where(x < a, silu, t + const),
        np.where(x < a, silu1, slope * (1 - t * t)),
    )
