"""Neighbours by brute force and the smooth environment of each pair."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dpse_fast.model import Descriptor

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Ordered pairs, by centre and then by distance: d = x[neighbour] - x[centre]."""

    centre: Indices
    neighbour: Indices
    vector: Array
    distance: Array

    def __getitem__(self, some: NDArray[np.generic]) -> Pairs:
        return Pairs(
            self.centre[some],
            self.neighbour[some],
            self.vector[some],
            self.distance[some],
        )


def neighbour_pairs(
    x: Array, cell: ArrayLike | None, pbc: Sequence[bool], rcut: float
) -> Pairs:
    shifts = [np.zeros(3)]
    if cell is not None and any(pbc):
        lattice = np.asarray(cell, dtype=np.float64).reshape(3, 3)[np.array(pbc)]
        inverse = np.linalg.pinv(lattice)
        fractional = x @ inverse
        spread = np.ptp(fractional, axis=0) if len(x) else np.zeros(len(lattice))
        reach = np.ceil(spread + rcut * np.linalg.norm(inverse, axis=0)).astype(int)
        images = itertools.product(*(range(-k, k + 1) for k in reach))
        shifts = [np.array(image) @ lattice for image in images]
    found = []
    for shift in shifts:
        d = x[None, :, :] + shift - x[:, None, :]
        r = np.sqrt(np.sum(d * d, axis=2))
        near = r <= rcut
        if not shift.any():
            np.fill_diagonal(near, False)
        i, j = np.nonzero(near)
        found.append((i, j, d[i, j], r[i, j]))
    i, j, d, r = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((j, r, i))
    return Pairs(i[order], j[order], d[order], r[order])


def of_kinds(pairs: Pairs, t: Indices, kinds: Iterable[tuple[int, int]]) -> NDArray:
    """Whether each pair is one of these (centre type, neighbour type)."""
    found = np.zeros(len(pairs.centre), dtype=bool)
    for c, k in kinds:
        found |= (t[pairs.centre] == c) & (t[pairs.neighbour] == k)
    return found


def switch(d: Descriptor, r: Array) -> tuple[Array, Array]:
    """w(r), 1 inside rcut_smth and 0 beyond rcut, and its derivative."""
    low, high, width = d.rcut_smth, d.rcut, d.rcut - d.rcut_smth
    if d.switch_float32:
        low32, high32 = np.float32(low), np.float32(high)
        low, high, width = float(low32), float(high32), float(high32 - low32)
    u = (r - low) / width
    u[r < low] = 0
    u[r >= high] = 1
    value = 1 - 10 * u**3 + 15 * u**4 - 6 * u**5
    slope = (-30 * u**2 + 60 * u**3 - 30 * u**4) / width
    return value, slope


def cubic_switch(d: Descriptor, s: Array) -> tuple[Array, Array]:
    """TensorFlow's fading of type gates, a cubic of s = w/r, and its derivative."""
    u = np.maximum(1 - d.rcut_smth * s, 0)
    return 1 - u**3, 3 * u**2 * d.rcut_smth


def environment(d: Descriptor, pairs: Pairs) -> Array:
    """Rows (P, n_components): w/q and, with angles, w·d/q², q = r + protection."""
    w, _ = switch(d, pairs.distance)
    q = pairs.distance + d.env_protection
    rows = np.column_stack([w / q, pairs.vector * (w / q**2)[:, None]])
    return rows[:, : d.n_components]


def environment_gradient(
    d: Descriptor, pairs: Pairs, row_slope: Array, radial_slope: Array
) -> Array:
    """∂E/∂d (P, 3) from ∂E/∂rows (P, n_components) and ∂E/∂r (P,)."""
    vector, r = pairs.vector, pairs.distance
    g = np.zeros((len(r), 4))
    g[:, : d.n_components] = row_slope
    w, w1 = switch(d, r)
    q = r + d.env_protection
    along = radial_slope + g[:, 0] * (w1 / q - w / q**2)
    along += np.sum(g[:, 1:] * vector, axis=1) * (w1 / q**2 - 2 * w / q**3)
    return g[:, 1:] * (w / q**2)[:, None] + vector * (along / r)[:, None]
