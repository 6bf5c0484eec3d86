"""The way of the environment rows: what masks them, how T is divided and cut."""

from __future__ import annotations

import numpy as np

from ...errors import ModelFileError
from .environment import Environment
from .graph import Graph, Node
from .script import DescriptorScript
from .supported import unsupported

_PASS_ON = ("Identity", "Cast", "Reshape")
_SELECT = ("Select", "SelectV2")
_MASK_PATH = (*_PASS_ON, "GatherV2", "Gather", "ResourceGather")
_STEPS = 24
# Which input of an operation carries the rows, if not the first.
_ROWS_INPUT = {
    "Select": 1,
    "SelectV2": 1,
    "TabulateFusion": 3,
    "TabulateFusionSeA": 3,
    "TabulateFusionSeAtten": 3,
}
_MASKING = frozenset((*_PASS_ON, *_SELECT, "Slice", "Mul"))


def excluded_pairs(
    graph: Graph, environment: Environment
) -> frozenset[tuple[int, int]]:
    """Pairs whose rows a mask of ``exclude_types`` takes out.

    A mask of ordered slots sets whole blocks to zero, padding included; one of
    mixed slots real pairs only.

    Raises
    ------
    ModelFileError
        If the rows are changed by something else.
    """
    masks: dict[str, Node] = {}
    for piece in graph.with_op("Slice"):
        path = _path(graph, piece, environment)
        if path and all(node.op in _MASKING for node in path):
            masks |= {n.name: n for n in path if n.op == "Mul" or n.op in _SELECT}
    found = {_mask(graph, node, environment) for node in masks.values()}
    if len(found) > 1:
        raise ModelFileError(
            f"the environment rows have several masks ({', '.join(masks)}), expected "
            "one of exclude_types; expected a graph of deepmd-kit"
        )
    return next(iter(found), frozenset())


def _mask(
    graph: Graph, node: Node, environment: Environment
) -> frozenset[tuple[int, int]]:
    n = environment.n_types
    columns = n + 1 if environment.mixed else n
    kept = graph.before(node.input(0 if node.op in _SELECT else 1), _MASK_PATH)
    values = graph.array(kept.name) if kept.op == "Const" else np.empty(0)
    if values.size != n * columns or not np.isin(values, (0, 1)).all():
        raise ModelFileError(
            f"node {node.name} changes the environment rows by something that is "
            "not a mask of exclude_types; expected a graph of deepmd-kit"
        )
    pairs = np.argwhere(values.reshape(n, columns)[:, :n] == 0)
    found = frozenset((int(c), int(t)) for c, t in pairs)
    if found and node.op in _SELECT and environment.centred:
        raise unsupported(
            "exclude_types together with smooth_type_embedding and statistics of "
            "their own, which in TensorFlow is not invariant under rotation,",
            "train with set_davg_zero",
        )
    return found


def _path(graph: Graph, node: Node, environment: Environment) -> list[Node]:
    """The nodes from this one back to the environment; empty if it is not there."""
    path = [node]
    for _ in range(_STEPS):
        if not next(node.inputs, None):
            return []
        node = graph[node.input(_ROWS_INPUT.get(node.op, 0))]
        if node.name == environment.node.name:
            return path
        path.append(node)
    return []


def axis_and_divisor(
    graph: Graph, environment: Environment, script: DescriptorScript
) -> tuple[int, float]:
    """axis_neuron of ``se_e2_a``, and the number N by which T is divided."""
    found: dict[tuple[int, float | None], str] = {}
    for node in graph.with_op("Slice"):
        width = _axis_width(graph, node)
        if width is not None and _path(graph, node, environment):
            found[width, _divisor(graph, graph[node.input(0)])] = node.name
    if len(found) > 1:
        raise ModelFileError(
            f"axis_neuron and the divisor of T differ between types: "
            f"{[*found][:4]}, expected the same for all "
            f"({', '.join([*found.values()][:4])})"
        )
    axis, divisor = next(iter(found), (script.get("axis_neuron"), None))
    if type(axis) is not int:
        raise ModelFileError(
            "axis_neuron is found neither in a slice of T nor in the training "
            "script; expected a graph of deepmd-kit"
        )
    if divisor is None:
        divisor = float(sum(_original_sel(graph, environment)))
    return axis, divisor


def mean_divisor(graph: Graph, environment: Environment) -> float:
    """The number by which ``se_e2_r`` divides the sum over all slots."""
    start, end = "filter_type_", f"{environment.suffix}/Mean"
    found: dict[float, str] = {}
    for node in graph.with_op("Mean"):
        scope = node.name.removeprefix(start).removesuffix(end)
        if f"{start}{scope}{end}" == node.name and (
            scope == "all" or scope.isdecimal()
        ):
            found[_scale_of(graph, node)] = node.name
    if len(found) != 1:
        raise ModelFileError(
            f"the descriptor se_e2_r{environment.suffix} takes means of {len(found)} "
            "kinds over its neighbours, expected one; expected a graph of deepmd-kit"
        )
    scale = next(iter(found))
    return _round_if_close(sum(environment.sel) / scale)


def _scale_of(graph: Graph, mean: Node) -> float:
    for reader in graph.after(mean.name, ("Identity",)):
        if reader.op == "Mul" and graph.is_constant(reader.input(1)):
            scale = graph.scalar(reader.input(1))
            if np.isfinite(scale) and scale > 0:
                return scale
    raise ModelFileError(
        f"node {mean.name} is not followed by a positive factor; expected a graph of "
        "deepmd-kit"
    )


def _original_sel(graph: Graph, environment: Environment) -> tuple[int, ...]:
    name = f"descrpt_attr{environment.suffix}/original_sel"
    if name not in graph:
        return environment.sel
    return tuple(graph.integers(name))


def _axis_width(graph: Graph, node: Node) -> int | None:
    if not all(graph.is_constant(node.input(k)) for k in (1, 2)):
        return None
    begin, size = (graph.integers(node.input(k)) for k in (1, 2))
    if begin == [0, 0, 0] and size[:2] == [-1, -1] and len(size) == 3 and size[2] > 0:
        return size[2]
    return None


def _divisor(graph: Graph, node: Node) -> float | None:
    if node.op not in ("RealDiv", "Mul") or not graph.is_constant(node.input(1)):
        return None
    number = graph.scalar(node.input(1))
    if not np.isfinite(number) or number <= 0:
        raise ModelFileError(f"node {node.input(1)}: expected N or 1/N, got {number}")
    return number if node.op == "RealDiv" else _round_if_close(1 / number)


def _round_if_close(count: float) -> float:
    near = round(count) if np.isfinite(count) else count
    return float(near) if abs(count - near) < 1e-6 * count else count
