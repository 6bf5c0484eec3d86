"""Places along cell vectors, periodic images, and cells of space, of one coordinate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

ROUNDING = 1e-6  # cells, more than a coordinate over the cells' edge is wrong by


def fractions(positions: Any, i: Any, m: Any) -> Any:
    """The coordinates of an atom along the cell vectors, not wrapped.

    Parameters
    ----------
    positions : (n, 3) Å
    m : (3, 3) the inverse of the cell
    """
    x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
    return (
        x * m[0, 0] + y * m[1, 0] + z * m[2, 0],
        x * m[0, 1] + y * m[1, 1] + z * m[2, 1],
        x * m[0, 2] + y * m[1, 2] + z * m[2, 2],
    )


def shifts_along(at: Any, reach: Any) -> Any:
    """Cell vectors to add to a fraction: of the atom itself, the first and last image.

    Parameters
    ----------
    reach : fractions of the cell that images may lie outside; 0 along an open axis
    """
    if reach <= 0.0:
        return 0.0, 0.0, 0.0
    wrap = float(math.floor(at))
    inside = at - wrap
    first = -float(math.floor(inside + reach)) - wrap
    last = float(math.floor(1.0 + reach - inside)) - wrap
    return -wrap, first, last


def clamped(at: Any, n: Any) -> Any:
    """The cell of a coordinate in cells; the first or last if outside."""
    return np.int64(min(max(at, 0.0), n - 1.0))


def gap(at: Any, cell: Any) -> Any:
    """From a coordinate to a cell along one axis, in cells; 0 inside."""
    return max(max(cell - at, at - (cell + 1)) - ROUNDING, 0.0)
