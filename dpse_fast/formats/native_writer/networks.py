"""Nets in the form of deepmd-kit's native dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...array_types import AnyArray
from ...model import Layer, Net

Dictionary = dict[str, Any]
# TensorFlow's gelu has a constant of single precision, deepmd-kit's other code not.
_ACTIVATIONS = {"gelu_float32": "gelu_tf", "gelu": "gelu_tf"}


def precision_of(arrays: Iterator[AnyArray]) -> str:
    """float32 if that holds every number exactly, else float64."""
    for array in arrays:
        with np.errstate(over="ignore"):
            if array.dtype != np.float32 and np.any(array.astype(np.float32) != array):
                return "float64"
    return "float32"


def arrays_of(nets: Sequence[Net]) -> Iterator[AnyArray]:
    for net in nets:
        for layer in net.layers:
            yield layer.weight
            yield layer.bias
            if layer.idt is not None:
                yield layer.idt


def collection(
    nets: Sequence[Net], n_types: int, precision: str, fitting: bool = False
) -> Dictionary:
    """Networks in deepmd-kit's order: of one index, or centre + n_types·neighbour."""
    return {
        "@class": "NetworkCollection",
        "@version": 1,
        "ndim": 1 if len(nets) == n_types else 2,
        "ntypes": n_types,
        "network_type": "fitting_network" if fitting else "embedding_network",
        "networks": [_network(net, precision, fitting) for net in nets],
    }


def uses_timestep(nets: Sequence[Net]) -> bool:
    return any(layer.idt is not None for net in nets for layer in net.layers)


def activation_of(net: Net) -> str:
    name = net.layers[0].activation
    return _ACTIVATIONS.get(name, name)


def silent(net: Net) -> Net:
    """A net of the same widths that gives zeros."""
    return Net(
        tuple(
            Layer(np.zeros_like(a.weight), np.zeros_like(a.bias), "linear", a.idt)
            for a in net.layers
        )
    )


def _network(net: Net, precision: str, fitting: bool) -> Dictionary:
    widths = list(net.widths)
    found = {
        "@class": "FittingNetwork" if fitting else "EmbeddingNetwork",
        "@version": 1 if fitting else 2,
        "in_dim": net.n_in,
        "neuron": widths[:-1] if fitting else widths,
        "activation_function": activation_of(net),
        "resnet_dt": uses_timestep([net]),
        "precision": precision,
        "layers": [_layer(layer, precision) for layer in net.layers],
    }
    if fitting:
        return {**found, "out_dim": net.n_out, "bias_out": True}
    return {**found, "bias": True}


def _layer(layer: Layer, precision: str) -> Dictionary:
    def cast(array: AnyArray | None) -> AnyArray | None:
        return None if array is None else array.astype(precision)

    return {
        "@class": "Layer",
        "@version": 2,
        "bias": True,
        "use_timestep": layer.idt is not None,
        "activation_function": _ACTIVATIONS.get(layer.activation, layer.activation),
        "resnet": layer.skip != "none",
        "precision": precision,
        "trainable": True,
        "@variables": {
            "w": cast(layer.weight),
            "b": cast(layer.bias),
            "idt": cast(layer.idt),
        },
    }
