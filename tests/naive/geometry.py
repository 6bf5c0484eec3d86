"""Neighbours by brute force and the smooth environment of each pair."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dpse_fast.model import SeE2A

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Ordered pairs, by centre and then by distance: d = x[neighbour] - x[centre]."""

    centre: Indices
    neighbour: Indices
    vector: Array
    distance: Array


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


def _switch(d: SeE2A, r: Array) -> tuple[Array, Array]:
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


def environment(d: SeE2A, vector: Array, r: Array) -> Array:
    w, _ = _switch(d, r)
    q = r + d.env_protection
    return np.column_stack([w / q, vector * (w / q**2)[:, None]])


def pair_gradient(
    d: SeE2A, pairs: Pairs, pair: Indices, t: Indices, row_slope: Array
) -> Array:
    vector, r = pairs.vector[pair], pairs.distance[pair]
    kinds = t[pairs.centre[pair]], t[pairs.neighbour[pair]]
    g = row_slope / d.dstd[kinds]
    w, w1 = _switch(d, r)
    q = r + d.env_protection
    along = g[:, 0] * (w1 / q - w / q**2)
    along += np.sum(g[:, 1:] * vector, axis=1) * (w1 / q**2 - 2 * w / q**3)
    return g[:, 1:] * (w / q**2)[:, None] + vector * (along / r)[:, None]
