"""Reading the groups ``shared``: one embedding for all pairs, one net for all types."""

from __future__ import annotations

from collections.abc import Sequence

from ...model import Embedding, Net
from ...model.descriptors import Rows
from .place import Place
from .read_nets import embedding, gated_by_type, kind_of, nets_by_type
from .type_embedding import TypeEmbedding


def shared_embeddings(place: Place, types: TypeEmbedding) -> Rows:
    """The embedding of every pair."""
    n = types.n_types
    kind = kind_of(place)
    found: Sequence[Embedding]
    if kind == "net":
        found = nets_by_type(place, n, 2)
        found = types.embeddings(place, found[0]) if len(found) == 1 else found
    else:
        found = gated_by_type(place, n, 2) if kind == "gated" else [embedding(place)]
    row = tuple(found)
    if len(row) == 1:
        return (row * n,) * n
    if len(row) == n:
        return (row,) * n
    return tuple(row[c * n : (c + 1) * n] for c in range(n))


def shared_fitting(
    place: Place, types: TypeEmbedding, n_descriptor: int, n_parameters: int
) -> tuple[Net, ...]:
    """The fitting net of every type."""
    found = nets_by_type(place, types.n_types)
    if len(found) > 1:
        return found
    return types.fitting(place, found[0], n_descriptor, n_parameters)
