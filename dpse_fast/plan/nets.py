"""What each type's fitting net computes from the inputs of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..array_types import Floats, Integers
from ..model import Layer, Model, Net
from ..runtime.blas_threads import one_blas_thread
from .form import Form, Forms, input_order


class NetDefinition(NamedTuple):
    """A fitting net for inputs in an order of our own."""

    layers: tuple[Layer, ...]  # the last one without the constant
    order: Integers | None  # (n_in,) the input of the net that each of ours is
    constant: float  # added to the output

    @property
    def n_in(self) -> int:
        """Inputs."""
        return self.layers[0].n_in

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(n_in, n_out) of each layer."""
        return tuple((layer.n_in, layer.n_out) for layer in self.layers)


def net_definition(
    net: Net, order: Integers, first: Floats | None = None
) -> NetDefinition:
    """The net for these inputs.

    Parameters
    ----------
    net : n_in values to one
    order : (n_in,) the input of ``net`` that each of ours is; not used with first
    first : (n_in', n_1) float64, in the place of the first layer's weight, for
        other inputs; then that layer skips nothing
    """
    layers, constant = _without_constant(net)
    new_order: Integers | None = order
    if first is not None:
        layers = (replace(layers[0], weight=first, skip="none"), *layers[1:])
    if first is not None or (order == np.arange(order.size)).all():
        new_order = None
    return NetDefinition(layers, new_order, float(constant))


def net_definitions(model: Model, forms: Forms) -> dict[int, NetDefinition]:
    """The net of each type that has forms; types with equal weights share arrays.

    Parameters
    ----------
    forms : by descriptor, by centre type
    """
    order = input_order(model.descriptors, model.n_parameters)
    folded: dict[tuple[int, tuple[bytes, ...]], Floats] = {}
    found = {}
    # On two threads of two busy cores water's first layers took 58 ms, on one 16 ms.
    with one_blas_thread():
        for c in forms[0]:
            first = None
            if is_foldable(model, c):
                own = [form[c] for form in forms]
                weight = model.fitting[c].layers[0].weight
                key = (id(weight), tuple(form.key() for form in own))
                if key not in folded:
                    folded[key] = _first_layer(model, weight, own)
                first = folded[key]
            found[c] = net_definition(model.fitting[c], order, first)
    return found


def is_foldable(model: Model, species: int) -> bool:
    """Whether the first layer of a type's net is linear in its inputs."""
    return model.fitting[species].layers[0].skip == "none"


def _first_layer(model: Model, weight: Floats, forms: Sequence[Form]) -> Floats:
    blocks, start = [], 0
    for descriptor, form in zip(model.descriptors, forms, strict=True):
        part = weight[start : start + descriptor.n_out]
        blocks.append(form.first_layer(part, descriptor.n_axis))
        start += descriptor.n_out
    return np.concatenate([*blocks, weight[start:].astype(np.float64)])


def _without_constant(net: Net) -> tuple[tuple[Layer, ...], np.float64]:
    """The layers with the last bias 0, and that bias.

    Old files keep the energy of an atom there, thousands of eV, which float32
    would round to 1e-3.
    """
    last = net.layers[-1]
    if last.activation != "linear" or last.idt is not None:
        return tuple(net.layers), np.float64(0.0)
    silent = replace(last, bias=np.zeros_like(last.bias))
    return (*net.layers[:-1], silent), np.float64(last.bias[0])
