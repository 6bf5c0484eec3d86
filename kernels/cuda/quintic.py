"""Quintics of a lane's channels at one distance, coefficients in registers."""

from __future__ import annotations

from typing import Any

from ..layout import Floats
from ._cuda import device
from ._ptx import fetch4


@device
def load_row(table: Floats, vector: int, lanes: int, vectors: int, c: Any) -> None:
    """A lane's coefficients of a row of a table.

    Parameters
    ----------
    vector : the lane's first
    c : (4 · vectors,) of the thread, modified
    """
    for v in range(vectors):
        four = fetch4(table, 4 * (vector + v * lanes))
        c[4 * v] = four[0]
        c[4 * v + 1] = four[1]
        c[4 * v + 2] = four[2]
        c[4 * v + 3] = four[3]


@device
def lane_quintic(c: Any, channels: int, m: int, x: Any) -> Any:
    """The value at x of the lane's channel m."""
    g = c[5 * channels + m]
    g = g * x + c[4 * channels + m]
    g = g * x + c[3 * channels + m]
    g = g * x + c[2 * channels + m]
    g = g * x + c[channels + m]
    return g * x + c[m]


@device
def lane_quintic_jet(c: Any, channels: int, m: int, x: Any) -> tuple[Any, Any]:
    """The value and the slope at x of the lane's channel m."""
    slope = c[5 * channels + m]
    g = slope * x + c[4 * channels + m]
    slope = slope * x + g
    g = g * x + c[3 * channels + m]
    slope = slope * x + g
    g = g * x + c[2 * channels + m]
    slope = slope * x + g
    g = g * x + c[channels + m]
    slope = slope * x + g
    return g * x + c[m], slope
