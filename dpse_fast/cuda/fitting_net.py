"""A fitting net on the device: products by cuBLAS, everything between them fused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..activations import activation
from ..fitting import Definition
from ..kernels.cuda.activation import Layer as DeviceLayer
from ..kernels.cuda.activation import (
    activate_kernel,
    add_skipped,
    last_layer_kernel,
    split_tf32,
    times_slope,
)
from ..model import Layer
from .device import Array, Device

Floats = NDArray[np.floating]
Ints = NDArray[np.int32]

VECTOR = 4  # numbers: rows of matrices are whole ones


def whole(n: int) -> int:
    """n, in whole vectors."""
    return -(-n // VECTOR) * VECTOR


class Products:
    """Matrix products of one kind.

    Parameters
    ----------
    gemm : see `dpse_fast.load`; matrices of float64 are multiplied in float64
    """

    def __init__(self, device: Device, dtype: Any, gemm: str) -> None:
        self._device = device
        single = np.dtype(dtype) == np.float32
        self._split = single and gemm == "tf32x3"
        self._tf32 = single and gemm == "tf32"
        self._high = self._low = device.empty(0, dtype)

    def weight(self, values: Floats) -> tuple[Array, ...]:
        """A matrix as `multiply` takes it on the right."""
        if not self._split:
            return (self._device.upload(values),)
        high = tf32_rounded(values)
        return self._device.upload(high), self._device.upload(values - high)

    def reserve(self, size: int) -> None:
        """Room for left sides of so many numbers."""
        if self._split and self._high.size < size:
            self._high = self._low = self._device.empty(0, np.float32)
            self._high, self._low = (
                self._device.empty(size, np.float32) for _ in range(2)
            )

    def bytes_per_number(self) -> int:
        """Of a left side, besides itself."""
        return 8 if self._split else 0

    def multiply(
        self,
        a: Array,
        b: tuple[Array, ...],
        out: Array,
        *,
        transpose: bool = False,
        accumulate: bool = False,
    ) -> None:
        """See `Device.multiply`; b is of `weight`."""
        device = self._device
        if not self._split:
            device.multiply(
                *(a, b[0], out),
                transpose=transpose,
                accumulate=accumulate,
                tf32=self._tf32,
            )
            return
        n, width = a.shape
        high, low = (device.view(part, a.shape) for part in (self._high, self._low))
        device.launch(split_tf32, n, n, width, device.flat(a), self._high, self._low)
        for left, right in ((low, b[0]), (high, b[1]), (high, b[0])):
            device.multiply(
                left, right, out, transpose=transpose, accumulate=accumulate, tf32=True
            )
            accumulate = True


def tf32_rounded(values: Floats) -> Floats:
    """float32 rounded to eleven significant bits, ties away from zero."""
    bits = np.ascontiguousarray(values).view(np.uint32).astype(np.uint64) + 0x1000
    rounded: Floats = (bits & 0xFFFFE000).astype(np.uint32).view(np.float32)
    return rounded


class DeviceNet:
    """A net in one precision; see `dpse_fast.fitting.FittingNet`.

    Parameters
    ----------
    definition : the constant is not added
    stride : numbers from one atom's inputs to the next, at least n_in
    """

    def __init__(
        self,
        device: Device,
        definition: Definition,
        dtype: Any,
        products: Products,
        stride: int,
    ) -> None:
        *hidden, last = definition.layers
        self.device = self._device = device
        self._dtype = np.dtype(dtype)
        widths = [stride, *(whole(layer.n_out) for layer in hidden)]
        orders = [definition.order, *(None for _ in hidden)]
        last_order = orders.pop()
        self.hidden = [
            _Hidden(device, layer, order, n_in, n_out, self._dtype, products)
            for layer, order, n_in, n_out in zip(
                hidden, orders, widths[:-1], widths[1:], strict=True
            )
        ]
        if hidden:
            self.hidden[0].in_place = False  # its input's gradient is not ours
        self.widths = tuple(widths)
        weight = _padded(
            _ordered(last.weight, last_order), widths[-1], last.weight.shape[1]
        )
        self._last = _small(device, last, VECTOR, self._dtype, None)
        self._last_weight = device.upload(weight[:, 0].astype(self._dtype))
        self._last_layer = last_layer_kernel(*_activation(last))

    def last(
        self,
        n: int,
        x: Pair,
        factors: Array,
        begin: int,
        energies: Array,
        gradient: Pair,
    ) -> None:
        """The last layer there and back."""
        self._device.launch(
            self._last_layer,
            n,
            *(self._last, self._last_weight, n, x[1]),
            *(factors, energies, begin, gradient[1]),
        )

    @property
    def numbers_per_row(self) -> int:
        """That buffers hold for a row: outputs and slopes, and two gradients."""
        return 2 * sum(self.widths[1:]) + 2 * max(self.widths[1:], default=0)

    def bind(self, n: int, inputs: Array, gradient: Array, buffers: Array) -> BoundNet:
        """The net on batches of n rows in these arrays.

        Parameters
        ----------
        inputs : (≥ n · stride,)
        gradient : (≥ n · stride,) written; may be the inputs' array
        buffers : (≥ n · numbers_per_row,) of the net's dtype
        """
        device, at = self._device, 0
        rows: list[Array] = [device.view(inputs, (n, self.widths[0]))]
        slopes: list[Array] = []
        for width in self.widths[1:]:
            for found in (rows, slopes):
                part = device.part(buffers, at, n * width)
                found.append(device.view(part, (n, width)))
                at += n * width
        spare = (at, at + n * max(self.widths[1:], default=0))
        gradients: list[Array] = []
        turn = 0
        for k in reversed(range(len(self.hidden) + 1)):
            width = self.widths[k]
            if k == 0:
                gradients.append(device.view(gradient, (n, width)))
            elif k < len(self.hidden) and self.hidden[k].in_place:
                gradients.append(gradients[-1])
            else:
                part = device.part(buffers, spare[turn], n * width)
                gradients.append(device.view(part, (n, width)))
                turn = 1 - turn
        return BoundNet(self, n, rows, slopes, gradients[::-1])


class BoundNet:
    """A net and the arrays that it works in; see `DeviceNet.bind`."""

    def __init__(
        self,
        net: DeviceNet,
        n: int,
        rows: list[Array],
        slopes: list[Array],
        gradients: list[Array],
    ) -> None:
        self._net, self._n = net, n
        flat = net.device.flat
        self._rows = [(a, flat(a)) for a in rows]
        self._slopes = [(a, flat(a)) for a in slopes]
        self._gradients = [(a, flat(a)) for a in gradients]

    def __call__(self, factors: Array, begin: int, energies: Array) -> None:
        """The outputs of rows from ``begin`` on, and their gradients times factors.

        Parameters
        ----------
        factors, energies : (n_all,) float64 of rows; energies are written
        """
        net, n = self._net, self._n
        for k, layer in enumerate(net.hidden):
            layer.forward(n, self._rows[k], self._rows[k + 1], self._slopes[k])
        net.last(n, self._rows[-1], factors, begin, energies, self._gradients[-1])
        for k in reversed(range(len(net.hidden))):
            net.hidden[k].backward(
                n, self._gradients[k + 1], self._slopes[k], self._gradients[k]
            )


Pair = tuple[Array, Array]  # a matrix, and the same flat


class _Hidden:
    def __init__(
        self,
        device: Device,
        layer: Layer,
        order: NDArray[np.integer] | None,
        n_in: int,
        n_out: int,
        dtype: np.dtype[Any],
        products: Products,
    ) -> None:
        self._device, self._products = device, products
        matrix = _padded(_ordered(layer.weight, order), n_in, n_out).astype(dtype)
        self._weight = products.weight(matrix)
        self.n_out = n_out
        skip = _skip(layer, order, n_out)
        self._small = _small(device, layer, n_out, dtype, skip)
        self._copies, self._outputs = 0, device.empty(0, np.int32)
        # Whether what is handed on has its gradient in the right places already.
        self.in_place = False
        if skip is not None:
            self._copies = 2 if layer.skip == "double" else 1
            outputs = _outputs(layer, order, n_in, self._copies)
            same = np.arange(n_in)
            same[layer.n_in :] = -1
            self.in_place = n_in == n_out and np.array_equal(outputs, same)
            self._outputs = device.upload(outputs)
        self._activate = activate_kernel(*_activation(layer))

    def forward(self, n: int, x: Pair, y: Pair, slope: Pair) -> None:
        self._products.multiply(x[0], self._weight, y[0])
        flat = (x[1], y[1], slope[1])
        self._device.launch(self._activate, n, self._small, n, self.n_out, *flat)

    def backward(self, n: int, g: Pair, slope: Pair, out: Pair) -> None:
        """From the gradient in the outputs to that in the inputs."""
        launch = self._device.launch
        launch(times_slope, n, n, self.n_out, g[1], slope[1])
        if self._copies and not self.in_place:
            launch(add_skipped, n, n, self._copies, self._outputs, g[1], out[1])
        self._products.multiply(
            slope[0],
            self._weight,
            out[0],
            transpose=True,
            accumulate=self._copies > 0,
        )


def _ordered(weight: Floats, order: NDArray[np.integer] | None) -> NDArray[np.floating]:
    return weight if order is None else weight[order]


def _padded(weight: Floats, n_in: int, n_out: int) -> Floats:
    full = np.zeros((n_in, n_out))
    full[: weight.shape[0], : weight.shape[1]] = weight
    return full


def _activation(layer: Layer) -> tuple[Any, ...]:
    """The arguments of `jet_of`."""
    known = activation(layer.activation)
    return known.family, *known.constants


def _skip(layer: Layer, order: NDArray[np.integer] | None, n_out: int) -> Ints | None:
    """(n_out,) the input that each output hands on; 0 beyond the layer's outputs."""
    if layer.skip == "none":
        return None
    place = np.arange(layer.n_in) if order is None else np.argsort(order)
    found = np.zeros(n_out, np.int32)
    found[: layer.n_out] = place[np.arange(layer.n_out) % layer.n_in]
    return found


def _outputs(
    layer: Layer, order: NDArray[np.integer] | None, n_in: int, copies: int
) -> Ints:
    """(copies · n_in,) the outputs that each input is added to."""
    own = np.arange(layer.n_in) if order is None else np.asarray(order)
    found = np.full((copies, n_in), -1, np.int32)
    for k in range(copies):
        found[k, : layer.n_in] = own + k * layer.n_in
    return found.reshape(-1)


def _small(
    device: Device,
    layer: Layer,
    n_out: int,
    dtype: np.dtype[Any],
    skip: Ints | None,
) -> DeviceLayer:
    def padded(values: Floats) -> Array:
        full = np.zeros(n_out, dtype)
        full[: values.size] = values
        return device.upload(full)

    if skip is None and layer.skip != "none":
        skip = np.zeros(1, np.int32)
    return DeviceLayer(
        bias=padded(layer.bias),
        idt=device.empty(0, dtype) if layer.idt is None else padded(layer.idt),
        skip=device.empty(0, np.int32) if skip is None else device.upload(skip),
    )


def numbers_of(nets: Sequence[DeviceNet]) -> int:
    """The most that a row of any of these nets needs."""
    return max((net.numbers_per_row for net in nets), default=0)
