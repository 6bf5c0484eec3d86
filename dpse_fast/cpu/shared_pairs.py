"""Which models of a committee find the same pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.layout import Environments
from .packed_descriptor import PackedDescriptor
from .packed_plan import PackedPlan

# Of `Environments`: what decides which neighbours count, and what is reported of them.
CHOICE = (
    "cutoff",
    "trusted",
    "trained",
    "certified",
    "sel",
    "list_size",
    "group",
    "competes",
    "slots",
    "unseen",
)
# And what turns a distance into a row of a table.
PLACES = (
    "table_of",
    "first_row",
    "first_register",
    "registers",
    "shortest",
    "cells_per_length",
    "first_cell",
    "cells",
    "one_edge",
    "origins",
)


def same_pairs(one: PackedPlan, other: PackedPlan) -> bool:
    """Whether the pairs that one plan finds are those of the other.

    Pairs of plans with a pair table are their own: it counts neighbours of its own.
    Distances to find rows of tables from are kept in double precision only.
    """
    if one.pair_potential is not None or other.pair_potential is not None:
        return False
    if one.geometry_dtype != other.geometry_dtype or one.widest != other.widest:
        return False
    if len(one.descriptors) != len(other.descriptors):
        return False
    return all(
        _same_pairs(a.environments, b.environments)
        and (one.geometry_dtype == np.float64 or same_places(a, b))
        for a, b in zip(one.descriptors, other.descriptors, strict=True)
    )


def same_places(one: PackedDescriptor, other: PackedDescriptor) -> bool:
    """Whether a distance lies in the same row of both tables, and at the same place."""
    same_type = one.coefficients.dtype == other.coefficients.dtype
    return same_type and _agree(one.environments, other.environments, PLACES)


def _same_pairs(one: Environments, other: Environments) -> bool:
    counted = np.array_equal(one.table_of < 0, other.table_of < 0)
    return counted and _agree(one, other, CHOICE)


def _agree(one: Any, other: Any, names: tuple[str, ...]) -> bool:
    return all(np.array_equal(getattr(one, k), getattr(other, k)) for k in names)
