"""The energy of a pair in a table of cubic polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np


def cell_at(r: Any, start: Any, inverse_step: Any, n_rows: int) -> tuple[Any, Any]:
    """The row of a table that holds r, and how far in it r is, 0 ≤ t < 1 inside.

    Parameters
    ----------
    r, start : Å
    inverse_step : 1/Å
    """
    at = (r - start) * inverse_step
    row = min(max(np.int64(at), 0), n_rows - 1)
    return row, at - row


def cubic_jet(a_0: Any, a_1: Any, a_2: Any, a_3: Any, t: Any) -> tuple[Any, Any]:
    """Σ_p a_p t^p and its slope in t."""
    value = ((a_3 * t + a_2) * t + a_1) * t + a_0
    return value, (3.0 * a_3 * t + 2.0 * a_2) * t + a_1
