"""Second derivatives that were found twice, made one."""

from __future__ import annotations

import numpy as np

from ..array_types import Doubles, Int64s

TILE = 1024  # rows and columns that are copied at once


def make_symmetric(rows: Doubles, atoms: Int64s) -> float:
    """Give d²E/dx dx' and d²E/dx' dx their mean, where both are there.

    Parameters
    ----------
    rows : (3n, 3N), by the axes of n atoms and of all, modified
    atoms : (n,) the n among all

    Returns
    -------
    The largest difference of two values; NaN where one is not finite.
    """
    columns = (3 * atoms[:, None] + np.arange(3)).reshape(-1)
    numbers, largest = np.arange(len(rows)), 0.0
    for i in range(0, len(rows), TILE):
        for j in range(i, len(rows), TILE):
            upper = np.ix_(numbers[i : i + TILE], columns[j : j + TILE])
            lower = np.ix_(numbers[j : j + TILE], columns[i : i + TILE])
            one, other = rows[upper], rows[lower].T
            with np.errstate(all="ignore"):
                largest = float(np.maximum(largest, np.abs(one - other).max()))
                mean = 0.5 * (one + other)
            rows[upper], rows[lower] = mean, mean.T
    return largest
