"""Rows in whole vectors of four numbers, as kernels load them."""

from __future__ import annotations

VECTOR = 4  # numbers


def whole(n: int) -> int:
    """n, in whole vectors."""
    return -(-n // VECTOR) * VECTOR
