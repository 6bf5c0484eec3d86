"""Atoms that move a little every step, where they are evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 1
ATOMS_AT_A_TIME = 2**16


def random_walk(
    positions: NDArray[np.float64], step: float, device: str
) -> Iterator[Any]:
    """Positions as they are, then moved by normal numbers each time; one array.

    Parameters
    ----------
    positions : (N, 3) Å; moved themselves on the processors, copied to a GPU
    step : Å, standard deviation along each axis
    device : of a `Potential`
    """
    if device != "cpu":
        from ..cuda.availability import simulated

        if not simulated():
            from ..cuda.cupy_device import normal_numbers, on_device

            moved = on_device(positions)
            while True:
                yield moved
                moved += step * normal_numbers(moved.shape)
    rng = np.random.default_rng(SEED)
    while True:
        yield positions
        for start in range(0, len(positions), ATOMS_AT_A_TIME):
            some = positions[start : start + ATOMS_AT_A_TIME]
            some += rng.normal(0.0, step, some.shape)
