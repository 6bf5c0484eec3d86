"""What a descriptor of v3 gives the fitting net."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...array_types import Doubles
from ...model import Descriptor, TypeEmbedding


@dataclass(frozen=True)
class Part:
    """A descriptor with its type embedding.

    Parameters
    ----------
    descriptor : SeE2A or SeE2R
    types : (n_types, k) type embedding, or None
    behind : the fitting net takes the centre's vector behind D
    """

    descriptor: Descriptor
    types: Doubles | None = None
    behind: bool = False

    @property
    def constants(self) -> Doubles | None:
        """(n_types, k) of the inputs behind D, by the type of the centre, or None."""
        return self.types if self.behind else None


def type_embeddings(parts: Sequence[Part]) -> tuple[TypeEmbedding, ...]:
    """Of all parts that have one; v3 always shows a row of an empty slot."""
    return tuple(
        TypeEmbedding(part.types, k if part.behind else -1, padded=True)
        for k, part in enumerate(parts)
        if part.types is not None
    )
