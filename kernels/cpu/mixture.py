"""Moments mixed to the channels that a descriptor's products take, and back."""

from __future__ import annotations

from .._jit import exact
from .._simd import lanes_of
from ..layout import Floats
from .dense import panel_product
from .tile import TILE_REGISTERS


@exact
def mix_rows(
    x: Floats, n_rows: int, depth: int, weights: Floats, n_registers: int, y: Floats
) -> None:
    """y ← x · w.

    Parameters
    ----------
    x : (n_rows · depth,), n_rows ≥ 1
    weights : (n_registers · depth · lanes,) packed as in `tile`
    y : (n_rows · n_registers · lanes,) modified
    """
    width = lanes_of(y)
    stride = n_registers * width
    for register in range(0, n_registers, TILE_REGISTERS):
        count = min(TILE_REGISTERS, n_registers - register)
        lane = register * width
        # fmt: off
        panel_product(x, 0, depth, n_rows, weights, lane * depth, depth,
                      y, lane, stride, count, False)
        # fmt: on
