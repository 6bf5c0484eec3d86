"""Memory of one worker that the models of a committee use one after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array_types import AnyArray
from .aligned import aligned_zeros


class Scratch:
    """Arrays by name, each as long as the longest that was asked for.

    What one model writes into an array is gone when the next one takes it. So the
    buffers of a committee fit into the cache as those of a single model do.
    """

    def __init__(self) -> None:
        self._arrays: dict[tuple[str, np.dtype[Any]], AnyArray] = {}

    def take(self, name: str, size: int, dtype: Any) -> AnyArray:
        """At least ``size`` numbers from a cache line on, with undefined values."""
        key = (name, np.dtype(dtype))
        found = self._arrays.get(key)
        if found is None or found.size < size:
            found = self._arrays[key] = aligned_zeros(size, dtype)
        return found
