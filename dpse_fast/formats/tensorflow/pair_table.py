"""The pair table of ``use_srtab`` and its switch."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ...array_types import AnyArray, Doubles
from ...errors import ModelFileError
from ...model import PairTable
from .environment import Environment
from .graph import Graph, Node

_OLD, _NEW = "TabInter", "PairTab"
_ADDITIONS = ("Add", "AddV2")


def pair_table(
    graph: Graph,
    environments: Sequence[Environment],
    statistics: Doubles,
) -> PairTable | None:
    """The pair table, or None if the graph has none.

    The operation's attributes are float32, and from deepmd-kit 2 on so is the
    difference of the two ends of the switch (``spline5_switch`` of its library).

    Parameters
    ----------
    statistics : (n_types,) eV, what ``srtab_add_bias`` adds to the table
    """
    tables, switches = graph.with_op(_OLD, _NEW), graph.with_op("SoftMinSwitch")
    if not tables:
        return None
    if len(tables) != 1 or len(switches) != 1:
        raise ModelFileError(
            f"the graph has {len(tables)} pair tables and {len(switches)} switches, "
            "expected one of each; freeze the model again"
        )
    table, switch = tables[0], switches[0]
    start, step, coefficients = _splines(graph, table, len(statistics))
    inner, outer, alpha = (
        np.float32(switch.number(key)) for key in ("rmin", "rmax", "alpha")
    )
    listed, other = (
        _environment(graph, name, environments)
        for name in (table.input(4), switch.input(2))
    )
    if listed is not other:
        raise ModelFileError(
            "the pair table and its switch take neighbours from two lists, expected "
            "one; expected a graph of deepmd-kit"
        )
    return PairTable(
        start=start,
        step=step,
        coefficients=coefficients,
        rcut=listed.rcut,
        switch_rcut=listed.rcut,
        sel=listed.sel,
        inner=float(inner),
        width=float(outer - inner) if table.op == _NEW else float(outer) - float(inner),
        alpha=float(alpha),
        bias=statistics if _adds_bias(graph, table) else np.zeros_like(statistics),
    )


def _splines(graph: Graph, table: Node, n: int) -> tuple[float, float, AnyArray]:
    """Start, step (Å) and coefficients (n, n, rows, 4), the lowest power first."""
    info = graph.array(table.input(0)).reshape(-1).astype(np.float64)
    values = graph.array(table.input(1))
    if info.size != 4 or not np.isfinite(info).all():
        raise ModelFileError(
            f"node {table.input(0)}: expected start, step, rows and types of the pair "
            f"table, got {info[:4].tolist()}"
        )
    rows = info[2]
    shape = (n, n, int(rows) if 0 < rows <= values.size else 0, 4)
    if info[3] != n or prod(shape) != values.size or not values.size:
        raise ModelFileError(
            f"node {table.input(1)}: expected {rows:g} rows of four for {n}×{n} types, "
            f"got shape {values.shape}"
        )
    return float(info[0]), float(info[1]), values.reshape(shape)[..., ::-1]


def _environment(
    graph: Graph, neighbour_list: str, environments: Sequence[Environment]
) -> Environment:
    source = graph.before(neighbour_list, ("Identity",)).name
    for environment in environments:
        if environment.node.name == source:
            return environment
    raise ModelFileError(
        f"the pair table takes its neighbours from {source}, expected an environment "
        "node; expected a graph of deepmd-kit"
    )


def _adds_bias(graph: Graph, table: Node) -> bool:
    """Whether something is added to the table's first output, the energy."""
    return any(
        reader.op in _ADDITIONS and (table.name, 0) in reader.sources
        for reader in graph.after(table.name, ())
    )
