"""Between the products of a fitting net, there and back, a pass over memory each.

A warp takes a row, a lane four columns at a time. The gradient by a layer's outputs is
what products and skips have handed down in memory, and what skips hand down of the
net's last layer: the row's factor times `Layer.passed`, the same for all rows.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from .. import activations
from ..layout import Floats
from ._cuda import WARP, cuda, device, kernel
from ._ptx import EVERYONE, fetch4, first_item, lane, load4, pick, put, store4
from .factors import ACCESS

BLOCKS = 8  # of a multiprocessor: 64 registers a thread
STEP = 4 * WARP  # columns of a warp at a time

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
    """What a layer has besides its matrix, 0 in columns that only fill vectors."""

    bias: Floats  # (N,)
    idt: Floats  # (N,) time steps, or ones
    passed: Floats  # (N,)
    inputs: int  # N of the layer before
    width: int  # N, a multiple of four
    copies: int  # of the inputs that are added to the outputs: 0, 1 or 2
    keeps: int  # 1: slopes are kept, 0: they are 1 − (the output)²


@cache
def jet_of(name: str, *numbers: float) -> Any:
    """Value and slope of an activation, on the device."""
    if name == "gelu":
        return device(activations.gelu_of(*numbers))
    if name == "silut":
        return device(activations.silut_of(*numbers))
    return device(_PLAIN[name])


@cache
def split_kernel(parts: int) -> Any:
    """`split` for factors of so many parts."""
    store = ACCESS[parts].store

    def split(x: Floats, n_rows: int, width: int, out: Floats) -> None:
        """Rows as factors of a matrix product.

        Parameters
        ----------
        x : (B · width,), width a multiple of four
        out : (B · parts · width,) modified
        """
        row = first_item()
        if row >= n_rows:
            return
        for column in range(4 * lane(), width, STEP):
            four = fetch4(x, row * width + column)
            store(out, row * parts * width + column, width, four)

    return kernel(split, blocks=BLOCKS)


@cache
def activate_kernel(parts: int, name: str, *numbers: float) -> Any:
    """`activate` for factors of so many parts and an activation; see `jet_of`."""
    jet = jet_of(name, *numbers)
    load, store = ACCESS[parts].load, ACCESS[parts].store

    def activate(
        layer: Layer, n_rows: int, sums: Floats, x: Floats, y: Floats, slopes: Floats
    ) -> None:
        """y ← f(sums + bias)·idt + skipped x, and the slopes of f·idt.

        Parameters
        ----------
        sums : (B · N,) x times the weights
        x : (B · parts · inputs,) of the layer
        y : (B · parts · N,) modified; with one part maybe `sums`
        slopes : (B · N,) modified where the layer keeps them; maybe `sums`
        """
        row = first_item()
        if row >= n_rows:
            return
        real = sums.dtype.type
        width = layer.width
        inputs = layer.inputs
        first = row * width
        for column in range(4 * lane(), width, STEP):
            s = load4(sums, first + column)
            bias = fetch4(layer.bias, column)
            idt = fetch4(layer.idt, column)
            y_0, d_0 = jet(s[0] + bias[0], real)
            y_1, d_1 = jet(s[1] + bias[1], real)
            y_2, d_2 = jet(s[2] + bias[2], real)
            y_3, d_3 = jet(s[3] + bias[3], real)
            y_0 *= idt[0]
            y_1 *= idt[1]
            y_2 *= idt[2]
            y_3 *= idt[3]
            if layer.copies > 0:
                at = row * parts * inputs + column
                if column >= inputs:
                    at -= inputs
                skipped = load(x, at, inputs)
                y_0 += skipped[0]
                y_1 += skipped[1]
                y_2 += skipped[2]
                y_3 += skipped[3]
            if layer.keeps:
                four = (d_0 * idt[0], d_1 * idt[1], d_2 * idt[2], d_3 * idt[3])
                store4(slopes, first + column, four)
            store(y, parts * first + column, width, (y_0, y_1, y_2, y_3))

    return kernel(activate, blocks=BLOCKS)


@cache
def last_layers_kernel(parts: int, name: str, *numbers: float) -> Any:
    """`last_layers` for factors of so many parts and an activation; see `jet_of`."""
    jet = jet_of(name, *numbers)
    load, store = ACCESS[parts].load, ACCESS[parts].store

    def last_layers(
        layer: Layer,
        n_rows: int,
        sums: Floats,
        x: Floats,
        factors: Floats,
        energies: Floats,
        begin: int,
        rounded: Floats,
        gradient: Floats,
    ) -> None:
        """The last hidden layer and the linear one to a number, there and back.

        Parameters
        ----------
        layer : the hidden one; its `passed` is the weight of the linear one
        sums : (B · N,) x times the weights
        x : (B · parts · inputs,) of the layer
        factors : (n,) float64, of all rows; the batch's from place ``begin``
        energies : (n,) float64, modified: outputs without the linear layer's bias
        rounded : (B,) modified: the batch's factors
        gradient : (B · parts · N,) modified: by what the hidden layer activates, times
            the factor; with one part maybe `sums`
        """
        row = first_item()
        if row >= n_rows:
            return
        real = sums.dtype.type
        width = layer.width
        inputs = layer.inputs
        first = row * width
        factor = real(pick(factors, begin + row))
        total = 0.0
        for column in range(4 * lane(), width, STEP):
            s = load4(sums, first + column)
            bias = fetch4(layer.bias, column)
            idt = fetch4(layer.idt, column)
            w = fetch4(layer.passed, column)
            y_0, d_0 = jet(s[0] + bias[0], real)
            y_1, d_1 = jet(s[1] + bias[1], real)
            y_2, d_2 = jet(s[2] + bias[2], real)
            y_3, d_3 = jet(s[3] + bias[3], real)
            y_0 *= idt[0]
            y_1 *= idt[1]
            y_2 *= idt[2]
            y_3 *= idt[3]
            if layer.copies > 0:
                at = row * parts * inputs + column
                if column >= inputs:
                    at -= inputs
                skipped = load(x, at, inputs)
                y_0 += skipped[0]
                y_1 += skipped[1]
                y_2 += skipped[2]
                y_3 += skipped[3]
            total += y_0 * w[0] + y_1 * w[1] + y_2 * w[2] + y_3 * w[3]
            four = (
                d_0 * idt[0] * (factor * w[0]),
                d_1 * idt[1] * (factor * w[1]),
                d_2 * idt[2] * (factor * w[2]),
                d_3 * idt[3] * (factor * w[3]),
            )
            store(gradient, parts * first + column, width, four)
        distance = 16
        while distance > 0:
            total += cuda.shfl_xor_sync(EVERYONE, total, distance)
            distance >>= 1
        if lane() == 0:
            put(rounded, row, factor)
            put(energies, begin + row, total)

    return kernel(last_layers, blocks=6)


@cache
def times_slope_kernel(parts: int) -> Any:
    """`times_slope` for factors of so many parts."""
    load, store = ACCESS[parts].load, ACCESS[parts].store

    def times_slope(
        layer: Layer,
        n_rows: int,
        gradient: Floats,
        rounded: Floats,
        slopes: Floats,
        y: Floats,
    ) -> None:
        """From the gradient by a layer's outputs to that by what it activates.

        Parameters
        ----------
        gradient : (B · N,) without what `Layer.passed` adds
        rounded : (B,) factors
        slopes : (B · N,) where the layer keeps them
        y : (B · parts · N,) the layer's outputs; overwritten by the result
        """
        row = first_item()
        if row >= n_rows:
            return
        one = gradient.dtype.type(1)
        width = layer.width
        first = row * width
        factor = pick(rounded, row)
        for column in range(4 * lane(), width, STEP):
            at = parts * first + column
            g = fetch4(gradient, first + column)
            v = fetch4(layer.passed, column)
            if layer.keeps:
                d_0, d_1, d_2, d_3 = fetch4(slopes, first + column)
            else:
                d_0, d_1, d_2, d_3 = load(y, at, width)
                d_0 = one - d_0 * d_0
                d_1 = one - d_1 * d_1
                d_2 = one - d_2 * d_2
                d_3 = one - d_3 * d_3
            d_0 *= g[0] + factor * v[0]
            d_1 *= g[1] + factor * v[1]
            d_2 *= g[2] + factor * v[2]
            d_3 *= g[3] + factor * v[3]
            store(y, at, width, (d_0, d_1, d_2, d_3))

    return kernel(times_slope, blocks=BLOCKS)


@kernel
def hand_down(
    layer: Layer,
    n_rows: int,
    gradient: Floats,
    rounded: Floats,
    whole: int,
    out: Floats,
) -> None:
    """The gradient by the inputs of what a layer's skip adds to the outputs.

    Parameters
    ----------
    gradient : (B · N,) by the outputs
    rounded : (B,) factors
    whole : 1: with what `Layer.passed` adds
    out : (B · inputs,) modified
    """
    row = first_item()
    if row >= n_rows:
        return
    inputs = layer.inputs
    factor = pick(rounded, row) if whole else gradient.dtype.type(0)
    for column in range(lane(), inputs, WARP):
        at = row * layer.width + column
        total = pick(gradient, at) + factor * pick(layer.passed, column)
        if layer.copies == 2:
            total += pick(gradient, at + inputs)
            total += factor * pick(layer.passed, column + inputs)
        put(out, row * inputs + column, total)
