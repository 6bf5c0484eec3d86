"""Nets of a checkpoint in the form of the native dictionary."""

from __future__ import annotations

from typing import Any

from ..tree import Tree

Dictionary = dict[str, Any]


def count_nets(collection: Tree) -> int:
    """How many nets a collection of tensors holds."""
    return sum(name.isdecimal() for name in collection["networks"].names())


def embedding_nets(collection: Tree, activation: str) -> Dictionary:
    """A collection of nets whose every layer acts alike."""
    return _collection(
        [embedding_net(net, activation) for net in collection.branches("networks")],
    )


def fitting_nets(collection: Tree, activation: str) -> Dictionary:
    """A collection of nets whose last layer is linear."""
    nets = []
    for net in collection.branches("networks"):
        *hidden, last = net.branches("layers")
        layers = [_layer(layer, activation, resnet=True) for layer in hidden]
        layers.append(_layer(last, "none", resnet=False))
        nets.append({"@class": "FittingNetwork", "@version": 1, "layers": layers})
    return _collection(nets)


def embedding_net(net: Tree, activation: str) -> Dictionary:
    """One net whose every layer acts alike."""
    layers = [
        _layer(layer, activation, resnet=True) for layer in net.branches("layers")
    ]
    return {"@class": "EmbeddingNetwork", "@version": 2, "layers": layers}


def _collection(nets: list[Dictionary]) -> Dictionary:
    return {"@class": "NetworkCollection", "@version": 1, "networks": nets}


def _layer(layer: Tree, activation: str, resnet: bool) -> Dictionary:
    return {
        "@class": "Layer",
        "@version": 2,
        "bias": layer.has("bias"),
        "use_timestep": layer.has("idt"),
        "activation_function": activation,
        "resnet": resnet,
        "@variables": {
            "w": layer.raw("matrix"),
            "b": layer.raw("bias", None),
            "idt": layer.raw("idt", None),
        },
    }
