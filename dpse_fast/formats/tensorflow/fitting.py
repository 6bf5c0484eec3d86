"""Fitting nets and the constant energies of each type."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelFileError
from ...model import Layer, Net
from .graph import Graph, Node
from .layers import PASS_ON, layer, products
from .supported import unsupported

_HIDDEN = re.compile(r"layer_(\d{1,4})_type_(\d{1,4})/matrix")
_TYPELESS = ("layer_0/matrix", "final_layer/matrix")
_TO_DIFFERENCE = (*PASS_ON, "Reshape", "BiasAdd", "Add", "AddV2")


def fitting_nets(graph: Graph, n_types: int) -> tuple[Net, ...]:
    """One net a type.

    Hidden layers after the first have an identity skip where the width stays.
    """
    if any(name in graph for name in _TYPELESS):
        raise unsupported("one fitting net for all types (a type embedding)")
    if any(re.match(r"share_.+_type_\d+/", name) for name in graph.nodes):
        raise unsupported("a fitting net with shared layers (layer_name)")
    depth = dict.fromkeys(range(n_types), 0)
    for name in graph.nodes:
        if match := _HIDDEN.fullmatch(name):
            level, t = int(match[1]), int(match[2])
            depth[t] = max(depth.get(t, 0), level + 1)
    if len(depth) > n_types:
        raise ModelFileError(
            f"the graph has fitting nets of {len(depth)} types, its sel has {n_types}"
        )
    return tuple(_net(graph, t, depth[t]) for t in range(n_types))


def _net(graph: Graph, t: int, depth: int) -> Net:
    layers: list[Layer] = []
    for level in range(depth):
        scope = f"layer_{level}_type_{t}"
        names = (f"{scope}/matrix", f"{scope}/bias", f"{scope}/idt")
        layers.append(layer(graph, *names, "identity" if level else "none"))
    scope = f"final_layer_type_{t}"
    names = (f"{scope}/matrix", f"{scope}/bias", f"{scope}/idt")
    layers.append(layer(graph, *names, "none", last=True))
    return Net(tuple(layers))


def constant_energies(
    graph: Graph, nets: tuple[Net, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bias and scale (n_types,) of E = net·scale + bias, in eV."""
    n = len(nets)
    bias = _per_type(graph, "t_bias_atom_e", n, 0.0)
    for t, net in enumerate(nets):
        bias[t] += _vacuum_shift(graph, t, net)
    scale = _per_type(graph, "t_out_std", n, 1.0)
    return bias * scale + _per_type(graph, "t_out_bias", n, 0.0), scale


def _per_type(graph: Graph, name: str, n: int, default: float) -> NDArray[np.float64]:
    """The variable whose path ends with this name, under any scope."""
    found = [node for node in graph.nodes if node.endswith(f"_attr/{name}")]
    if not found:
        return np.full(n, default)
    if len(found) > 1:
        raise ModelFileError(f"the graph has several {name}: {', '.join(found[:3])}")
    values = graph.array(found[0])
    if values.size != n:
        raise ModelFileError(
            f"node {found[0]}: expected {n} values, got shape {values.shape}"
        )
    return values.reshape(-1).astype(np.float64)


def _vacuum_shift(graph: Graph, t: int, net: Net) -> float:
    """What ``atom_ener`` adds to type t: the energy set for it minus net(0).

    The graph then holds the net twice, its second copy on a zero descriptor.
    deepmd-kit 1 and 2.0: net(D) + (E_t − net(0)); later net(D) − net(0).
    """
    uses = products(graph, f"final_layer_type_{t}/matrix")
    if len(uses) == 1:
        return 0.0
    difference = _difference(graph, uses)
    if len(uses) != 2 or difference is None:
        raise ModelFileError(
            f"the fitting net of type {t} is used {len(uses)} times in a way that is "
            "not atom_ener; expected a graph of deepmd-kit"
        )
    minuend = difference.input(0)
    energy = graph.scalar(minuend) if graph.is_constant(minuend) else 0.0
    with np.errstate(all="ignore"):
        return energy - float(net(np.zeros((1, net.n_in)))[0, 0])


def _difference(graph: Graph, uses: list[Node]) -> Node | None:
    found = [
        node
        for use in uses
        for node in graph.after(use.name, _TO_DIFFERENCE)
        if node.op == "Sub"
    ]
    return found[0] if found else None
