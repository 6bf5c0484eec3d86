"""Kernels that are compiled in a moment, by the real mechanism."""

from __future__ import annotations

from typing import Any

import numpy as np
from dpse_fast.kernels._jit import exact, kernel


def total(x: Any) -> Any:
    """The sum of the numbers."""
    found = x[0]
    for k in range(1, x.size):
        found += x[k]
    return found


def last(x: Any) -> Any:
    """The last number."""
    return x[x.size - 1]


def numbers(kind: str) -> Any:
    """0 to 4."""
    return np.arange(5).astype(kind)


def right() -> list[tuple[int, int]]:
    """Both, of new kernels, checked; for each, how many were found and compiled."""
    counts = []
    for make, function, expected in ((kernel, total, 10), (exact, last, 4)):
        compiled = make(function)
        assert compiled(numbers("f8")) == expected
        found, missed = compiled.stats.cache_hits, compiled.stats.cache_misses
        counts.append((sum(found.values()), sum(missed.values())))
    return counts
