"""The embedding of each (centre, neighbour) pair, and the pairs left out."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from ...errors import ModelFileError
from ...model import Embedding, Layer, Net
from .compressed import Beyond, tables
from .graph import Graph, missing
from .layers import layer
from .script import Script

_MATRIX = re.compile(r"filter_type_(\d{1,4}|all)/matrix_(\d{1,4})_(\d{1,4})")
_MASK_PATH = ("Identity", "Cast", "Reshape", "GatherV2", "Gather", "ResourceGather")

Pair = tuple[int, int]
Rows = tuple[tuple[Embedding | None, ...], ...]


def embeddings(graph: Graph, sel: tuple[int, ...], script: Script) -> Rows:
    """One row a centre type; None where the graph leaves the pair out."""
    found: dict[tuple[str, int], Embedding] = dict(tables(graph, sel, _beyond(graph)))
    for key, depth in _depths(graph).items():
        found.setdefault(key, _net(graph, *key, depth))
    if any(scope == "all" for scope, _ in found):
        return _one_sided(graph, sel, script, found)
    return _two_sided(sel, script, found)


def _one_sided(
    graph: Graph,
    sel: tuple[int, ...],
    script: Script,
    found: Mapping[tuple[str, int], Embedding],
) -> Rows:
    n = len(sel)
    shared = tuple(found.get(("all", t)) for t in range(n))
    for t, count in enumerate(sel):
        if count and shared[t] is None:
            raise missing(f"filter_type_all/matrix_1_{t}")
    excluded = _masked(graph, n)
    if script.excluded(n) and not excluded:
        raise ModelFileError(
            "the training script has exclude_types, but the mask of the pairs is not "
            "found in the graph; freeze the model again with deepmd-kit 2.1 or later"
        )
    if not excluded:
        return (shared,) * n
    return tuple(
        tuple(None if (c, t) in excluded else shared[t] for t in range(n))
        for c in range(n)
    )


def _two_sided(
    sel: tuple[int, ...], script: Script, found: Mapping[tuple[str, int], Embedding]
) -> Rows:
    n = len(sel)
    excluded = script.excluded(n)
    rows = tuple(tuple(found.get((str(c), t)) for t in range(n)) for c in range(n))
    for c, row in enumerate(rows):
        for t, net in enumerate(row):
            if net is not None or not sel[t]:
                continue
            mirrored = not sel[c] or rows[t][c] is None
            if not mirrored if excluded is None else (c, t) not in excluded:
                raise missing(f"filter_type_{c}/matrix_1_{t}")
    return rows


def _depths(graph: Graph) -> dict[tuple[str, int], int]:
    """Number of layers of each net, by scope and neighbour type."""
    depths: dict[tuple[str, int], int] = {}
    for name in graph.nodes:
        if match := _MATRIX.fullmatch(name):
            key = (match[1], int(match[3]))
            depths[key] = max(depths.get(key, 0), int(match[2]))
    return depths


def _net(graph: Graph, scope: str, t: int, depth: int) -> Net:
    layers: list[Layer] = []
    for level in range(1, depth + 1):
        names = [
            f"filter_type_{scope}/{part}_{level}_{t}"
            for part in ("matrix", "bias", "idt")
        ]
        layers.append(layer(graph, names[0], names[1], names[2], "double"))
    if not layers:
        raise missing(f"filter_type_{scope}/matrix_1_{t}")
    return Net(tuple(layers))


def _masked(graph: Graph, n: int) -> frozenset[Pair]:
    """Pairs that a mask on the rows sets to zero, padding included."""
    pieces = [
        node
        for node in graph.with_op("Slice")
        if re.fullmatch(r"filter_type_all/Slice(_\d+)?", node.name)
    ]
    for piece in pieces:
        rows = graph.before(piece.input(0), ("Identity", "Cast", "Reshape"))
        if rows.op != "Mul" or rows.name.startswith("filter_type_all/"):
            continue
        mask = graph.before(rows.input(1), _MASK_PATH)
        values = graph.array(mask.name) if mask.op == "Const" else np.empty(0)
        if values.size != n * n or not np.isin(values, (0, 1)).all():
            raise ModelFileError(
                f"node {rows.name} changes the environment rows by something that is "
                "not a mask of exclude_types; expected a graph of deepmd-kit"
            )
        allowed = values.reshape(n, n)
        return frozenset((int(c), int(t)) for c, t in np.argwhere(allowed == 0))
    return frozenset()


def _beyond(graph: Graph) -> Beyond:
    """deepmd-kit 3.2 extrapolates; no earlier release than 3.1.1 has t_out_bias."""
    newest = any(name.endswith("_attr/t_out_bias") for name in graph.nodes)
    return "linear" if newest else "clamp"
