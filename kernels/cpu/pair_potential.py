"""The tabulated pair potential and the switch between it and the descriptor's energy.

E_i = (1 − w)·E_deep + w·E_table; w depends on the softmin σ of the distances:
Wang et al., Appl. Phys. Lett. 114, 244101 (2019), as deepmd-kit's ``use_srtab``.
"""

from __future__ import annotations

import numpy as np

from .._jit import inline, kernel
from ..layout import (
    Floats,
    Ints,
    Neighbourhood,
    PairPotential,
    Pairs,
)
from ..switch import switch_jet_compiled
from .nearest import without_dropped

# Columns of the sums of `pair_potentials`.
ENERGY, WEIGHT, WEIGHT_SLOPE = 0, 1, 2
N_SUMS = 3

# Rows of what is kept of each pair: 1/r, ½ du/dr, and r, later dσ/dr.
INVERSE_R, SLOPE, SOFTMIN = range(3)
N_KEPT = 3


@inline
def _energy(
    coefficients: Floats, r: float, potential: PairPotential
) -> tuple[float, float]:
    """u(r) eV and du/dr eV/Å of one pair of types."""
    at = (r - potential.start) * potential.inverse_step
    row = min(max(np.int64(at), 0), coefficients.shape[0] - 1)
    t = at - row
    a = coefficients[row]
    u = ((a[3] * t + a[2]) * t + a[1]) * t + a[0]
    slope = (3.0 * a[3] * t + 2.0 * a[2]) * t + a[1]
    return u, slope * potential.inverse_step


@inline
def _within(
    hood: Neighbourhood, row: int, reach: float, found: Ints, distances: Floats
) -> int:
    """Neighbours closer than ``reach``, in the order of the list."""
    x, y, z = hood.positions[hood.centres[row]]
    n = 0
    for k in range(hood.first[row], hood.first[row + 1]):
        j = hood.neighbours[k]
        dx = hood.positions[j, 0] - x
        dy = hood.positions[j, 1] - y
        dz = hood.positions[j, 2] - z
        found[n] = j
        distances[n] = np.sqrt(dx * dx + dy * dy + dz * dz)
        n += distances[n] < reach
    return n


@inline
def _are_too_many(types: Ints, potential: PairPotential, n: int, found: Ints) -> bool:
    """Whether the neighbours found need more slots of a group than there are."""
    if not potential.sel.size:
        return False
    free = potential.sel.copy()
    for k in range(n):
        free[potential.group[types[found[k]]]] -= 1
    return bool(free.min() < 0)


@inline
def _keep_nearest(
    types: Ints, potential: PairPotential, n: int, found: Ints, distances: Floats
) -> int:
    """Drop all but the nearest of each group of slots, ties by list order."""
    free = potential.sel.copy()
    for k in np.argsort(distances[:n], kind="mergesort"):
        g = potential.group[types[found[k]]]
        free[g] -= 1
        if free[g] < 0:
            found[k] = -1
    return without_dropped(n, found, distances)


