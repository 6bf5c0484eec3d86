"""A model with its weights in another precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .model import Embedding, EmbeddingTable, Layer, Model, Net


def with_weights(model: Model, dtype: Any) -> Model:
    """The model with nets and tables rounded to float32, or widened to float64.

    Statistics, biases of the energy and cutoffs stay as they are.
    """
    kind = np.dtype(dtype)
    done: dict[int, Embedding | None] = {}
    descriptor = model.descriptor
    rows = tuple(
        tuple(done.setdefault(id(item), _embedding(item, kind)) for item in row)
        for row in descriptor.embedding
    )
    return replace(
        model,
        descriptor=replace(descriptor, embedding=rows),
        fitting=tuple(_net(net, kind) for net in model.fitting),
    )


def _embedding(item: Embedding | None, kind: np.dtype[Any]) -> Embedding | None:
    if isinstance(item, EmbeddingTable):
        return replace(item, coefficients=item.coefficients.astype(kind))
    return None if item is None else _net(item, kind)


def _net(net: Net, kind: np.dtype[Any]) -> Net:
    return Net(tuple(_layer(layer, kind) for layer in net.layers))


def _layer(layer: Layer, kind: np.dtype[Any]) -> Layer:
    return replace(
        layer,
        weight=layer.weight.astype(kind),
        bias=layer.bias.astype(kind),
        idt=None if layer.idt is None else layer.idt.astype(kind),
    )
