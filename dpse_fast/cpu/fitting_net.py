"""A fitting net on a block of atoms: outputs and their gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import Layer, Net
from .layered_net import LayeredBuffers, LayeredNet
from .packed_net import PackedBuffers, PackedNet, serves
from .shared_weights import Packed

Array = NDArray[np.floating]
Order = NDArray[np.integer]
FittingBuffers = PackedBuffers | LayeredBuffers


class Weights(NamedTuple):
    """A part of a net in memory."""

    weight: Array


class Definition(NamedTuple):
    """What a fitting net computes."""

    layers: tuple[Layer, ...]  # the last one without the constant
    order: Order | None  # (n_in,) the input of the net that each of ours is
    constant: float  # added to the output


class FittingNet:
    """A fitting net in one precision, for inputs in an order of our own.

    A net of tanh layers runs in one kernel (`packed_net`), any other one layer by
    layer (`layered_net`).

    Parameters
    ----------
    net : n_in values to one
    dtype : float32 or float64
    order : (n_in,) the input of ``net`` that each of ours is; not used with first
    packed : weights that were packed before, for nets of one order; modified
    first : (n_in', n_1) float64, in the place of the first layer's weight, for
        other inputs; then that layer skips nothing

    Attributes
    ----------
    definition : Definition
    n_in : inputs
    shapes : (n_in, n_out) of each layer
    layers : what the net keeps in memory, shared by nets that show the same weights
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
        layers, constant = _without_constant(net)
        new_order: Order | None = order
        if first is not None:
            layers = (replace(layers[0], weight=first, skip="none"), *layers[1:])
        if first is not None or (order == np.arange(order.size)).all():
            new_order = None
        self.definition = Definition(tuple(layers), new_order, float(constant))
        self.dtype = np.dtype(dtype)
        self.n_in = layers[0].n_in
        self.shapes = tuple((layer.n_in, layer.n_out) for layer in layers)
        kind = PackedNet if serves(layers) else LayeredNet
        self._net: Any = kind(layers, dtype, new_order, float(constant), packed)
        self.layers = tuple(Weights(weight) for weight in self._net.weights)

    def buffers(self, size: int) -> FittingBuffers:
        """Buffers for blocks of at most ``size`` atoms."""
        buffers: FittingBuffers = self._net.buffers(size)
        return buffers

    def __call__(
        self,
        x: Array,
        buffers: FittingBuffers,
        gradient: Array,
        factor: float | Array = 1.0,
    ) -> Array:
        """The net's outputs, and their gradients times ``factor``.

        An atom's numbers do not depend on the others of its block if the net is
        packed.

        Parameters
        ----------
        x : (B, n_in) of the net's dtype, its rows may be apart
        buffers : of `buffers`, for at least B atoms
        gradient : (B, n_in) written; may be x itself
        factor : a number, or one for each atom (B,)

        Returns
        -------
        (B,) float64
        """
        energies: Array = self._net(x, buffers, gradient, factor)
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
