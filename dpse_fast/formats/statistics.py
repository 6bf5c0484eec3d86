"""From statistics of every neighbour slot to statistics of every type pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ModelFileError

Array = NDArray[np.floating]


def per_neighbour_type(
    values: ArrayLike, sel: Sequence[int], name: str = "davg, dstd", empty: float = 1.0
) -> Array:
    """Reduce slot statistics to (centre type, neighbour type, component).

    Parameters
    ----------
    values : (n_types, n_slots·4) or (n_types, n_slots, 4)
        Slots are ordered by neighbour type: the first ``sel[0]`` are of type 0.
    sel : (n_types,)
        Slots of each neighbour type; a type without slots gets `empty`.
    name : what the error calls the values
    empty : the value of a type without slots, which no neighbour ever uses

    Returns
    -------
    (n_types, n_types, 4) of the precision of `values`

    Raises
    ------
    ModelFileError
        If the shape does not fit `sel`, or the slots of a type differ.
    """
    slots = np.asarray(values)
    n, total = len(sel), sum(sel)
    if slots.shape not in ((n, total, 4), (n, total * 4)):
        raise ModelFileError(
            f"{name}: expected shape ({n}, {total}, 4) for sel {list(sel)}, "
            f"got {slots.shape}"
        )
    slots = slots.reshape(n, total, 4)
    if not np.isfinite(slots).all():
        raise ModelFileError(f"{name}: holds NaN or infinite values")
    pairs = np.full((n, n, 4), empty, dtype=slots.dtype)
    start = 0
    for t, count in enumerate(sel):
        block = slots[:, start : start + count]
        start += count
        if not count:
            continue
        if (block != block[:, :1]).any():
            raise ModelFileError(
                f"{name}: the slots of neighbour type {t} differ from one another, "
                "which no version of deepmd-kit writes; the file is damaged"
            )
        pairs[:, t] = block[:, 0]
    return pairs
