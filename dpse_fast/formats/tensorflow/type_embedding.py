"""Type embeddings: the vector of each type, computed once and for all."""

from __future__ import annotations

import numpy as np

from ...array_types import Doubles
from ...errors import ModelFileError
from ...model import TypeEmbedding
from .graph import Graph, missing
from .layers import numbered_net, products

_FORWARD = ("Identity", "Cast", "Reshape")
_SHOWN = "t_typeebd"


def type_vectors(graph: Graph, suffix: str, n_types: int) -> Doubles | None:
    """The type embedding (n_types, width), or None if the graph has none.

    Parameters
    ----------
    suffix : of the descriptor; a type embedding of its own is preferred to that
        of the whole model
    """
    for scope in dict.fromkeys((f"type_embed_net{suffix}", "type_embed_net")):
        if f"{scope}/matrix_1" in graph:
            return _evaluated(graph, scope, n_types)
    return None


def shown_vectors(graph: Graph, vectors: Doubles | None) -> tuple[TypeEmbedding, ...]:
    """What deepmd-kit shows of the vectors: with a row of zeros where it appends one.

    Its fitting nets, not its descriptors, put the centre's vector behind D.
    """
    if vectors is None or _SHOWN not in graph:
        return ()
    source = graph.before(graph.nodes[_SHOWN].input(0), _FORWARD)
    return (TypeEmbedding(vectors, padded=source.op in ("Concat", "ConcatV2")),)


def _evaluated(graph: Graph, scope: str, n: int) -> Doubles:
    net = numbered_net(graph, scope, "")
    if net is None:
        raise missing(f"{scope}/matrix_1")
    inputs = _inputs(graph, f"{scope}/matrix_1", n)
    if inputs.shape[1] != net.n_in:
        raise ModelFileError(
            f"node {scope}/matrix_1 takes {net.n_in} inputs, expected "
            f"{inputs.shape[1]} for {n} types"
        )
    with np.errstate(all="ignore"):
        return net(inputs).astype(np.float64)


def _inputs(graph: Graph, matrix: str, n: int) -> Doubles:
    """One-hot vectors, or the electronic configurations that the graph holds."""
    product = products(graph, matrix)[0]
    source = graph.before(product.input(0), _FORWARD)
    if source.op == "OneHot":
        return np.eye(n)
    if source.op != "Const":
        raise ModelFileError(
            f"node {product.name} takes {source.op}, expected one-hot types or a "
            "constant; freeze the model again with dp freeze"
        )
    values = graph.array(source.name)
    if values.dtype.kind not in "fi" or not values.size or values.size % n:
        raise ModelFileError(
            f"node {source.name}: expected a row for each of {n} types, got shape "
            f"{values.shape}"
        )
    return values.reshape(n, -1).astype(np.float64)
