"""Lists of v3 by type and by pair of types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from ...array_types import AnyArray, Doubles
from ...errors import ModelFileError
from ..tree import Tree

Item = TypeVar("Item")
MOST_TYPES = 256


def reject_many_types(tree: Tree, key: str, n_types: int) -> None:
    """Refuse more types than there can be, before anything is made for each pair."""
    if not 1 <= n_types <= MOST_TYPES:
        raise ModelFileError(
            f"{tree.where(key)}: expected 1 to {MOST_TYPES} types, got {n_types}"
        )


def embedding_grid(
    nets: Sequence[Item], n_types: int, one_sided: bool
) -> tuple[tuple[Item, ...], ...]:
    """Rows of centres, columns of neighbours, from the flat list of networks.

    One-sided lists count neighbours; two-sided ones centre + n_types·neighbour.
    """
    expected = n_types if one_sided else n_types**2
    if len(nets) != expected:
        raise ModelFileError(
            f"expected {expected} embedding networks for {n_types} types with "
            f"type_one_side {one_sided}, got {len(nets)}"
        )
    if one_sided:
        return (tuple(nets),) * n_types
    return tuple(
        tuple(nets[c + n_types * t] for t in range(n_types)) for c in range(n_types)
    )


def energies_by_type(tree: Tree, key: str, n_types: int) -> Doubles:
    """One energy for each type, eV; zeros if the file has none."""
    values = tree.optional_array(key)
    if values is None:
        return np.zeros(n_types)
    if values.size != n_types:
        raise ModelFileError(
            f"{tree.where(key)}: expected one energy for each of {n_types} types, "
            f"got shape {values.shape}"
        )
    return values.reshape(n_types).astype(np.float64)


def excluded_types(tree: Tree, key: str, n_types: int) -> frozenset[int]:
    """Types that a list names, or that a mask (0 for excluded) marks."""
    value = tree.raw(key, None)
    if value is None:
        return frozenset()
    if isinstance(value, list):
        if not all(_is_type(t, n_types) for t in value):
            tree.reject(key, "a list of types", value)
        return frozenset(value)
    return frozenset(np.flatnonzero(_mask(tree, key, n_types) == 0).tolist())


def excluded_pairs(tree: Tree, key: str, n_types: int) -> frozenset[tuple[int, int]]:
    """Both orders of every pair that a list names, or that a mask marks."""
    value = tree.raw(key, None)
    if value is None:
        return frozenset()
    pairs: Any = value
    if isinstance(value, list):
        if not all(
            isinstance(pair, list | tuple)
            and len(pair) == 2
            and all(_is_type(t, n_types) for t in pair)
            for pair in value
        ):
            tree.reject(key, "a list of pairs of types", value)
    else:
        side = n_types + 1  # the last type is that of an empty slot
        mask = _mask(tree, key, side**2).reshape(side, side)[:n_types, :n_types]
        pairs = np.argwhere(mask == 0).tolist()
    return frozenset((a, b) for i, j in pairs for a, b in ((i, j), (j, i)))


def _is_type(value: Any, n_types: int) -> bool:
    return type(value) is int and 0 <= value < n_types


def _mask(tree: Tree, key: str, count: int) -> AnyArray:
    mask = tree[key].array("type_mask")
    if mask.size != count:
        raise ModelFileError(
            f"{tree.where(key)}.type_mask: expected {count} flags, got {mask.size}"
        )
    return mask.reshape(-1)
