"""Wrapping atoms into the cell, and their periodic images around it."""

from __future__ import annotations

import numpy as np

from .._jit import exact
from ..layout import Floats, Ints, Periodicity


@exact
def fractions(positions: Floats, i: int, m: Floats) -> tuple[float, float, float]:
    """The coordinates of an atom along the cell vectors, not wrapped.

    Parameters
    ----------
    m : (3, 3) the inverse of the cell
    """
    x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
    return (
        x * m[0, 0] + y * m[1, 0] + z * m[2, 0],
        x * m[0, 1] + y * m[1, 1] + z * m[2, 1],
        x * m[0, 2] + y * m[1, 2] + z * m[2, 2],
    )


@exact
def shifts_along(at: float, reach: float) -> tuple[float, float, float]:
    """Cell vectors to add to a fraction: of the atom itself, the first and last image.

    Parameters
    ----------
    reach : fractions of the cell that images may lie outside; 0 along an open axis
    """
    if reach <= 0.0:
        return 0.0, 0.0, 0.0
    wrap = np.floor(at)
    inside = at - wrap
    first = -np.floor(inside + reach) - wrap
    last = np.floor(1.0 + reach - inside) - wrap
    return -wrap, first, last


@exact
def measure_images(
    positions: Floats, box: Periodicity, low: Floats, high: Floats, count: Ints
) -> None:
    """How many atoms and images there are, and where they lie.

    Parameters
    ----------
    positions : (n, 3) Å
    low, high : (3,) modified: the extent of atoms and images, in fractions
    count : (1,) int64, modified
    """
    count[0] = 0
    for k in range(3):
        low[k], high[k] = np.inf, -np.inf
    for i in range(positions.shape[0]):
        n, at = 1, fractions(positions, i, box.inverse)
        for k in range(3):
            _, first, last = shifts_along(at[k], box.reach[k])
            low[k] = min(low[k], at[k] + first)
            high[k] = max(high[k], at[k] + last)
            n *= np.int64(last - first) + 1
        count[0] += n


@exact
def add_to_owners(owners: Ints, values: Floats, total: Floats) -> None:
    """Sum the rows of atoms and their images.

    Parameters
    ----------
    owners : (m,) int32, the row of total that each row of values belongs to
    values : (m, k)
    total : (n, k), modified
    """
    for i in range(owners.size):
        own = owners[i]
        for k in range(values.shape[1]):
            total[own, k] += values[i, k]
