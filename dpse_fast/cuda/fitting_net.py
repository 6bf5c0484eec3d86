"""A fitting net on the device: products by cuBLAS, everything between them fused.

Between the products a float32 of a hidden tanh layer moves, there and back, 20 bytes
(no skip), 28 (with a skip) or 12 (the last layer).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernels.cuda.activation import (
    Layer,
    activate_kernel,
    hand_down,
    last_layers_kernel,
    times_slope_kernel,
)
from .device import Array, Device
from .gemm import Products
from .net_layers import PaddedLayer
from .vectors import VECTOR


class DeviceNet:
    """A net in one precision; as `FittingNet` on the processors.

    Parameters
    ----------
    layers : of `padded_layers`; the definition's constant is not added
        The numbers behind the inputs of an atom must be finite.
    products : of the dtype
    """

    def __init__(
        self,
        device: Device,
        layers: Sequence[PaddedLayer],
        dtype: Any,
        products: Products,
    ) -> None:
        self.device, self.products = device, products
        self.widths = (layers[0].inputs, *(layer.width for layer in layers))
        self.layers = [
            DeviceLayer(device, layer, k == len(layers) - 1, np.dtype(dtype), products)
            for k, layer in enumerate(layers)
        ]

    @property
    def numbers_per_row(self) -> int:
        """That buffers hold for a row."""
        return sum(size for _, size in self._rooms())

    def _rooms(self) -> list[tuple[str, int]]:
        """What a row takes: factors of products, sums or slopes, gradients."""
        parts, last = self.products.parts, len(self.layers) - 1
        found = [("inputs", parts * self.widths[0] if parts > 1 else 0)]
        for k, layer in enumerate(self.layers):
            found.append((f"outputs {k}", parts * layer.width))
            kept = layer.keeps and k < last
            found.append((f"slopes {k}", layer.width if kept else 0))
        widest = max(self.widths[1:])
        doubles = any(layer.copies == 2 for layer in self.layers[1:])
        found += [("gradient", widest), ("other gradient", widest if doubles else 0)]
        return [*found, ("factors", VECTOR)]

    def bind(
        self, n: int, inputs: Array, gradient: Array | None, buffers: Array
    ) -> BoundNet:
        """The net on batches of n rows in these arrays.

        Parameters
        ----------
        inputs : (≥ n · stride,)
        gradient : (≥ n · stride,) written; may be the inputs' array, or None if only
            outputs are asked for
        buffers : (≥ n · numbers_per_row,) of the net's dtype
        """
        rooms, at = {}, 0
        for name, size in self._rooms():
            rooms[name] = self.device.part(buffers, at, n * size)
            at += n * size
        return BoundNet(self, n, inputs, gradient, rooms)


class DeviceLayer:
    """A hidden layer's arrays and kernels."""

    def __init__(
        self,
        device: Device,
        layer: PaddedLayer,
        is_last: bool,
        dtype: np.dtype[Any],
        products: Products,
    ) -> None:
        self.inputs, self.width = layer.inputs, layer.width
        self.copies, self.keeps = layer.copies, layer.keeps
        self.weight = products.weight(layer.weight.astype(dtype))
        self.arrays = Layer(
            *(
                device.upload(values.astype(dtype))
                for values in (layer.bias, layer.idt, layer.passed)
            ),
            inputs=layer.inputs,
            width=layer.width,
            copies=layer.copies,
            keeps=int(layer.keeps),
        )
        make: Any = last_layers_kernel if is_last else activate_kernel
        self.activate = make(products.parts, *layer.activation)
        self.times_slope = times_slope_kernel(products.parts)


