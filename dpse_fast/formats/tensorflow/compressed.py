"""Tables that ``dp compress`` puts in place of the embedding nets."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from ...errors import ModelFileError
from ...model import EmbeddingTable
from .graph import Graph, Node
from .wire import shortest

_OPS = ("TabulateFusion", "TabulateFusionSeA")
_SCOPE = re.compile(r"filter_type_(\d{1,4}|all)/")
_MAX_ROWS = 1e9

Beyond = Literal["linear", "clamp"]


def tables(
    graph: Graph, sel: tuple[int, ...], beyond: Beyond
) -> dict[tuple[str, int], EmbeddingTable]:
    """The table of each (centre's index or "all", neighbour type)."""
    offsets = np.concatenate([[0], np.cumsum(sel)])
    slots = {
        (int(start), count): t
        for t, (start, count) in enumerate(zip(offsets[:-1], sel, strict=True))
        if count
    }
    found: dict[tuple[str, int], EmbeddingTable] = {}
    read: dict[tuple[str, str], EmbeddingTable] = {}
    for node in graph.with_op(*_OPS):
        scope = _SCOPE.match(node.name)
        if scope is None:
            raise ModelFileError(
                f"node {node.name} ({node.op}) is in no scope filter_type_*, expected "
                "a model compressed by deepmd-kit"
            )
        start, count = _slots(graph, node)
        if count == 0:
            continue
        if (start, count) not in slots:
            raise ModelFileError(
                f"node {node.name} covers slots {start} to {start + count}, which is "
                f"no neighbour type of sel {list(sel)}"
            )
        constants = (node.input(0), node.input(1))
        if constants not in read:
            read[constants] = _table(graph, *constants, beyond)
        found[scope[1], slots[start, count]] = read[constants]
    return found


def _slots(graph: Graph, node: Node) -> tuple[int, int]:
    """First slot and number of slots of the neighbour type."""
    piece = graph.before(node.input(3), ("Identity", "Cast", "Reshape"))
    if piece.op != "Slice":
        raise ModelFileError(
            f"node {node.name} does not read a slice of the environment rows, "
            "expected a model compressed by deepmd-kit"
        )
    begin, size = (graph.array(piece.input(k)).reshape(-1) for k in (1, 2))
    if begin.size != 2 or size.size != 2 or begin[1] % 4 or size[1] % 4:
        raise ModelFileError(
            f"node {piece.name}: expected whole rows of four, got begin "
            f"{begin.tolist()} and size {size.tolist()}"
        )
    return int(begin[1]) // 4, int(size[1]) // 4


def _table(graph: Graph, name: str, numbers: str, beyond: Beyond) -> EmbeddingTable:
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
    return EmbeddingTable(coefficients, lower, upper, maximum, fine, coarse, beyond)
