"""The neighbours that a full list keeps."""

from __future__ import annotations

from .._jit import inline
from ..layout import Floats, Ints


@inline
def without_dropped(n: int, found: Ints, measures: Floats) -> int:
    """Close the gaps of neighbours that are −1; returns how many are left.

    Parameters
    ----------
    found, measures : (≥ n,) indices and distances (of any power), modified
    """
    kept = 0
    for k in range(n):
        if found[k] >= 0:
            found[kept] = found[k]
            measures[kept] = measures[k]
            kept += 1
    return kept