class BoundNet:
    """A net and the arrays that it works in; see `DeviceNet.bind`."""

    def __init__(
        self,
        net: DeviceNet,
        n: int,
        inputs: Array,
        gradient: Array | None,
        rooms: dict[str, Array],
    ) -> None:
        self._net, self._n = net, n
        device, parts, depth = net.device, net.products.parts, len(net.layers)
        stride = net.widths[0]
        self._inputs = device.view(inputs, (n, stride))
        self._split = rooms["inputs"]
        factors = [rooms["inputs"] if parts > 1 else inputs]
        factors += [rooms[f"outputs {k}"] for k in range(depth)]
        # Flat for kernels, and as matrices for products.
        self._factors = [
            device.part(a, 0, n * parts * w) for a, w in _with(factors, net)
        ]
        self._matrices = [
            device.view(a, (n, parts * w)) for a, w in _with(factors, net)
        ]
        self._sums: list[tuple[Array, Array]] = []
        for k, layer in enumerate(net.layers):
            room = rooms["gradient"]
            if layer.keeps and k < depth - 1:
                room = rooms[f"slopes {k}"]
            elif parts == 1:
                room = rooms[f"outputs {k}"]
            self._sums.append(self._both(room, layer.width))
        self._rounded = rooms["factors"]
        self._gradients = None if gradient is None else self._targets(rooms, gradient)

    def _both(self, room: Array, width: int) -> tuple[Array, Array]:
        """Room for rows, flat and as a matrix."""
        device, n = self._net.device, self._n
        return device.part(room, 0, n * width), device.view(room, (n, width))

    def _targets(
        self, rooms: dict[str, Array], gradient: Array
    ) -> list[tuple[Array, Array]]:
        """Where the gradient by each layer's inputs goes."""
        net = self._net
        now, other = rooms["gradient"], rooms["other gradient"]
        found = []
        for k in reversed(range(1, len(net.layers))):
            if net.layers[k].copies == 2:
                now, other = other, now
            found.append(self._both(now, net.widths[k]))
        return [self._both(gradient, net.widths[0]), *reversed(found)]

    def __call__(self, factors: Array, begin: int, energies: Array) -> None:
        """The outputs of rows from ``begin`` on, and their gradients times factors.

        Parameters
        ----------
        factors, energies : (n_all,) float64 of rows; energies are written
        """
        net, n = self._net, self._n
        multiply, launch = net.products.multiply, net.device.launch
        if net.products.parts > 1:
            net.products.split(self._inputs, self._split)
        last = len(net.layers) - 1
        for k, layer in enumerate(net.layers):
            sums, matrix = self._sums[k]
            multiply(self._matrices[k], layer.weight, matrix)
            arrays = (layer.arrays, n, sums, self._factors[k])
            y = self._factors[k + 1]
            if k < last:
                launch(layer.activate, n, *arrays, y, sums)
            else:
                ends = (factors, energies, begin, self._rounded)
                launch(layer.activate, n, *arrays, *ends, y)
        if self._gradients is not None:
            self._back(self._gradients)

    def _back(self, targets: Sequence[tuple[Array, Array]]) -> None:
        net, n, launch = self._net, self._n, self._net.device.launch
        last = len(net.layers) - 1
        for k in reversed(range(last + 1)):
            layer, (flat, matrix) = net.layers[k], targets[k]
            handed_down = k < last and layer.copies > 0
            if k < last:
                g, _ = targets[k + 1]
                rounded = self._rounded
                slopes, _ = self._sums[k]
                y = self._factors[k + 1]
                launch(layer.times_slope, n, layer.arrays, n, g, rounded, slopes, y)
                # A skip of as many hands them down where they are.
                if layer.copies == 2 or (layer.copies and k == 0):
                    whole_gradient = int(k == 0)
                    launch(
                        hand_down, n, layer.arrays, n, g, rounded, whole_gradient, flat
                    )
            net.products.multiply(
                self._matrices[k + 1],
                layer.weight,
                matrix,
                transpose=True,
                accumulate=handed_down,
            )


def _with(rooms: Sequence[Array], net: DeviceNet) -> list[tuple[Array, int]]:
    return list(zip(rooms, net.widths, strict=True))


def numbers_of(nets: Sequence[DeviceNet]) -> int:
    """The most that a row of any of these nets needs."""
    return max((net.numbers_per_row for net in nets), default=0)
