"""A register of a table's quintics, evaluated at one distance.

Coefficients lie register by register: ``[row, register, power, lane]``, so that a
neighbour's part of a register is 6·64 consecutive bytes.
"""

from __future__ import annotations

from typing import Any

from .._jit import inline
from .._simd import fma, lanes_of, load
from ..layout import Floats


@inline
def quintic(table: Floats, at: int, x: Any) -> Any:
    """The values at x of the register whose coefficients start at ``at``."""
    width = lanes_of(table)
    g = load(table, at + 5 * width)
    g = fma(g, x, load(table, at + 4 * width))
    g = fma(g, x, load(table, at + 3 * width))
    g = fma(g, x, load(table, at + 2 * width))
    g = fma(g, x, load(table, at + width))
    return fma(g, x, load(table, at))


@inline
def quintic_jet(table: Floats, at: int, x: Any) -> tuple[Any, Any]:
    """The values and the slopes at x; see `quintic`."""
    width = lanes_of(table)
    slope = load(table, at + 5 * width)
    g = fma(slope, x, load(table, at + 4 * width))
    slope = fma(slope, x, g)
    g = fma(g, x, load(table, at + 3 * width))
    slope = fma(slope, x, g)
    g = fma(g, x, load(table, at + 2 * width))
    slope = fma(slope, x, g)
    g = fma(g, x, load(table, at + width))
    slope = fma(slope, x, g)
    return fma(g, x, load(table, at)), slope
