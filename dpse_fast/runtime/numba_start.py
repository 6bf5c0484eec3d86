"""What Numba needs before the first kernel runs."""

from __future__ import annotations

from functools import cache

from ..kernels._registries import load_registries
from .process_state import garbage_collection_paused


@cache
def start_numba() -> None:
    """Load Numba's own implementations; every evaluation begins here."""
    with garbage_collection_paused():
        load_registries()
