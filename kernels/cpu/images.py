"""Wrapping atoms into the cell, and their periodic images around it."""

from __future__ import annotations

import numpy as np

from .. import periodic
from .._jit import exact
from ..layout import Floats, Ints, Periodicity

fractions = exact(periodic.fractions)
shifts_along = exact(periodic.shifts_along)


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
    total = 0
    for k in range(3):
        low[k], high[k] = np.inf, -np.inf
    for i in range(positions.shape[0]):
        n, at = 1, fractions(positions, i, box.inverse)
        for k in range(3):
            _, first, last = shifts_along(at[k], box.reach[k])
            low[k] = min(low[k], at[k] + first)
            high[k] = max(high[k], at[k] + last)
            n *= np.int64(last - first) + 1
        total += n
    count[0] = total


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
