"""The vectors of types that deepmd-kit shows, and where it puts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..array_types import Floats
from ..errors import InputError
from .nets import float_array


@dataclass(frozen=True, eq=False)
class TypeEmbedding:
    """What a network for types gives, one vector for each.

    Parameters
    ----------
    vectors : (n_types, k)
    behind : number of the descriptor whose D is followed by the centre's vector
        (``concat_output_tebd``); -1 for none
    padded : bool
        deepmd-kit shows a last row of zeros too, of an empty slot.
    """

    vectors: Floats
    behind: int = -1
    padded: bool = False

    def __post_init__(self) -> None:
        put = object.__setattr__
        vectors = float_array(self.vectors, (None, None), "type embedding")
        put(self, "vectors", vectors)
        put(self, "behind", int(self.behind))
        put(self, "padded", bool(self.padded))

    @property
    def width(self) -> int:
        """k."""
        return int(self.vectors.shape[1])

    @property
    def rows(self) -> Floats:
        """(n_types, k), or one row more, as deepmd-kit shows it."""
        return np.pad(self.vectors, ((0, int(self.padded)), (0, 0)))


def type_embedding_rows(embeddings: Sequence[TypeEmbedding]) -> Floats:
    """The vectors of all, side by side: (n_types, k) or (n_types + 1, k).

    Raises
    ------
    InputError
        If there is none.
    """
    if not embeddings:
        raise InputError(
            "type_embedding: expected a model with a network for types, the file has "
            "none"
        )
    return np.concatenate([e.rows for e in embeddings], axis=1)
