"""Tables that ``dp compress`` puts in place of the embedding nets."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from ...errors import ModelFileError
from ...model import EmbeddingTable
from .environment import Environment
from .graph import Graph, Node
from .wire import shortest

_MAX_ROWS = 1e9
_PASS_ON = ("Identity", "Cast", "Reshape")

Beyond = Literal["linear", "clamp"]


def beyond_table(graph: Graph) -> Beyond:
    """What the file's own program does beyond a table.

    deepmd-kit 3.2 goes on as a line; up to 3.1.3 it stays at the ends. Graphs of
    3.1.1 to 3.1.3 and of 3.2 are alike (t_out_bias) and count as 3.2.
    """
    newest = any(name.endswith("_attr/t_out_bias") for name in graph.nodes)
    return "linear" if newest else "clamp"


def pair_tables(
    graph: Graph, environment: Environment
) -> dict[tuple[str, int], EmbeddingTable]:
    """The table of each (centre's index or "all", neighbour type)."""
    found: dict[tuple[str, int], EmbeddingTable] = {}
    read: dict[tuple[str, str], EmbeddingTable] = {}
    ops = ("TabulateFusion", "TabulateFusionSeA", "TabulateFusionSeR")
    pattern = re.compile(rf"filter_type_(\d{{1,4}}|all){environment.suffix}/")
    for node in graph.with_op(*ops):
        scope = pattern.match(node.name)
        if scope is None:
            if not node.name.startswith("filter_type_"):
                raise ModelFileError(
                    f"node {node.name} ({node.op}) is in no scope filter_type_*, "
                    "expected a model compressed by deepmd-kit"
                )
            continue
        neighbour = _neighbour(graph, node, environment)
        if neighbour is None:
            continue
        constants = (node.input(0), node.input(1))
        if constants not in read:
            read[constants] = _table(graph, *constants)
        found[scope[1], neighbour] = read[constants]
    return found


def typed_table(graph: Graph, suffix: str) -> tuple[EmbeddingTable, Node] | None:
    """The one table of a stripped type embedding, and the node that uses it."""
    for node in graph.with_op("TabulateFusionSeAtten"):
        if node.name.startswith(f"filter_type_all{suffix}/"):
            return _table(graph, node.input(0), node.input(1)), node
    return None


def _neighbour(graph: Graph, node: Node, environment: Environment) -> int | None:
    """The neighbour type whose slots the node covers; None if it has no slots."""
    width = environment.components
    rows = node.input(2 if node.op == "TabulateFusionSeR" else 3)
    piece = graph.before(rows, _PASS_ON)
    if piece.op != "Slice":
        raise ModelFileError(
            f"node {node.name} does not read a slice of the environment rows, "
            "expected a model compressed by deepmd-kit"
        )
    begin, size = (graph.integers(piece.input(k)) for k in (1, 2))
    if len(begin) != 2 or len(size) != 2 or begin[1] % width or size[1] % width:
        raise ModelFileError(
            f"node {piece.name}: expected whole rows of {width}, got begin "
            f"{begin[:3]} and size {size[:3]}"
        )
    start, count = begin[1] // width, size[1] // width
    if not count:
        return None
    first = 0
    for t, slots in enumerate(environment.sel):
        if (start, count) == (first, slots):
            return t
        first += slots
    raise ModelFileError(
        f"node {node.name} covers slots {start} to {start + count}, which is no "
        f"neighbour type of sel {list(environment.sel)[:8]}"
    )


def _table(graph: Graph, name: str, numbers: str) -> EmbeddingTable:
    values, info = graph.array(name), graph.array(numbers).reshape(-1)
    if values.ndim != 2 or values.shape[1] % 6 or info.size < 5:
        raise ModelFileError(
            f"node {name}: expected a table of (rows, 6·M) and 5 numbers of its "
            f"range, got shape {values.shape} and {info.size} numbers"
        )
    span = [float(number) for number in info[:5]]
    if info.dtype == np.float32:
        span = [shortest(number) for number in span]
    lower, upper, maximum, fine, coarse = span
    with np.errstate(all="ignore"):
        spans = np.divide([upper - lower, maximum - upper], [fine, coarse])
    if not np.all(np.abs(spans) < _MAX_ROWS):
        raise ModelFileError(
            f"node {numbers}: {span} is no range of a table, expected lower, "
            "upper, maximum and two strides"
        )
    coefficients = values.reshape(values.shape[0], -1, 6)
    beyond = beyond_table(graph)
    return EmbeddingTable(coefficients, lower, upper, maximum, fine, coarse, beyond)
