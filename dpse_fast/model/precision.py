"""A model with its weights in another precision."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from .model import Model
from .nets import EmbeddingTable, Gated, Layer, Net

Item = TypeVar("Item")


def with_weights(model: Model, dtype: Any) -> Model:
    """The model with nets and their tables rounded to float32, or widened to float64.

    Statistics, parameters, biases of the energy, the pair table and cutoffs stay
    as they are. What the model shares stays shared.
    """
    cast = _Cast(np.dtype(dtype))
    return replace(
        model,
        descriptors=tuple(
            replace(d, embedding=cast(d.embedding), padding=cast(d.padding))
            for d in model.descriptors
        ),
        fitting=cast(model.fitting),
        vacuum=cast(model.vacuum),
    )


class _Cast:
    """Casts everything once, so that shared parts stay shared."""

    def __init__(self, kind: np.dtype[Any]) -> None:
        self._kind = kind
        self._done: dict[Any, Any] = {}

    def __call__(self, item: Item) -> Item:
        key: Any = id(item)
        if isinstance(item, np.ndarray):
            key = item.__array_interface__["data"][0], item.shape
        if key not in self._done:
            self._done[key] = self._fresh(item)
        found: Item = self._done[key]
        return found

    def _fresh(self, item: Any) -> Any:
        if isinstance(item, np.ndarray):
            return item.astype(self._kind, copy=False)
        if isinstance(item, tuple):
            return tuple(self(part) for part in item)
        if isinstance(item, Net | Layer | EmbeddingTable | Gated):
            return replace(
                item, **{f.name: self(getattr(item, f.name)) for f in fields(item)}
            )
        return item
