"""A net of tanh layers with one linear output, there and back, in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._jit import exact
from .._simd import fma, lanes_of, load, mul, splat, store, total
from ..layout import Floats, Ints
from .activation import tanh_rows
from .dense import multiply_rows, panel_product
from .tile import TILE_REGISTERS

# Columns of `TanhNet.layers`: numbers in and out; the same in whole registers;
# where the layer's weights, their transpose and its vectors start; 1: the input
# is added to the output.
N_IN, N_OUT, IN_STRIDE, OUT_STRIDE, FORWARD, BACKWARD, VECTORS, SKIP = range(8)
N_COLUMNS = 8


class TanhNet(NamedTuple):
    """A packed net of L tanh layers; what is padded to whole registers is 0."""

    layers: Ints  # (L, N_COLUMNS) int64
    first: Floats  # the first layer's weights and their transpose, see `tile`
    rest: Floats  # of the other layers
    vectors: Floats  # bias and time steps of each layer, then the output's weights
    widest: int  # of the OUT_STRIDEs
    constant: float  # added to the output


@exact
def _layer_forward(
    layer: Ints,
    x: Floats,
    x_at: int,
    x_stride: int,
    n_rows: int,
    weights: Floats,
    vectors: Floats,
    y: Floats,
    y_at: int,
    slope_at: int,
) -> None:
    """The outputs of a layer, and d(tanh·idt), panel by panel."""
    width = lanes_of(y)
    n_in, stride = layer[N_IN], layer[OUT_STRIDE]
    n_registers = stride // width
    old = layer[SKIP] < 0
    for register in range(0, n_registers, TILE_REGISTERS):
        count = min(TILE_REGISTERS, n_registers - register)
        lane = register * width
        # fmt: off
        panel_product(x, x_at, x_stride, n_rows,
                      weights, layer[FORWARD] + lane * n_in, n_in,
                      y, y_at + lane, stride, count, old)
        tanh_rows(y, y_at + lane, stride, n_rows, count,
                  vectors, layer[VECTORS] + lane, stride,
                  layer[SKIP] != 0, x, x_at + lane, slope_at + lane)
        # fmt: on


@exact
def _output(
    y: Floats,
    y_at: int,
    stride: int,
    n_rows: int,
    weights: Floats,
    w_at: int,
    constant: float,
    factors: Floats,
    energies: Floats,
    gradient_at: int,
    slope_at: int,
) -> None:
    """The outputs, and their gradients times the factors, also times the slopes."""
    width = lanes_of(y)
    real = y.dtype.type
    for row in range(n_rows):
        value = splat(real(0))
        factor = splat(real(factors[row]))
        for lane in range(0, stride, width):
            at = row * stride + lane
            w = load(weights, w_at + lane)
            value = fma(load(y, y_at + at), w, value)
            gradient = mul(w, factor)
            store(y, gradient_at + at, gradient)
            store(y, slope_at + at, mul(gradient, load(y, slope_at + at)))
        energies[row] = total(value) + constant


@exact
def _layer_backward(
    layer: Ints,
    work: Floats,
    delta_at: int,
    n_rows: int,
    weights: Floats,
    gradient: Floats,
    gradient_at: int,
    stride: int,
    room: int,
    before_at: int,
    scratch_at: int,
) -> None:
    """The gradient in a layer's input, panel by panel; in place with a skip.

    Of each row, ``room`` numbers may be written: a register that does not fit
    goes through the scratch, B registers in work. The gradient times the slopes of
    the layer before takes their place, at ``before_at`` unless negative.
    """
    width = lanes_of(work)
    n_out, delta_stride = layer[N_OUT], layer[OUT_STRIDE]
    n_registers, n_whole = layer[IN_STRIDE] // width, room // width
    skip = layer[SKIP] != 0
    register = 0
    while register < n_registers:
        lane = register * width
        if register < n_whole:
            count = min(TILE_REGISTERS, n_whole - register)
            out, out_at, out_stride = gradient, gradient_at + lane, stride
        else:
            count = 1
            out, out_at, out_stride = work, scratch_at, width
        # fmt: off
        panel_product(work, delta_at, delta_stride, n_rows,
                      weights, layer[BACKWARD] + lane * n_out, n_out,
                      out, out_at, out_stride, count, skip)
        if before_at >= 0:
            multiply_rows(gradient, gradient_at + lane, stride, n_rows, count,
                          work, before_at + lane)
        # fmt: on
        if register >= n_whole:
            for row in range(n_rows):
                for k in range(room - lane):
                    at = gradient_at + row * stride + lane + k
                    gradient[at] = work[scratch_at + row * width + k]
        register += count


@exact
def evaluate_tanh_net(
    net: TanhNet,
    n_rows: int,
    x: Floats,
    x_stride: int,
    factors: Floats,
    work: Floats,
    gradient: Floats,
    gradient_stride: int,
    energies: Floats,
) -> None:
    """Outputs of a block and their gradients in the inputs.

    Parameters
    ----------
    x, gradient : flat
        n_rows rows of n_in numbers, one every ``stride``; gradient is modified,
        nothing between its rows is, and it may be x.
    factors : (B,) float64, of the gradients
    work : flat, modified; for each row the widest layer's outputs twice, then
        every layer's
    energies : (B,) float64, modified
    """
    n_layers = len(net.layers)
    # Of a plain 0 Numba would compile what is called once more, as a literal.
    start = np.int64(0)
    size = n_rows * net.widest
    y_at, spare_at, slope_at = size, start, 2 * size
    inputs, inputs_at, stride, weights = x, start, x_stride, net.first
    for k in range(n_layers):
        layer = net.layers[k]
        # fmt: off
        _layer_forward(layer, inputs, inputs_at, stride, n_rows, weights,
                       net.vectors, work, y_at, slope_at)
        # fmt: on
        inputs, inputs_at, stride, weights = work, y_at, layer[OUT_STRIDE], net.rest
        slope_at += n_rows * stride
        y_at, spare_at = spare_at, y_at
    slope_at -= n_rows * stride
    last_at = net.layers[n_layers - 1, VECTORS] + 2 * stride
    # fmt: off
    _output(work, spare_at, stride, n_rows, net.vectors, last_at, net.constant,
            factors, energies, y_at, slope_at)
    # fmt: on
    for k in range(n_layers - 1, -1, -1):
        layer = net.layers[k]
        if k > 0:
            weights, out, out_at = net.rest, work, y_at
            stride = layer[IN_STRIDE]
            room, before_at = stride, slope_at - n_rows * stride
        else:
            weights, out, out_at = net.first, gradient, start
            stride = gradient_stride
            room, before_at = layer[N_IN], -1
        # fmt: off
        _layer_backward(layer, work, slope_at, n_rows, weights, out, out_at, stride,
                        room, before_at, spare_at)
        # fmt: on
        slope_at = before_at
