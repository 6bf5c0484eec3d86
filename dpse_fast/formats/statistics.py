"""From statistics of every neighbour slot to statistics of every type pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Floats
from ..errors import ModelFileError

MOST_TYPES = 256


def per_neighbour_type(
    values: ArrayLike,
    sel: Sequence[int],
    name: str = "davg, dstd",
    empty: float = 1.0,
    components: int = 4,
) -> Floats:
    """Reduce slot statistics to (centre type, neighbour type, component).

    Parameters
    ----------
    values : (n_types, n_slots·components) or (n_types, n_slots, components)
        Slots are ordered by neighbour type: the first ``sel[0]`` are of type 0.
    sel : (n_types,)
        Slots of each neighbour type; a type without slots gets `empty`.
    name : what the error calls the values
    empty : the value of a type without slots, which no neighbour ever uses
    components : 4, or 1 where the descriptor has radial information only

    Returns
    -------
    (n_types, n_types, components) of the precision of `values`

    Raises
    ------
    ModelFileError
        If the shape does not fit `sel`, or the slots of a type differ.
    """
    slots = _slots(values, len(sel), sum(sel), components, name)
    pairs = np.full((len(sel), len(sel), components), empty, dtype=slots.dtype)
    start = 0
    for t, count in enumerate(sel):
        if count:
            block = slots[:, start : start + count]
            pairs[:, t] = _uniform(block, name, f"neighbour type {t}")
        start += count
    return pairs


def shared_slots(
    values: ArrayLike, n_types: int, n_slots: int, name: str = "davg, dstd"
) -> Floats:
    """The same for a descriptor whose slots serve all neighbour types."""
    slots = _slots(values, n_types, n_slots, 4, name)
    one = _uniform(slots, name, "a centre type")
    return np.repeat(one[:, None], n_types, axis=1)


def _slots(
    values: ArrayLike, n_types: int, total: int, components: int, name: str
) -> Floats:
    if n_types > MOST_TYPES:
        raise ModelFileError(
            f"{name}: {n_types} types, more than the {MOST_TYPES} that any trainer "
            "knows; the file is damaged"
        )
    slots = np.asarray(values)
    shape = (n_types, total, components)
    if slots.shape not in (shape, (n_types, total * components)):
        raise ModelFileError(
            f"{name}: expected shape {shape} for {total} slots, got {slots.shape}"
        )
    if not np.isfinite(slots).all():
        raise ModelFileError(f"{name}: holds NaN or infinite values")
    return slots.reshape(shape)


def _uniform(block: Floats, name: str, whose: str) -> Floats:
    """What all slots (axis 1) of a block have in common."""
    if (block != block[:, :1]).any():
        raise ModelFileError(
            f"{name}: the slots of {whose} differ from one another, which no version "
            "of deepmd-kit writes; the file is damaged"
        )
    return block[:, 0]
