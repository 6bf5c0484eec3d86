"""Small structures without distance ties, one for each kind of boundary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Structure = tuple[Array, Array | None, NDArray[np.int64]]

SHORTEST = 1.05
CELLS: dict[str, tuple[int, Array | None]] = {
    "orthorhombic": (20, np.diag([5.6, 6.4, 7.1])),
    "triclinic": (14, np.array([[5.9, 0.0, 0.0], [2.1, 5.3, 0.0], [-1.7, 1.9, 5.8]])),
    "tiny": (3, np.array([[3.2, 0.1, 0.0], [0.9, 3.4, 0.2], [-0.4, 0.7, 3.6]])),
    "open": (12, None),
    "overflow": (18, np.diag([5.1, 5.6, 6.2])),
    "close": (10, np.diag([6.3, 6.7, 7.2])),
    "default": (9, np.diag([5.4, 6.0, 6.6])),
    "virtual": (16, np.diag([5.5, 6.2, 6.9])),
    "virtual_open": (9, None),
}


def structure(name: str, n_types: int) -> Structure:
    """Positions (N, 3), cell (3, 3) or None, and types (N,) of a named structure.

    In "close" two atoms are 0.45 Å apart; elsewhere none are nearer than 1.05 Å. In
    "virtual…" three atoms, the first among them, have type -1: they do not exist.
    """
    n, cell = CELLS[name]
    rng = np.random.default_rng(sum(name.encode()) + n_types)
    box = np.diag([4.5, 5.0, 5.5]) if cell is None else cell
    positions = np.empty((0, 3))
    while len(positions) < n:
        candidate = rng.random(3) @ box
        if _shortest(candidate - positions, cell) > SHORTEST:
            positions = np.vstack([positions, candidate])
    if name == "close":
        direction = np.array([0.6, 0.64, 0.48])
        positions[1] = positions[0] + 0.45 * direction
    positions += rng.normal(scale=2.0, size=3)
    types = rng.permutation(np.arange(n) % n_types)
    if name.startswith("virtual"):
        types[[0, n // 2, n - 2]] = -1
    return positions, cell, types


def parameters(
    name: str, n_types: int, counts: tuple[int, int]
) -> tuple[Array | None, Array | None]:
    """Frame (k,) and atomic (N, k) parameters; in "default" the frame has none."""
    n, _ = CELLS[name]
    rng = np.random.default_rng(sum(name.encode()) + 10 * n_types)
    fparam = rng.uniform(0.5, 2.0, counts[0])
    aparam = rng.uniform(0.5, 2.0, (n, counts[1]))
    return (
        fparam if counts[0] and name != "default" else None,
        aparam if counts[1] else None,
    )


def _shortest(differences: Array, cell: Array | None) -> float:
    images = np.array([[0.0, 0.0, 0.0]])
    if cell is not None:
        images = np.stack(np.meshgrid(*[range(-2, 3)] * 3), -1).reshape(-1, 3) @ cell
    near = np.linalg.norm(differences[:, None] + images, axis=2)
    return float(near.min(initial=np.inf))
