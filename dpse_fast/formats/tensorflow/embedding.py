"""The embedding of each (centre, neighbour) pair from nets and tables of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...errors import ModelFileError
from ...model import Embedding
from .compressed import pair_tables
from .environment import Environment
from .graph import Graph, missing
from .layers import numbered_net
from .script import DescriptorScript

Pair = tuple[int, int]
Rows = tuple[tuple[Embedding | None, ...], ...]


def pair_embeddings(
    graph: Graph,
    environment: Environment,
    script: DescriptorScript,
    excluded: frozenset[Pair],
) -> Rows:
    """One row a centre type; None where the graph leaves the pair out.

    Parameters
    ----------
    excluded : pairs that a mask on the rows of one-sided nets takes out
    """
    found: dict[tuple[str, int], Embedding] = dict(pair_tables(graph, environment))
    for scope, t in sorted(_pairs_with_nets(graph, environment)):
        name = environment.scope(scope)
        built = numbered_net(graph, name, f"_{t}")
        if built is None:
            raise missing(f"{name}/matrix_1_{t}")
        found.setdefault((scope, t), built)
    if not found:
        raise ModelFileError(
            f"the graph has no embedding nets under the names that deepmd-kit gives "
            f"them ({environment.scope('*')}/matrix_*), as where all pairs of types "
            "are excluded, or where another program wrote it; give a graph of dp "
            "freeze or dp compress"
        )
    if any(scope == "all" for scope, _ in found):
        return _one_sided(environment, found, excluded)
    return _two_sided(environment, script, found)


def _one_sided(
    environment: Environment,
    found: Mapping[tuple[str, int], Embedding],
    excluded: frozenset[Pair],
) -> Rows:
    n = environment.n_types
    shared = tuple(found.get(("all", t)) for t in range(n))
    for t, count in enumerate(environment.sel):
        if count and shared[t] is None:
            raise missing(f"{environment.scope('all')}/matrix_1_{t}")
    if environment.components == 1 or not excluded:
        return (shared,) * n
    return without(excluded, (shared,) * n)


def _two_sided(
    environment: Environment,
    script: DescriptorScript,
    found: Mapping[tuple[str, int], Embedding],
) -> Rows:
    n, sel = environment.n_types, environment.sel
    excluded = script.excluded(n)
    rows = tuple(tuple(found.get((str(c), t)) for t in range(n)) for c in range(n))
    for c, row in enumerate(rows):
        for t, embedding in enumerate(row):
            if embedding is not None or not sel[t]:
                continue
            mirrored = not sel[c] or rows[t][c] is None
            if not mirrored if excluded is None else (c, t) not in excluded:
                raise missing(f"{environment.scope(c)}/matrix_1_{t}")
    return rows


def without(pairs: frozenset[Pair], rows: Rows) -> Rows:
    """The rows without the blocks of these pairs."""
    return tuple(
        tuple(None if (c, t) in pairs else embedding for t, embedding in enumerate(row))
        for c, row in enumerate(rows)
    )


def _pairs_with_nets(graph: Graph, environment: Environment) -> set[tuple[str, int]]:
    scope = rf"{environment.prefix}(\d{{1,4}}|all){environment.suffix}"
    pattern = re.compile(rf"{scope}/matrix_\d{{1,4}}_(\d{{1,4}})")
    return {
        (match[1], int(match[2]))
        for name in graph.nodes
        if (match := pattern.fullmatch(name))
    }
