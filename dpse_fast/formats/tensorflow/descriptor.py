"""The se_e2_a descriptor: geometry, statistics and embedding of each pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelFileError
from ...model import SeE2A
from ..statistics import per_neighbour_type
from .embedding import embeddings
from .graph import Graph, Node
from .script import Script

_MAX_TYPES = 256


def descriptor(graph: Graph, node: Node, script: Script) -> SeE2A:
    """What the environment node and the scopes ``filter_type_*`` say."""
    sel = _sel(node)
    embedding = embeddings(graph, sel, script)
    axis, divisor = _axis(graph, script)
    if divisor is None:
        divisor = float(sum(_original_sel(graph, sel)))
    return SeE2A(
        rcut=node.number("rcut_r"),
        rcut_smth=node.number("rcut_r_smth"),
        sel=sel,
        axis_neuron=axis,
        davg=_statistics(graph, node.input(-2), sel, 0.0),
        dstd=_statistics(graph, node.input(-1), sel, 1.0),
        embedding=embedding,
        normalisation=divisor,
        switch_float32=True,
    )


def _sel(node: Node) -> tuple[int, ...]:
    sel = tuple(node.integers("sel_a"))
    if not 0 < len(sel) <= _MAX_TYPES or any(not 0 <= s < 1 << 31 for s in sel):
        raise ModelFileError(
            f"node {node.name}: sel_a holds {len(sel)} numbers, {str(sel[:4])[:40]}…; "
            f"expected a count for each of 1 to {_MAX_TYPES} types"
        )
    if any(node.integers("sel_r")):
        raise ModelFileError(
            f"node {node.name}: sel_r is not zero; neighbours with radial information "
            "only are not supported, train with the descriptor se_e2_a"
        )
    return sel


def _statistics(
    graph: Graph, name: str, sel: tuple[int, ...], empty: float
) -> NDArray[Any]:
    """(n, n, 4) by centre and neighbour; a type of no slots gets ``empty``."""
    values = graph.array(name)
    if values.dtype.kind != "f":
        raise ModelFileError(f"node {name}: expected numbers, got {values.dtype}")
    return per_neighbour_type(values, sel, f"node {name}", empty)


def _original_sel(graph: Graph, sel: tuple[int, ...]) -> tuple[int, ...]:
    name = "descrpt_attr/original_sel"
    if name not in graph:
        return sel
    return tuple(int(s) for s in graph.array(name).reshape(-1))


def _axis(graph: Graph, script: Script) -> tuple[int, float | None]:
    """axis_neuron, and the divisor N of T if the graph shows it."""
    found: dict[tuple[int, float | None], str] = {}
    for node in graph.with_op("Slice"):
        if node.name.startswith("filter_type_"):
            width = _axis_width(graph, node)
            if width is not None:
                found[width, _divisor(graph, graph[node.input(0)])] = node.name
        if len(found) > 1:
            break
    if len(found) > 1:
        raise ModelFileError(
            f"axis_neuron and the divisor of T differ between types: {[*found]}, "
            f"expected the same for all ({', '.join(found.values())})"
        )
    if found:
        return next(iter(found))
    axis = script.get("descriptor", "axis_neuron")
    if type(axis) is not int:
        raise ModelFileError(
            "axis_neuron is found neither in a node filter_type_*/Slice nor in the "
            "training script; expected a graph of deepmd-kit"
        )
    return axis, None


def _axis_width(graph: Graph, node: Node) -> int | None:
    if not all(graph.is_constant(node.input(k)) for k in (1, 2)):
        return None
    begin, size = (graph.array(node.input(k)).reshape(-1).tolist() for k in (1, 2))
    if begin == [0, 0, 0] and size[:2] == [-1, -1] and len(size) == 3 and size[2] > 0:
        return int(size[2])
    return None


def _divisor(graph: Graph, node: Node) -> float | None:
    if node.op not in ("RealDiv", "Mul") or not graph.is_constant(node.input(1)):
        return None
    number = graph.scalar(node.input(1))
    if not np.isfinite(number) or number <= 0:
        raise ModelFileError(f"node {node.input(1)}: expected N or 1/N, got {number}")
    if node.op == "RealDiv":
        return number
    count = 1 / number
    return float(round(count)) if abs(count - round(count)) < 1e-6 * count else count
