"""Embedding nets that take types as vectors: one net a pair after reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...array_types import Doubles, Floats
from ...errors import ModelFileError
from ...model import Embedding, EmbeddingTable, Gated, Net
from ..constant_inputs import fix_inputs
from .compressed import typed_table
from .embedding import Pair, Rows, without
from .environment import Environment
from .graph import Graph, Node, missing
from .layers import numbered_net

_GATHERS = ("GatherV2", "Gather", "ResourceGather")
_PASS_ON = ("Identity", "Cast", "Reshape")


@dataclass(frozen=True, eq=False)
class TypedEmbedding:
    """Embeddings of pairs, and of an empty slot by centre where it differs."""

    rows: Rows
    padding: tuple[Embedding, ...] = ()


def is_typed(graph: Graph, suffix: str) -> bool:
    """Whether the descriptor has one net for all pairs, or its table."""
    scope = f"filter_type_all{suffix}"
    return f"{scope}/matrix_1" in graph or typed_table(graph, suffix) is not None


def typed_embedding(
    graph: Graph,
    environment: Environment,
    vectors: Doubles | None,
    excluded: frozenset[Pair],
) -> TypedEmbedding:
    """The embedding of every pair from one net and the types' vectors.

    An empty slot has the type of its block in ``se_e2_a``, or none, which is the
    vector 0, where the type is looked up by the neighbour: in ``se_atten`` and in
    every stripped type embedding. It matters if its row is not zero.
    """
    if vectors is None:
        raise ModelFileError(
            "the embedding net takes types, but the graph has no type_embed_net; "
            "expected a complete graph of deepmd-kit"
        )
    scope = f"filter_type_all{environment.suffix}"
    compressed = typed_table(graph, environment.suffix)
    radial = compressed[0] if compressed else _shared_net(graph, scope, environment)
    if radial is None:
        raise missing(f"{scope}/matrix_1")
    known = np.vstack([vectors, np.zeros(vectors.shape[1])])
    looked_up = environment.mixed
    if isinstance(radial, Net) and radial.n_in > 1:
        first = radial.layers[0]
        graph.reserve(2 * (first.n_in + first.n_out) * len(known) ** 2)
        build = _concatenated(radial, known)
    else:
        node = compressed[1] if compressed else None
        build = _stripped(graph, scope, radial, known, node)
        looked_up = True
    n = environment.n_types
    rows: Rows = tuple(tuple(build(c, t) for t in range(n)) for c in range(n))
    padding: tuple[Embedding, ...] = ()
    if looked_up and environment.centred:
        padding = tuple(build(c, n) for c in range(n))
    if excluded and not environment.mixed:
        rows = without(excluded, rows)
    return TypedEmbedding(rows, padding)


def _shared_net(graph: Graph, scope: str, environment: Environment) -> Net | None:
    """The net of (s, types) or s; deepmd-kit 2.1 repeats a hybrid's suffix in it."""
    endings = ("", environment.suffix) if environment.mixed else ("",)
    nets = (numbered_net(graph, scope, ending) for ending in endings)
    return next((net for net in nets if net is not None), None)


def _concatenated(shared: Net, known: Doubles) -> Callable[[int, int], Embedding]:
    """Nets of (s, neighbour's vector, centre's vector unless one-sided)."""
    width = known.shape[1]
    if shared.n_in not in (1 + width, 1 + 2 * width):
        raise ModelFileError(
            f"the embedding net takes {shared.n_in} inputs, expected 1 and one or two "
            f"type vectors of {width}"
        )
    one_sided = shared.n_in == 1 + width
    made: dict[tuple[int, int], Embedding] = {}

    def build(centre: int, neighbour: int) -> Embedding:
        key = (-1 if one_sided else centre, neighbour)
        if key not in made:
            values = [known[neighbour], *(() if one_sided else (known[centre],))]
            made[key] = fix_inputs(shared, 1, np.concatenate(values))
        return made[key]

    return build


def _stripped(
    graph: Graph,
    scope: str,
    radial: Net | EmbeddingTable,
    known: Doubles,
    table_node: Node | None,
) -> Callable[[int, int], Embedding]:
    """A radial embedding times gates of the types."""
    if table_node is not None:
        gates, smooth = _tabulated_gates(graph, table_node, radial.n_out)
    else:
        gates, smooth = _gates(graph, scope, known)
    count = len(known)
    if gates.shape not in ((count, radial.n_out), (count**2, radial.n_out)):
        raise ModelFileError(
            f"the type gates in {scope} have shape {gates.shape}, expected {count} or "
            f"{count**2} rows of {radial.n_out}"
        )
    one_sided = len(gates) == count
    made: dict[int, Embedding] = {}

    def build(centre: int, neighbour: int) -> Embedding:
        row = neighbour if one_sided else centre * count + neighbour
        if row not in made:
            made[row] = Gated(radial, gates[row], smooth, cubic=smooth)
        return made[row]

    return build


def _gates(graph: Graph, scope: str, known: Doubles) -> tuple[Floats, bool]:
    """Rows (neighbour) or (centre, neighbour), and whether the switch fades them."""
    two_sided = f"{scope}/matrix_1_two_side_ebd" in graph
    ending = "_two_side_ebd" if two_sided else "_one_side_ebd"
    shared = numbered_net(graph, scope, ending)
    if shared is None:
        raise missing(f"{scope}/matrix_1_two_side_ebd")
    count, width = known.shape
    if shared.n_in != width * (1 + two_sided):
        raise ModelFileError(
            f"node {scope}/matrix_1{ending} takes {shared.n_in} inputs, expected "
            f"{width * (1 + two_sided)} of type vectors"
        )
    graph.reserve(2 * count * (count if two_sided else 1) * shared.n_out)
    with np.errstate(all="ignore"):
        values = np.vstack(
            [shared(np.hstack([known, np.tile(c, (count, 1))])) for c in known]
            if two_sided
            else [shared(known)]
        )
    found = {
        _is_faded(graph, reader)
        for node in graph.with_op(*_GATHERS)
        if node.name.startswith(f"{scope}/")
        for reader in graph.after(node.name, _PASS_ON)
        if reader.op == "Mul"
    }
    if len(found) != 1:
        raise ModelFileError(
            f"the way from the type gates of {scope} to the embedding is not known, "
            "expected a graph of deepmd-kit"
        )
    return values, found.pop()


def _is_faded(graph: Graph, product: Node) -> bool:
    """Whether a product of the gates goes into another: it is with the switch."""
    return any(node.op == "Mul" for node in graph.after(product.name, _PASS_ON))


def _tabulated_gates(graph: Graph, node: Node, width: int) -> tuple[Floats, bool]:
    source = graph.before(node.input(4), _PASS_ON)
    smooth = source.op == "Mul"
    if smooth:
        source = graph.before(source.input(0), _PASS_ON)
    if source.op not in _GATHERS:
        raise ModelFileError(
            f"node {node.name} takes its type gates from {source.name} ({source.op}), "
            "expected a lookup; expected a model compressed by deepmd-kit"
        )
    values = graph.array(source.input(0))
    if values.dtype.kind != "f" or values.size % width:
        raise ModelFileError(
            f"node {source.name}: expected type gates of {width} channels, got shape "
            f"{values.shape}"
        )
    return values.reshape(-1, width), smooth
