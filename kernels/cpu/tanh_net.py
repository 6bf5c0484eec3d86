"""A net of tanh layers with one linear output, there and back, in one call."""

from __future__ import annotations

from typing import NamedTuple

from .._jit import exact
from .._simd import fma, lanes_of, load, mul, splat, store, total
from ..layout import Floats, Ints
from .activation import tanh_rows
from .dense import multiply_rows, panel_product
from .tile import TILE_REGISTERS


class TanhNet(NamedTuple):
    """A packed net of L tanh layers.

    The weights of a layer of n inputs and m outputs are packed as in `tile`,
    P(m)·n numbers, and their transpose behind them, P(n)·m numbers, where P rounds
    up to whole registers; what is padded is 0.
    """

    widths: Ints  # (L + 1,) int64: inputs, then outputs of each layer
    skips: Ints  # (L,) int64, 1: the layer's input is added to its output
    first: Floats  # weights of the first layer
    rest: Floats  # of the other layers
    vectors: Floats  # bias and time steps of each layer, P(m) each; output's weights
    constant: float  # added to the output


@exact
def _padded(n: int, like: Floats) -> int:
    width = lanes_of(like)
    return (n + width - 1) // width * width


@exact
def _layer_size(n_in: int, n_out: int, like: Floats) -> int:
    return _padded(n_out, like) * n_in + _padded(n_in, like) * n_out


@exact
def _layer_forward(
    x: Floats,
    x_at: int,
    x_stride: int,
    n_rows: int,
    weights: Floats,
    w_at: int,
    vectors: Floats,
    bias_at: int,
    n_in: int,
    n_out: int,
    skip: bool,
    y: Floats,
    y_at: int,
    slope_at: int,
) -> None:
    width = lanes_of(y)
    stride = _padded(n_out, y)
    n_registers = stride // width
    for register in range(0, n_registers, TILE_REGISTERS):
        count = min(TILE_REGISTERS, n_registers - register)
        lane = register * width
        # fmt: off
        panel_product(x, x_at, x_stride, n_rows, weights, w_at + lane * n_in, n_in,
                      y, y_at + lane, stride, count, False)
        tanh_rows(y, y_at + lane, stride, n_rows, count,
                  vectors, bias_at + lane, bias_at + stride + lane,
                  x, x_at + lane if skip else -1, y, slope_at + lane)
        # fmt: on


@exact
def _layer_backward(
    work: Floats,
    delta_at: int,
    n_rows: int,
    weights: Floats,
    w_at: int,
    n_in: int,
    n_out: int,
    skip: bool,
    gradient_at: int,
    before_at: int,
) -> None:
    """The gradient in a layer's input, in place, and it times the slopes before."""
    width = lanes_of(work)
    stride, delta_stride = _padded(n_in, work), _padded(n_out, work)
    w_at += delta_stride * n_in
    n_registers = stride // width
    for register in range(0, n_registers, TILE_REGISTERS):
        count = min(TILE_REGISTERS, n_registers - register)
        lane = register * width
        # fmt: off
        panel_product(work, delta_at, delta_stride, n_rows,
                      weights, w_at + lane * n_out, n_out,
                      work, gradient_at + lane, stride, count, skip)
        multiply_rows(work, gradient_at + lane, stride, n_rows, count,
                      work, before_at + lane)
        # fmt: on


@exact
def _output(
    y: Floats,
    y_at: int,
    n_rows: int,
    weights: Floats,
    w_at: int,
    n: int,
    constant: float,
    factors: Floats,
    energies: Floats,
    gradient_at: int,
    slope_at: int,
) -> None:
    """The outputs, and their gradients times the factors, also times the slopes."""
    width = lanes_of(y)
    real = y.dtype.type
    stride = _padded(n, y)
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
def _input_gradient(
    net: TanhNet,
    n_rows: int,
    work: Floats,
    delta_at: int,
    scratch_at: int,
    gradient: Floats,
    stride: int,
) -> None:
    """dE/dx from the slopes of the first layer; writes nothing between rows."""
    width = lanes_of(work)
    n_in, n_out = net.widths[0], net.widths[1]
    delta_stride = _padded(n_out, work)
    w_at = delta_stride * n_in
    n_whole = n_in // width
    # fmt: off
    for register in range(0, n_whole, TILE_REGISTERS):
        count = min(TILE_REGISTERS, n_whole - register)
        lane = register * width
        panel_product(work, delta_at, delta_stride, n_rows,
                      net.first, w_at + lane * n_out, n_out,
                      gradient, lane, stride, count, False)
    lane = n_whole * width
    if lane < n_in:
        panel_product(work, delta_at, delta_stride, n_rows,
                      net.first, w_at + lane * n_out, n_out,
                      work, scratch_at, width, 1, False)
    # fmt: on
        for row in range(n_rows):
            for k in range(n_in - lane):
                gradient[row * stride + lane + k] = work[scratch_at + row * width + k]


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
        n_rows rows of n_in numbers, one every ``stride``; gradient is modified and
        may be x.
    factors : (B,) float64, of the gradients
    work : (B · work size,), see `work_size`; modified
    energies : (B,) float64, modified
    """
    n_layers = net.skips.size
    widest = 0
    for layer in range(n_layers):
        widest = max(widest, n_rows * _padded(net.widths[layer + 1], x))
    y_at, spare_at, slope_at = 0, widest, 2 * widest
    w_at, vector_at = 0, 0
    for layer in range(n_layers):
        n_in, n_out = net.widths[layer], net.widths[layer + 1]
        # fmt: off
        if layer == 0:
            _layer_forward(x, 0, x_stride, n_rows, net.first, 0,
                           net.vectors, vector_at, n_in, n_out, False,
                           work, y_at, slope_at)
        else:
            slope_at += n_rows * _padded(n_in, x)
            _layer_forward(work, spare_at, _padded(n_in, x), n_rows,
                           net.rest, w_at, net.vectors, vector_at, n_in, n_out,
                           net.skips[layer] != 0, work, y_at, slope_at)
            w_at += _layer_size(n_in, n_out, x)
        # fmt: on
        vector_at += 2 * _padded(n_out, x)
        y_at, spare_at = spare_at, y_at
    n_out = net.widths[n_layers]
    # fmt: off
    _output(work, spare_at, n_rows, net.vectors, vector_at, n_out, net.constant,
            factors, energies, y_at, slope_at)
    # fmt: on
    for layer in range(n_layers - 1, 0, -1):
        n_in, n_out = net.widths[layer], net.widths[layer + 1]
        w_at -= _layer_size(n_in, n_out, x)
        before_at = slope_at - n_rows * _padded(n_in, x)
        # fmt: off
        _layer_backward(work, slope_at, n_rows, net.rest, w_at, n_in, n_out,
                        net.skips[layer] != 0, y_at, before_at)
        # fmt: on
        slope_at = before_at
    # fmt: off
    _input_gradient(net, n_rows, work, slope_at, spare_at, gradient, gradient_stride)
    # fmt: on
