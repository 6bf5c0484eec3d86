"""Atoms that move a little every step, for measurements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .availability import simulated

SEED = 1


def walk(positions: NDArray[np.float64], step: float) -> Iterator[Any]:
    """Positions on the GPU, moved by normal numbers each time.

    Parameters
    ----------
    positions : (N, 3) Å, not modified
    step : Å, standard deviation along each axis
    """
    if simulated():
        rng = np.random.default_rng(SEED)
        moved = positions.copy()
        while True:
            yield moved
            moved = moved + rng.normal(0.0, step, moved.shape)
    from .cupy_device import normal_numbers, on_device

    there = on_device(positions)
    while True:
        yield there
        there += step * normal_numbers(there.shape)
