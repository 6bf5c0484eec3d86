"""Which row of an adaptive table holds a distance."""

from __future__ import annotations

from typing import Any

import numpy as np


def row_at(
    r: Any,
    shortest: Any,
    cells_per_length: Any,
    first_cell: Any,
    cells: Any,
    origins: Any,
) -> Any:
    """The row, of all tables; the first one of the table below its range.

    Parameters
    ----------
    r : Å
    shortest, cells_per_length, first_cell : of the table; see `Environments`
    cells, origins : of all tables
    """
    row = np.int64(cells[np.uint64(first_cell)])
    if r >= shortest:
        cell = first_cell + 1 + np.int64((r - shortest) * cells_per_length)
        row = np.int64(cells[np.uint64(cell)])
        # Most cells hold one edge at most: a sum is cheaper than a branch.
        row += r >= origins[np.uint64(row + 1)]
        while r >= origins[np.uint64(row + 1)]:
            row += 1
    return row
