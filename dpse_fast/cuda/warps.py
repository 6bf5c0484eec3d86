"""How many warps a launch takes."""

from __future__ import annotations

from ..kernels.cuda._cuda import WARP

MOST_WARPS = 4096  # that share a search for an extreme


def warps(n_threads: int) -> int:
    """That have so many lanes."""
    return int(-(-n_threads // WARP))
