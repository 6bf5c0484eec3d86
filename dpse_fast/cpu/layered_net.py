"""Nets of any layers: a matrix product and an activation each, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..array_types import Floats, Integers
from ..model import Layer
from ..model.activations import activation
from .scratch import Scratch
from .shared_weights import Packed, shared


class LayeredBuffers:
    """What a block of at most ``size`` atoms needs on its way through a net."""

    def __init__(self, size: int, widths: Sequence[int], dtype: Any) -> None:
        self.outputs = [np.empty((size, n), dtype) for n in widths]
        self.slopes = [np.empty((size, n), dtype) for n in widths]
        self.gradients = [np.empty((size, n), dtype) for n in widths]


class LayeredNet:
    """A net in one precision; see `FittingNet`.

    Parameters
    ----------
    layers : of the net
    order : (n_in,) the input of the net that each of ours is, or None if it is
        that one
    constant : added to the output
    packed : arrays that nets share; modified

    Attributes
    ----------
    weights : (n_in, n_out) of each layer
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        dtype: Any,
        order: Integers | None,
        constant: float,
        packed: Packed,
    ) -> None:
        self._constant = constant
        orders = [order, *(None for _ in layers[1:])]
        self._layers = [
            _DenseLayer(layer, dtype, o, packed)
            for layer, o in zip(layers, orders, strict=True)
        ]
        self.weights = tuple(layer.weight for layer in self._layers)

    def buffers(self, size: int, scratch: Scratch) -> LayeredBuffers:
        """Buffers for blocks of at most ``size`` atoms."""
        widths = [weight.shape[1] for weight in self.weights]
        return LayeredBuffers(size, widths, self.weights[0].dtype)

    def __call__(
        self,
        x: Floats,
        buffers: LayeredBuffers,
        gradient: Floats,
        factor: float | Floats,
    ) -> Floats:
        """See `FittingNet`."""
        size = len(x)
        outputs = [y[:size] for y in buffers.outputs]
        slopes = [y[:size] for y in buffers.slopes]
        gradients = [y[:size] for y in buffers.gradients]
        inputs = [x, *outputs[:-1]]
        for layer, i, y, slope in zip(
            self._layers, inputs, outputs, slopes, strict=True
        ):
            layer.forward(i, y, slope)
        energies: Floats = outputs[-1][:, 0].astype(np.float64) + self._constant
        gradients[-1][:, 0] = factor
        targets = [gradient, *gradients[:-1]]
        for k in reversed(range(len(self._layers))):
            self._layers[k].backward(gradients[k], slopes[k], targets[k])
        return energies


class _DenseLayer:
    """Column c of its input is input ``order[c]`` of the layer."""

    def __init__(
        self, layer: Layer, dtype: Any, order: Integers | None, packed: Packed
    ) -> None:
        def make() -> Floats:
            rows = layer.weight if order is None else layer.weight[order]
            return np.ascontiguousarray(rows, dtype)

        form = (np.dtype(dtype).itemsize, order is None, *layer.weight.shape)
        self.weight = shared(packed, form, [layer.weight], make)
        self.order = order
        self.bias = layer.bias.astype(dtype)
        self.idt = None if layer.idt is None else layer.idt.astype(dtype)
        self.activation = activation(layer.activation)
        self.copies = {"none": 0, "identity": 1, "double": 2}[layer.skip]

    def forward(self, x: Floats, y: Floats, slope: Floats) -> None:
        """Write the output to y and d(activation·idt) to slope, (B, n_out) each."""
        np.matmul(x, self.weight, out=y)
        y += self.bias
        y[...], slope[...], _ = self.activation.jet(y)
        if self.idt is not None:
            y *= self.idt
            slope *= self.idt
        if self.copies:
            skipped = x if self.order is None else x[:, np.argsort(self.order)]
            for part in np.split(y, self.copies, axis=1):
                part += skipped

    def backward(self, grad: Floats, slope: Floats, out: Floats) -> None:
        """Write the gradient in x to out from that in y; overwrites slope."""
        slope *= grad
        np.matmul(slope, self.weight.T, out=out)
        for part in np.split(grad, self.copies, axis=1) if self.copies else ():
            out += part if self.order is None else part[:, self.order]
