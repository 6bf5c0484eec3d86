"""Bias, activation, time step and skip of a layer in one pass, and the way back."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from .. import activations
from ..layout import Floats, Ints
from ._cuda import WARP, cuda, device, kernel
from ._ptx import (
    EVERYONE,
    fetch4,
    first_item,
    lane,
    load4,
    pick,
    put,
    store4,
    tf32_part,
)

_PLAIN = {
    "tanh": activations.tanh_jet,
    "sigmoid": activations.sigmoid_jet,
    "silu": activations.silu_jet,
    "softplus": activations.softplus_jet,
    "relu": activations.relu_jet,
    "relu6": activations.relu6_jet,
    "linear": activations.linear_jet,
}


class Layer(NamedTuple):
    """What a layer has besides its matrix; arrays of whole vectors of four."""

    bias: Floats  # (n_out,)
    idt: Floats  # (n_out,) time steps, or (0,)
    skip: Ints  # (n_out,) int32, the input that is added to each output, or (0,)


@cache
def jet_of(name: str, *numbers: float) -> Any:
    """Value and slope of an activation, on the device."""
    if name == "gelu":
        return device(activations.gelu_of(*numbers))
    if name == "silut":
        return device(activations.silut_of(*numbers))
    return device(_PLAIN[name])


@cache
def activate_kernel(name: str, *numbers: float) -> Any:
    """`activate` for one activation; see `jet_of`."""
    jet = jet_of(name, *numbers)

    def activate(
        layer: Layer, n_atoms: int, width: int, x: Floats, y: Floats, slope: Floats
    ) -> None:
        """y ← f(y + bias)·idt + skipped x, and the slope of f·idt.

        Parameters
        ----------
        width : of y, a multiple of four
        x : (B · n_in,) the layer's input
        y, slope : (B · width,) modified
        """
        row = first_item()
        if row >= n_atoms:
            return
        real = y.dtype.type
        n_in = x.size // n_atoms
        for column in range(4 * lane(), width, 4 * WARP):
            at = row * width + column
            before = load4(y, at)
            bias = fetch4(layer.bias, column)
            y_0, s_0 = jet(before[0] + bias[0], real)
            y_1, s_1 = jet(before[1] + bias[1], real)
            y_2, s_2 = jet(before[2] + bias[2], real)
            y_3, s_3 = jet(before[3] + bias[3], real)
            if layer.idt.size > 0:
                idt = fetch4(layer.idt, column)
                y_0 *= idt[0]
                y_1 *= idt[1]
                y_2 *= idt[2]
                y_3 *= idt[3]
                s_0 *= idt[0]
                s_1 *= idt[1]
                s_2 *= idt[2]
                s_3 *= idt[3]
            if layer.skip.size > 0:
                own = row * n_in
                y_0 += pick(x, own + pick(layer.skip, column))
                y_1 += pick(x, own + pick(layer.skip, column + 1))
                y_2 += pick(x, own + pick(layer.skip, column + 2))
                y_3 += pick(x, own + pick(layer.skip, column + 3))
            store4(y, at, (y_0, y_1, y_2, y_3))
            store4(slope, at, (s_0, s_1, s_2, s_3))

    return kernel(activate)


@kernel
def times_slope(n_atoms: int, width: int, gradient: Floats, slope: Floats) -> None:
    """slope ← slope · gradient.

    Parameters
    ----------
    gradient, slope : (B · width,), width a multiple of four; slope is modified
    """
    row = first_item()
    if row >= n_atoms:
        return
    for column in range(4 * lane(), width, 4 * WARP):
        at = row * width + column
        g = fetch4(gradient, at)
        s = load4(slope, at)
        store4(slope, at, (g[0] * s[0], g[1] * s[1], g[2] * s[2], g[3] * s[3]))


@kernel
def add_skipped(
    n_atoms: int, copies: int, outputs: Ints, gradient: Floats, out: Floats
) -> None:
    """The gradient in a layer's inputs of what it hands on.

    Parameters
    ----------
    copies : how many outputs an input is added to
    outputs : (copies · n_in,) int32, these outputs; −1 for none
    gradient : (B · n_out,) in the outputs
    out : (B · n_in,) modified
    """
    row = first_item()
    if row >= n_atoms:
        return
    real = out.dtype.type
    n_in = outputs.size // copies
    n_out = gradient.size // n_atoms
    for column in range(lane(), n_in, WARP):
        total = real(0)
        for k in range(copies):
            output = pick(outputs, k * n_in + column)
            if output >= 0:
                total += pick(gradient, row * n_out + output)
        put(out, row * n_in + column, total)


@cache
def last_layer_kernel(name: str, *numbers: float) -> Any:
    """`last_layer` for one activation; see `jet_of`."""
    jet = jet_of(name, *numbers)

    def last_layer(
        layer: Layer,
        weight: Floats,
        n_atoms: int,
        x: Floats,
        factors: Floats,
        energies: Floats,
        begin: int,
        gradient: Floats,
    ) -> None:
        """The output of a net, and its gradient times a factor in the last input.

        Parameters
        ----------
        weight : (n_in,), n_in a multiple of four
        x : (B · n_in,)
        factors : (n,) float64, of rows
        energies : (n,) float64, from ``begin`` on modified
        gradient : (B · n_in,) modified
        """
        row = first_item()
        if row >= n_atoms:
            return
        real = x.dtype.type
        n_in = weight.size
        total = real(0)
        for column in range(4 * lane(), n_in, 4 * WARP):
            w = fetch4(weight, column)
            v = fetch4(x, row * n_in + column)
            total += w[0] * v[0] + w[1] * v[1] + w[2] * v[2] + w[3] * v[3]
        width = 16
        while width > 0:
            total += cuda.shfl_xor_sync(EVERYONE, total, width)
            width //= 2
        y, slope = jet(total + pick(layer.bias, 0), real)
        if layer.idt.size > 0:
            y *= pick(layer.idt, 0)
            slope *= pick(layer.idt, 0)
        factor = real(pick(factors, begin + row))
        handed_on = real(0)
        if layer.skip.size > 0:
            handed_on = factor
            y += pick(x, row * n_in)
        slope *= factor
        if lane() == 0:
            put(energies, begin + row, y)
        for column in range(lane(), n_in, WARP):
            g = slope * pick(weight, column)
            if column == 0:
                g += handed_on
            put(gradient, row * n_in + column, g)

    return kernel(last_layer)


@kernel
def split_tf32(n_atoms: int, width: int, x: Floats, high: Floats, low: Floats) -> None:
    """x = high + low, where high has eleven significant bits.

    Parameters
    ----------
    x : (B · width,) float32, width a multiple of four
    high, low : (B · width,) modified
    """
    row = first_item()
    if row >= n_atoms:
        return
    for column in range(4 * lane(), width, 4 * WARP):
        at = row * width + column
        v = fetch4(x, at)
        h_0 = tf32_part(v[0])
        h_1 = tf32_part(v[1])
        h_2 = tf32_part(v[2])
        h_3 = tf32_part(v[3])
        store4(high, at, (h_0, h_1, h_2, h_3))
        store4(low, at, (v[0] - h_0, v[1] - h_1, v[2] - h_2, v[3] - h_3))
