"""The tabulated pair potential and its weight against the Deep Potential."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpse_fast.model import PairTable

from .geometry import Array, Indices, Pairs, of_kinds
from .slots import Overflow, rank


@dataclass(frozen=True)
class Blend:
    """``weights`` (N,) of the pair energies, ``energies`` (N,) eV, and their pairs."""

    weights: Array
    energies: Array
    table_pairs: Pairs
    table_slopes: Array
    switch_pairs: Pairs
    switch_slopes: Array

    def pulls(self, deep: Array) -> Iterator[tuple[Pairs, Array]]:
        """∂E/∂d (P, 3) besides the deep energies' (N,) own forces."""
        along = self.weights[self.table_pairs.centre] * self.table_slopes
        yield self.table_pairs, _along(self.table_pairs, along)
        lever = (self.energies - deep)[self.switch_pairs.centre]
        yield self.switch_pairs, _along(self.switch_pairs, lever * self.switch_slopes)


def _along(pairs: Pairs, slope: Array) -> Array:
    return pairs.vector * (slope / pairs.distance)[:, None]


def blend(
    table: PairTable, pairs: Pairs, t: Indices, overflow: Overflow = "truncate"
) -> Blend:
    """Tabulated energies from all pairs, and their weights."""
    if table.sel and overflow == "truncate":
        pairs = pairs[_nearest(table, pairs, t)]
    pairs = pairs[~of_kinds(pairs, t, table.excluded)]
    weights, switch_pairs, switch_slopes = _weights(table, pairs, len(t))
    rows = table.coefficients.shape[2]
    end = min(table.rcut, table.start + rows * table.step)
    inside = pairs[pairs.distance < end]
    at = (inside.distance - table.start) / table.step
    assert (at >= 0).all(), "a pair is closer than the table starts"
    row = np.minimum(at.astype(int), rows - 1)
    local = at - row
    kinds = t[inside.centre], t[inside.neighbour]
    a = table.coefficients[*kinds, row].astype(np.float64)
    energy = a[:, 0] + local * (a[:, 1] + local * (a[:, 2] + local * a[:, 3]))
    slope = (a[:, 1] + local * (2 * a[:, 2] + local * 3 * a[:, 3])) / table.step
    energies = np.bincount(inside.centre, 0.5 * energy, minlength=len(t))
    energies = energies + table.bias[t].astype(np.float64)
    return Blend(weights, energies, inside, 0.5 * slope, switch_pairs, switch_slopes)


def _nearest(table: PairTable, pairs: Pairs, t: Indices) -> NDArray[np.bool_]:
    """Whether each pair (P,) has one of the places of its neighbour's type."""
    kept = np.zeros(len(pairs.centre), dtype=bool)
    groups = np.array(table.slot_group)[t[pairs.neighbour]]
    for group, size in enumerate(table.sel):
        mine = np.flatnonzero(groups == group)
        kept[mine] = rank(pairs.centre[mine], len(t)) < size
    return kept


def _weights(table: PairTable, pairs: Pairs, n: int) -> tuple[Array, Pairs, Array]:
    near = pairs[pairs.distance < table.switch_rcut]
    shortest = np.full(n, np.inf)
    np.minimum.at(shortest, near.centre, near.distance)
    e = np.exp((shortest[near.centre] - near.distance) / table.alpha)
    total = np.bincount(near.centre, e, minlength=n)
    first = np.bincount(near.centre, e * near.distance, minlength=n)
    sigma = np.full(n, np.inf)
    least = table.least_sum * np.exp(np.where(total > 0, shortest, 0.0) / table.alpha)
    divisor = np.maximum(total, least)
    np.divide(first, divisor, out=sigma, where=first > 0)
    u = np.clip((sigma - table.inner) / table.width, 0, 1)
    weights = 1 - u**3 * (6 * u**2 - 15 * u + 10)
    by_sigma = -30 * u**2 * (u - 1) ** 2 / table.width
    i = near.centre
    sum_slope = np.where(total >= least, sigma, 0)[i]
    sigma_slope = e / divisor[i] * (1 - (near.distance - sum_slope) / table.alpha)
    return weights, near, by_sigma[i] * sigma_slope
