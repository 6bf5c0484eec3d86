"""A fitting net on a block of atoms: outputs and their gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .activations import activation
from .kernels._simd import lanes
from .kernels.cpu.activation import tanh_layer
from .model import Layer, Net

Array = NDArray[np.floating]
Order = NDArray[np.integer]
Packed = dict[tuple[int, ...], Array]


class _DenseLayer:
    """A layer in one precision; column c of its input is input ``order[c]``.

    Layers of several types that show the same weights in ``packed``, for inputs in
    the same order, share a copy.
    """

    def __init__(self, layer: Layer, dtype: Any, order: Order, packed: Packed) -> None:
        self.order = None if (order == np.arange(order.size)).all() else order
        at = layer.weight.__array_interface__["data"][0]
        key = (at, *layer.weight.shape, self.order is None)
        if key not in packed:
            packed[key] = np.ascontiguousarray(layer.weight[order], dtype)
        self.weight = packed[key]
        padding = (0, lanes(dtype))
        idt = np.ones(layer.n_out) if layer.idt is None else layer.idt
        self.bias = np.pad(layer.bias.astype(dtype), padding)
        self.idt = np.pad(idt.astype(dtype), padding)
        self.activation = activation(layer.activation)
        self.copies = {"none": 0, "identity": 1, "double": 2}[layer.skip]

    def forward(self, x: Array, y: Array, slope: Array) -> None:
        """Write the output to y and d(activation·idt) to slope, (B, n_out) each."""
        np.matmul(x, self.weight, out=y)
        if self.activation.name == "tanh":
            tanh_layer(y.reshape(-1), self.bias, self.idt, slope.reshape(-1))
        else:
            n = y.shape[1]
            y[...], slope[...], _ = self.activation.jet(y + self.bias[:n])
            y *= self.idt[:n]
            slope *= self.idt[:n]
        if self.copies:
            skipped = x if self.order is None else x[:, np.argsort(self.order)]
            for part in np.split(y, self.copies, axis=1):
                part += skipped

    def backward(self, grad: Array, slope: Array, out: Array) -> None:
        """Write the gradient in x to out from that in y; overwrites slope."""
        slope *= grad
        np.matmul(slope, self.weight.T, out=out)
        for part in np.split(grad, self.copies, axis=1) if self.copies else ():
            out += part if self.order is None else part[:, self.order]


class FittingBuffers:
    """What a block of at most ``size`` atoms needs on its way through a net."""

    def __init__(self, size: int, widths: tuple[int, ...], dtype: Any) -> None:
        self.outputs = [np.empty((size, n), dtype) for n in widths]
        self.slopes = [np.empty((size, n), dtype) for n in widths]
        self.gradients = [np.empty((size, n), dtype) for n in widths]


class FittingNet:
    """A fitting net in one precision, for inputs in an order of our own.

    Parameters
    ----------
    net : n_in values to one
    dtype : float32 or float64
    order : (n_in,) the input of ``net`` that each column of D is
    first : (n_inputs, n_out) in the place of the first layer's weight, for other
        inputs; ``order`` is not used then
    packed : weights that were packed before, by where the net keeps them
    """

    def __init__(
        self,
        net: Net,
        dtype: Any,
        order: Order,
        packed: Packed | None = None,
        first: Array | None = None,
    ) -> None:
        packed = {} if packed is None else packed
        self.dtype = np.dtype(dtype)
        self.widths = net.widths
        layers, self.constant = _without_constant(net)
        if first is not None:
            layers = (replace(layers[0], weight=first), *layers[1:])
            order = np.arange(len(first))
        orders = [order, *(np.arange(n) for n in net.widths[:-1])]
        self.layers = [
            _DenseLayer(layer, dtype, o, packed)
            for layer, o in zip(layers, orders, strict=True)
        ]

    def buffers(self, size: int) -> FittingBuffers:
        """Buffers for blocks of at most ``size`` atoms."""
        return FittingBuffers(size, self.widths, self.dtype)

    def __call__(
        self,
        x: Array,
        buffers: FittingBuffers,
        gradient: Array,
        factor: float | Array = 1.0,
    ) -> Array:
        """The net's outputs, and their gradients times ``factor``.

        Parameters
        ----------
        x : (B, n_in), its rows may be apart
        gradient : (B, n_in) written; may be x itself
        factor : a number, or one for each atom (B,)

        Returns
        -------
        (B,) float64
        """
        size = len(x)
        outputs = [y[:size] for y in buffers.outputs]
        slopes = [y[:size] for y in buffers.slopes]
        gradients = [y[:size] for y in buffers.gradients]
        inputs = [x, *outputs[:-1]]
        for layer, i, y, slope in zip(
            self.layers, inputs, outputs, slopes, strict=True
        ):
            layer.forward(i, y, slope)
        energies: Array = outputs[-1][:, 0].astype(np.float64) + self.constant
        gradients[-1][:, 0] = factor
        targets = [gradient, *gradients[:-1]]
        for k in reversed(range(len(self.layers))):
            self.layers[k].backward(gradients[k], slopes[k], targets[k])
        return energies


def _without_constant(net: Net) -> tuple[tuple[Layer, ...], np.float64]:
    """The layers with the last bias 0, and that bias.

    Old files keep the energy of an atom there, thousands of eV, which float32
    would round to 1e-3.
    """
    last = net.layers[-1]
    if last.activation != "linear" or last.idt is not None:
        return net.layers, np.float64(0.0)
    silent = replace(last, bias=np.zeros_like(last.bias))
    return (*net.layers[:-1], silent), np.float64(last.bias[0])