@kernel
def pair_potentials(
    hood: Neighbourhood,
    rows: Ints,
    potential: PairPotential,
    truncate: bool,
    pairs: Pairs,
    kept: Floats,
    sums: Floats,
    over: Ints,
) -> tuple[int, int]:
    """Fill ``pairs`` with half u'(r) and dσ/dr of each pair that matters.

    Parameters
    ----------
    rows : (B,) rows of the list
    truncate : only the nearest ``potential.sel`` of each group count
    pairs : of one group of types, modified, without what tables need
    kept : (N_KEPT, n_pairs) modified: 1/r, ½ du/dr, dσ/dr
    sums : (B, N_SUMS) modified: E_table without its bias (eV), w, dw/dσ (1/Å)
    over : (B,) modified, 1 for atoms with more neighbours than `sel`

    Returns
    -------
    1 + the index of an atom with a neighbour below the table's start, or 0
    the number of atoms with more neighbours than `sel`
    """
    reach = max(potential.end, potential.switch_rcut)
    below = 0
    n_over = 0
    n_pairs = 0
    room = pairs.offsets.size
    capacity = 0
    for row in rows:
        capacity = max(capacity, hood.first[row + 1] - hood.first[row])
    found = np.empty(capacity + 1, np.int32)
    distances = np.empty(capacity + 1, np.float64)
    pairs.first[0] = 0
    for b in range(rows.size):
        row = rows[b]
        centre = hood.centres[row]
        own = hood.types[centre]
        energy = 0.0
        nearest = np.inf
        n = _within(hood, row, reach, found, distances)
        if _are_too_many(hood.types, potential, n, found):
            n_over += 1
            over[b] = 1
            if truncate:
                n = _keep_nearest(hood.types, potential, n, found, distances)
        for k in range(n):
            j = found[k]
            other = hood.types[j]
            if potential.excluded[own, other]:
                continue
            dx = hood.positions[j, 0] - hood.positions[centre, 0]
            dy = hood.positions[j, 1] - hood.positions[centre, 1]
            dz = hood.positions[j, 2] - hood.positions[centre, 2]
            r = distances[k]
            pairs.differences[n_pairs] = dx
            pairs.differences[room + n_pairs] = dy
            pairs.differences[2 * room + n_pairs] = dz
            g = kept[:, n_pairs]
            g[INVERSE_R] = 1.0 / r
            g[SLOPE] = 0.0
            g[SOFTMIN] = np.inf
            if r < potential.end:
                u, slope = _energy(potential.coefficients[own, other], r, potential)
                energy += 0.5 * u
                g[SLOPE] = 0.5 * slope
                if r < potential.start:
                    below = centre + 1
            if r < potential.switch_rcut:
                g[SOFTMIN] = r
                nearest = min(nearest, r)
            pairs.neighbours[n_pairs] = j
            n_pairs += 1
        pairs.first[b + 1] = n_pairs
        sums[b, ENERGY] = energy
        sums[b, WEIGHT] = 0.0
        sums[b, WEIGHT_SLOPE] = 0.0
        first = pairs.first[b]
        if nearest < np.inf:
            numerator = 0.0
            denominator = 0.0
            for p in range(first, n_pairs):
                r = kept[SOFTMIN, p]
                if r < np.inf:
                    share = np.exp((nearest - r) * potential.inverse_alpha)
                    numerator += r * share
                    denominator += share
            growth = potential.inverse_alpha * numerator / denominator
            if potential.least_sum > 0.0:
                least = np.exp(nearest * potential.inverse_alpha)
                least *= potential.least_sum
                if denominator < least:
                    denominator = least
                    growth = 0.0
            sigma = numerator / denominator
            w, w_slope = switch_jet_compiled(sigma, potential.switch, np.float64)
            if sigma == 0.0:
                w = 0.0
                w_slope = 0.0
            sums[b, WEIGHT] = w
            sums[b, WEIGHT_SLOPE] = w_slope
            for p in range(first, n_pairs):
                r = kept[SOFTMIN, p]
                slope = 0.0
                if r < np.inf:
                    share = np.exp((nearest - r) * potential.inverse_alpha)
                    slope = 1.0 + growth - r * potential.inverse_alpha
                    slope *= share / denominator
                kept[SOFTMIN, p] = slope
        else:
            for p in range(first, n_pairs):
                kept[SOFTMIN, p] = 0.0
    return below, n_over


@kernel
def pair_potential_gradients(
    pairs: Pairs, kept: Floats, sums: Floats, excess: Floats, out: Floats
) -> None:
    """dE_i/dd of every pair of a block besides (1 − w) dE_deep/dd, eV/Å.

    Parameters
    ----------
    kept, sums : of `pair_potentials`
    excess : (B,) E_table − E_deep, eV
    out : as ``pairs.differences``, modified
    """
    room = pairs.offsets.size
    for b in range(pairs.first.size - 1):
        weight = sums[b, WEIGHT]
        switching = sums[b, WEIGHT_SLOPE] * excess[b]
        for p in range(pairs.first[b], pairs.first[b + 1]):
            g = kept[:, p]
            along = (weight * g[SLOPE] + switching * g[SOFTMIN]) * g[INVERSE_R]
            for at in (p, room + p, 2 * room + p):
                out[at] = along * pairs.differences[at]
