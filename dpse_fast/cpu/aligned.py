"""Arrays that start on a cache line, so that no register straddles two."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array_types import AnyArray

CACHE_LINE = 64  # bytes


def aligned_zeros(size: int, dtype: Any) -> AnyArray:
    """``size`` zeros whose address is a multiple of the cache line."""
    item = np.dtype(dtype).itemsize
    raw = np.zeros(size * item + CACHE_LINE, np.uint8)
    offset = -raw.ctypes.data % CACHE_LINE
    return raw[offset : offset + size * item].view(dtype)


def own_lines(size: int, dtype: Any) -> AnyArray:
    """``size`` zeros in cache lines that hold nothing else.

    Threads that count into one line wait for each other at every atom.
    """
    item = np.dtype(dtype).itemsize
    lines = -(-size * item // CACHE_LINE)
    return aligned_zeros(lines * CACHE_LINE // item, dtype)[:size]
