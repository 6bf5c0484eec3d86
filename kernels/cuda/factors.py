"""Factors of matrix products in memory: as they are, or as three parts for TF32.

A number a is hi + lo, hi its first eleven significant bits and lo at most twelve more.
A row of N numbers in three parts is [lo, hi, hi], N numbers each: its product with
weights stacked as [hi, lo, hi] is lo·hi + hi·lo + hi·hi, as exact as float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ._cuda import device
from ._ptx import load4, store4, tf32_part

Four = tuple[Any, Any, Any, Any]


class Access(NamedTuple):
    """How a row of factors is read and written, four numbers at a time."""

    parts: int
    load: Callable[[Any, Any, Any], Four]  # array, place, N
    store: Callable[[Any, Any, Any, Four], None]


@device
def _load_whole(array: Any, at: Any, width: Any) -> Four:
    return load4(array, at)


@device
def _store_whole(array: Any, at: Any, width: Any, values: Four) -> None:
    store4(array, at, values)


@device
def _load_split(array: Any, at: Any, width: Any) -> Four:
    low = load4(array, at)
    high = load4(array, at + width)
    return low[0] + high[0], low[1] + high[1], low[2] + high[2], low[3] + high[3]


@device
def _store_split(array: Any, at: Any, width: Any, values: Four) -> None:
    h_0 = tf32_part(values[0])
    h_1 = tf32_part(values[1])
    h_2 = tf32_part(values[2])
    h_3 = tf32_part(values[3])
    low = (values[0] - h_0, values[1] - h_1, values[2] - h_2, values[3] - h_3)
    store4(array, at, low)
    store4(array, at + width, (h_0, h_1, h_2, h_3))
    store4(array, at + 2 * width, (h_0, h_1, h_2, h_3))


ACCESS = {
    1: Access(1, _load_whole, _store_whole),
    3: Access(3, _load_split, _store_split),
}
