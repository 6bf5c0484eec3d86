"""A fitting net's layers as the device evaluates them: padded, in the order of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..array_types import AnyArray, Doubles, Int64s
from ..model import Layer
from ..model.activations import activation
from ..plan.nets import NetDefinition
from .vectors import whole

UNIT = Layer(np.ones((1, 1)), np.zeros(1), "linear")  # what comes out is what goes in


@dataclass(frozen=True, eq=False)
class PaddedLayer:
    """A hidden layer, its columns where the device has them, 0 in all others.

    Parameters
    ----------
    weight : (N', N) in float64
    bias, idt : (N,)
    copies : of the inputs that are added to the outputs
    activation : family and constants, see `kernels.cuda.activation.jet_of`
    keeps : whether slopes are kept: else they are 1 − (the output)²
    passed : (N,) see `kernels.cuda.activation`
    """

    weight: Doubles
    bias: Doubles
    idt: Doubles
    copies: int
    activation: tuple[Any, ...]
    keeps: bool
    passed: Doubles

    @property
    def inputs(self) -> int:
        return int(self.weight.shape[0])

    @property
    def width(self) -> int:
        return int(self.weight.shape[1])


def padded_layers(definition: NetDefinition, stride: int) -> list[PaddedLayer]:
    """The hidden layers; ``passed`` of the last one is the linear layer's weight.

    Every net ends so: layers that do nothing are added where it does not. At least one
    is hidden, and one that is alone skips nothing.

    Parameters
    ----------
    stride : numbers from one row of inputs to the next, whole vectors of four
    """
    layers = list(definition.layers)
    if not _is_plain(layers[-1]):
        layers.append(UNIT)
    if len(layers) == 1 or (len(layers) == 2 and layers[0].skip != "none"):
        layers.append(UNIT)
    *hidden, last = layers
    columns = np.arange(hidden[0].n_in)
    if definition.order is not None:
        columns = np.argsort(definition.order)
    width, found = stride, []
    for layer in hidden:
        own, own_width = _columns(layer, columns, width)
        found.append(_padded(layer, columns, width, own, own_width))
        columns, width = own, own_width
    passed = _spread(last.weight[:, 0], columns, width)
    for k in reversed(range(len(found))):
        found[k] = replace(found[k], passed=passed)
        copies, n = found[k].copies, found[k].inputs
        passed = passed[: copies * n].reshape(copies, n).sum(0)
    return found


def _is_plain(layer: Layer) -> bool:
    shape = (layer.activation, layer.skip, layer.idt, layer.n_out)
    return shape == ("linear", "none", None, 1)


def _columns(layer: Layer, columns: Int64s, width: int) -> tuple[Int64s, int]:
    """Where the outputs are, and the row's length: copies of the inputs' for a skip."""
    if layer.skip == "none":
        return np.arange(layer.n_out), whole(layer.n_out)
    if layer.skip == "identity":
        return columns, width
    return np.concatenate([columns, width + columns]), 2 * width


def _spread(values: AnyArray, columns: Int64s, width: int) -> Doubles:
    found = np.zeros(width)
    found[columns] = values
    return found


def _padded(
    layer: Layer,
    inputs: Int64s,
    n_in: int,
    outputs: Int64s,
    n_out: int,
) -> PaddedLayer:
    weight = np.zeros((n_in, n_out))
    weight[np.ix_(inputs, outputs)] = layer.weight
    idt = np.ones(layer.n_out) if layer.idt is None else layer.idt
    known = activation(layer.activation)
    bare = layer.skip == "none" and layer.idt is None
    return PaddedLayer(
        weight=weight,
        bias=_spread(layer.bias, outputs, n_out),
        idt=_spread(idt, outputs, n_out),
        copies={"none": 0, "identity": 1, "double": 2}[layer.skip],
        activation=(known.family, *known.constants),
        keeps=not (known.family == "tanh" and bare),
        passed=np.zeros(n_out),
    )
