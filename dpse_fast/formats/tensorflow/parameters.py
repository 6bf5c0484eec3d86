"""Frame and atomic parameters and how the graph normalises them."""

from __future__ import annotations

import numpy as np

from ...array_types import Doubles
from ...errors import ModelFileError
from ...model import Parameters
from .graph import Graph
from .supported import unsupported

_MOST = 1 << 16


def parameters(graph: Graph, kind: str) -> Parameters | None:
    """The parameters ``fparam`` or ``aparam``, or None if the model has none.

    deepmd-kit 1.0 knows no ``daparam`` and takes ``fparam`` as it comes.
    """
    name = f"fitting_attr/d{kind}"
    count = graph.scalar(name) if name in graph else 0.0
    if count == 0:
        return None
    if not 0 < count <= _MOST or count != int(count):
        raise ModelFileError(
            f"node {name}: expected a number of parameters, got {count:g}"
        )
    n = int(count)
    mean = variable(graph, f"t_{kind}_avg", n)
    scale = variable(graph, f"t_{kind}_istd", n)
    if kind == "aparam" and mean is None:
        raise unsupported("the fitting option use_aparam_as_mask")
    if (mean is None) != (scale is None):
        raise ModelFileError(
            f"the graph has only one of t_{kind}_avg and t_{kind}_istd; freeze the "
            "model again with dp freeze"
        )
    if mean is None or scale is None:
        return Parameters(np.zeros(n), np.ones(n))
    return Parameters(mean, scale)


def variable(graph: Graph, name: str, n: int) -> Doubles | None:
    """The n numbers of the variable whose path ends so, under any scope, or None."""
    found = [node for node in graph.nodes if node.endswith(f"_attr/{name}")]
    if not found:
        return None
    if len(found) > 1:
        raise ModelFileError(f"the graph has several {name}: {', '.join(found[:3])}")
    values = graph.array(found[0])
    if values.size != n:
        raise ModelFileError(
            f"node {found[0]}: expected {n} values, got shape {values.shape}"
        )
    return values.reshape(-1).astype(np.float64)
