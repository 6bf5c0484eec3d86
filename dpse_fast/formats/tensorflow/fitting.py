"""Fitting nets: one a type, or one for all types that takes their vectors."""

from __future__ import annotations

import re

from ...array_types import Doubles
from ...errors import ModelFileError
from ...model import Layer, Net
from ..constant_inputs import fix_inputs
from .graph import Graph
from .layers import layer
from .supported import unsupported

_HIDDEN = re.compile(r"layer_(\d{1,4})_type_(\d{1,4})/matrix")


def is_shared(graph: Graph) -> bool:
    """Whether one net serves all types."""
    return "final_layer/matrix" in graph


def final_scope(graph: Graph, t: int) -> str:
    """The scope of the last layer of type t."""
    return "final_layer" if is_shared(graph) else f"final_layer_type_{t}"


def fitting_nets(
    graph: Graph,
    n_types: int,
    n_descriptor: int,
    vectors: Doubles | None,
) -> tuple[Net, ...]:
    """One net a type for the inputs (D, fparam, aparam).

    Hidden layers after the first have an identity skip where the width stays.

    Parameters
    ----------
    n_descriptor : length of D
    vectors : of the types, which a shared net takes behind D
    """
    if any(re.match(r"share_.+?/matrix", name) for name in graph.nodes):
        raise unsupported(
            "a fitting net with shared layers (layer_name)", "train without layer_name"
        )
    if is_shared(graph):
        shared = _net(graph, "", _depth(graph))
        if vectors is None:
            return (shared,) * n_types
        if n_descriptor + vectors.shape[1] < shared.n_in:
            graph.reserve(len(vectors) * shared.layers[0].weight.size)
        return tuple(fix_inputs(shared, n_descriptor, v) for v in vectors)
    depth = dict.fromkeys(range(n_types), 0)
    for name in graph.nodes:
        if match := _HIDDEN.fullmatch(name):
            level, t = int(match[1]), int(match[2])
            depth[t] = max(depth.get(t, 0), level + 1)
    if len(depth) > n_types:
        raise ModelFileError(
            f"the graph has fitting nets of {len(depth)} types, its sel has {n_types}"
        )
    return tuple(_net(graph, f"_type_{t}", depth[t]) for t in range(n_types))


def _depth(graph: Graph) -> int:
    depth = 0
    while f"layer_{depth}/matrix" in graph:
        depth += 1
    return depth


def _net(graph: Graph, ending: str, depth: int) -> Net:
    layers: list[Layer] = []
    for level in range(depth):
        scope = f"layer_{level}{ending}"
        names = (f"{scope}/matrix", f"{scope}/bias", f"{scope}/idt")
        layers.append(layer(graph, *names, "identity" if level else "none"))
    scope = f"final_layer{ending}"
    names = (f"{scope}/matrix", f"{scope}/bias", f"{scope}/idt")
    layers.append(layer(graph, *names, "none", last=True))
    return Net(tuple(layers))
