"""Embeddings and nets that differ by type in one array alone, seen as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...array_types import Floats
from ...model import Embedding, Gated, Net


def stacked_biases(items: Sequence[Embedding | None]) -> Floats | None:
    """The first biases (n, width) of nets that have all the rest in common.

    So are the nets that a type embedding makes. None for other items.
    """
    nets = [item for item in items if isinstance(item, Net)]
    rest = [
        (
            *(id(layer) for layer in net.layers[1:]),
            _memory(net.layers[0].weight),
            _memory(net.layers[0].idt),
            net.layers[0].activation,
            net.layers[0].skip,
        )
        for net in nets
    ]
    return _stack([net.layers[0].bias for net in nets], rest, len(items))


def stacked_gates(items: Sequence[Embedding | None]) -> Floats | None:
    """The gates (n, M) of embeddings that have all the rest in common, or None."""
    gated = [item for item in items if isinstance(item, Gated)]
    rest = [(id(item.radial), item.smooth, item.cubic) for item in gated]
    return _stack([item.gate for item in gated], rest, len(items))


def _stack(rows: list[Floats], rest: list[Any], expected: int) -> Floats | None:
    if len(rows) != expected or len(rows) < 2 or len(set(rest)) > 1:
        return None
    if len({_memory(row) for row in rows}) < len(rows):
        return None
    if len({row.dtype for row in rows}) > 1:
        return None
    return np.stack(rows)


def _memory(values: Floats | None) -> Any:
    if values is None:
        return None
    return values.__array_interface__["data"][0], values.shape, values.dtype
