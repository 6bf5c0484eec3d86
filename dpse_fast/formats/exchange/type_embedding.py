"""Nets that several types share, told apart by the type embedding they take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ... import model
from ...array_types import Floats
from ...errors import ModelFileError
from ...model import Net
from ..constant_inputs import fix_inputs
from ..tree import located
from .place import OBJECTS, Place


class TypeEmbedding:
    """The vectors e_t of a file, and the nets by type that they make.

    Parameters
    ----------
    root : the top of the file
    n_types : its number of types
    """

    def __init__(self, root: Place, n_types: int) -> None:
        values = root.optional_array("type_embedding")
        if values is not None and (values.ndim != 2 or len(values) != n_types):
            root.reject(
                "type_embedding",
                f"expected shape ({n_types}, any), got {values.shape}",
            )
        self.n_types = n_types
        self._root = root
        self._vectors = np.zeros((n_types, 0)) if values is None else values
        self._used = values is None

    def embeddings(self, place: Place, net: Net) -> tuple[Net, ...]:
        """The embedding nets of all pairs, of all neighbours, or the one, from one.

        That takes x, or (x, e_t), or (x, e_t, e_c) with the types t of the neighbour
        and c of the centre.
        """
        n, k = self.n_types, int(self._vectors.shape[1])
        if net.n_in not in (1, 1 + k, 1 + 2 * k):
            raise _misfit(place, net, (1, 1 + k, 1 + 2 * k))
        if net.n_in == 1:
            return (net,)
        e = self._vectors
        if net.n_in == 1 + k:
            return self._fixed(place, net, 1, e)
        pairs = (np.concatenate([e[t], e[c]]) for c in range(n) for t in range(n))
        return self._fixed(place, net, 1, pairs)

    def fitting(
        self, place: Place, net: Net, n_descriptor: int, n_parameters: int
    ) -> tuple[Net, ...]:
        """The fitting net of every type from one: of (D, p), or (D, e_c, p)."""
        n, k = self.n_types, int(self._vectors.shape[1])
        n_in = n_descriptor + n_parameters
        if net.n_in not in (n_in, n_in + k):
            raise _misfit(place, net, (n_in, n_in + k))
        if net.n_in == n_in:
            return (net,) * n
        return self._fixed(place, net, n_descriptor, self._vectors)

    def check_used(self) -> None:
        """Refuse a type embedding that no net takes."""
        if not self._used:
            self._root.reject(
                "type_embedding",
                "no net takes it; expected a net embedding/shared or fitting/shared "
                "with inputs for it",
            )

    def _fixed(
        self,
        place: Place,
        net: Net,
        first: int,
        vectors: Iterable[Floats],
    ) -> tuple[Net, ...]:
        """The net by each vector; all share every weight matrix."""
        self._used = True
        layer = net.layers[0]
        place.claim(net.n_in * max(layer.weight.shape) * 8)
        found: list[Net] = []
        for vector in vectors:
            place.claim(OBJECTS + max(layer.weight.shape) * 8)
            fixed = fix_inputs(net, first, vector)
            if found:
                head = replace(fixed.layers[0], weight=found[0].layers[0].weight)
                fixed = Net((head, *fixed.layers[1:]))
            found.append(fixed)
        return tuple(found)


def type_embeddings(root: Place) -> tuple[model.TypeEmbedding, ...]:
    """What the file states to be shown, else the vectors that its nets take."""
    if not root.has("type_vectors"):
        vectors = root.optional_array("type_embedding")
        return () if vectors is None else (model.TypeEmbedding(vectors),)
    places = root.inner("type_vectors")
    return tuple(_stated(places.inner(k)) for k in places.numbered())


def _stated(place: Place) -> model.TypeEmbedding:
    attributes = place.attributes(("behind", "padded"))
    place.only(("vectors",))
    behind = attributes.integer("behind", -1)
    padded = attributes.flag("padded", False)
    with located(place.name):
        return model.TypeEmbedding(place.array("vectors"), behind, padded)


def _misfit(place: Place, net: Net, expected: Iterable[int]) -> ModelFileError:
    counts = " or ".join(str(n) for n in sorted(set(expected)))
    return ModelFileError(
        f"{place.name}: the shared net takes {net.n_in} values, expected {counts}"
    )
