"""The tabulated pair potential and the switch between it and the descriptor's energy.

E_i = (1 − w)·E_deep + w·E_table; w depends on the softmin σ of the distances:
Wang et al., Appl. Phys. Lett. 114, 244101 (2019), as deepmd-kit's ``use_srtab``.
"""

from __future__ import annotations

import numpy as np

from .. import pair_energy
from .. import softmin as plain
from .._jit import inline, kernel
from ..counters import BELOW_TABLE, OVER_TABLE
from ..layout import (
    ENERGY,
    SHARE,
    SLOPE,
    SOFTMIN,
    WEIGHT,
    WEIGHT_SLOPE,
    Floats,
    Ints,
    Neighbourhood,
    PairPotential,
    Pairs,
)
from ..switch import switch_jet_compiled
from .nearest import without_dropped

cell_at = inline(pair_energy.cell_at)
cubic_jet = inline(pair_energy.cubic_jet)
softmin_weight = inline(plain.softmin_weight)
softmin = inline(plain.softmin)
softmin_slope = inline(plain.softmin_slope)


@inline
def _energy(
    coefficients: Floats, r: float, potential: PairPotential
) -> tuple[float, float]:
    """u(r) eV and du/dr eV/Å of one pair of types."""
    n_rows = coefficients.shape[0]
    row, t = cell_at(r, potential.start, potential.inverse_step, n_rows)
    a = coefficients[row]
    u, slope = cubic_jet(a[0], a[1], a[2], a[3], t)
    return u, slope * potential.inverse_step


@inline
def _within(
    hood: Neighbourhood,
    located: Floats,
    row: int,
    reach: float,
    found: Ints,
    distances: Floats,
) -> int:
    """Neighbours closer than ``reach``, in the order of the list."""
    centre = 4 * np.int64(hood.centres[row])
    n = 0
    for k in range(hood.first[row], hood.first[row + 1]):
        j = hood.neighbours[k]
        dx = located[4 * j] - located[centre]
        dy = located[4 * j + 1] - located[centre + 1]
        dz = located[4 * j + 2] - located[centre + 2]
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


@inline
def _weight(
    begin: int, end: int, nearest: float, potential: PairPotential, kept: Floats
) -> tuple[float, float]:
    """w and dw/dσ (1/Å) of a centre's pairs, with dσ/dr / r in place of r."""
    if not nearest < np.inf:
        kept[SOFTMIN, begin:end] = 0.0
        return 0.0, 0.0
    per_length = potential.inverse_alpha
    numerator = 0.0
    denominator = 0.0
    for p in range(begin, end):
        r = kept[SOFTMIN, p]
        if r < np.inf:
            share = softmin_weight(r, nearest, per_length)
            numerator += r * share
            denominator += share
    sigma, growth, denominator = softmin(
        numerator, denominator, nearest, per_length, potential.least_sum
    )
    for p in range(begin, end):
        r = kept[SOFTMIN, p]
        slope = 0.0
        if r < np.inf:
            share = softmin_weight(r, nearest, per_length)
            slope = softmin_slope(r, share, growth, denominator, per_length) / r
        kept[SOFTMIN, p] = slope
    if sigma == 0.0:
        return 0.0, 0.0
    return switch_jet_compiled(sigma, potential.switch, np.float64)


@kernel
def pair_potentials(
    hood: Neighbourhood,
    located: Floats,
    rows: Ints,
    potential: PairPotential,
    truncate: bool,
    pairs: Pairs,
    kept: Floats,
    sums: Floats,
    counters: Ints,
    over: Ints,
    over_table: Ints,
    left_out: Ints,
) -> None:
    """Fill ``pairs`` and what is kept of each that matters.

    Parameters
    ----------
    located : (n_all · 4,) see `environment.locate`
    rows : (B,) rows of the list
    truncate : only the nearest ``potential.sel`` of each group count
    pairs : of one group of types, modified, without what tables need
    kept : (N_KEPT, n_pairs) modified: ½ du/dr / r and dσ/dr / r
    sums : (B, N_SUMS) modified: E_table without its bias (eV), w, dw/dσ (1/Å), 1 − w
    counters : (N_TABLE_COUNTERS,) int64, added to
    over : (B,) modified, 1 for atoms with more neighbours than `sel`
    over_table : (n_rows,) the same of the list's rows, or (0,)
    left_out : (n_rows,) 1 for those that get no pairs, or (0,)
    """
    reach = max(potential.end, potential.switch_rcut)
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
        centre = np.int64(hood.centres[row])
        own = hood.types[centre]
        energy = 0.0
        nearest = np.inf
        n = 0
        if not left_out.size or not left_out[row]:
            n = _within(hood, located, row, reach, found, distances)
        if _are_too_many(hood.types, potential, n, found):
            counters[OVER_TABLE] += 1
            over[b] = 1
            if over_table.size:
                over_table[row] = 1
            if truncate:
                n = _keep_nearest(hood.types, potential, n, found, distances)
        for k in range(n):
            j = found[k]
            other = hood.types[j]
            if potential.excluded[own, other]:
                continue
            for c in range(3):
                d = located[4 * j + c] - located[4 * centre + c]
                pairs.differences[c * room + n_pairs] = d
            r = distances[k]
            g = kept[:, n_pairs]
            g[SLOPE] = 0.0
            g[SOFTMIN] = np.inf
            if r < potential.end:
                u, slope = _energy(potential.coefficients[own, other], r, potential)
                energy += 0.5 * u
                g[SLOPE] = 0.5 * slope / r
                if r < potential.start:
                    counters[BELOW_TABLE] = centre + 1
            if r < potential.switch_rcut:
                g[SOFTMIN] = r
                nearest = min(nearest, r)
            pairs.neighbours[n_pairs] = j
            n_pairs += 1
        pairs.first[b + 1] = n_pairs
        w, w_slope = _weight(pairs.first[b], n_pairs, nearest, potential, kept)
        sums[b, ENERGY] = energy
        sums[b, WEIGHT] = w
        sums[b, WEIGHT_SLOPE] = w_slope
        sums[b, SHARE] = 1.0 - w


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
            along = weight * kept[SLOPE, p] + switching * kept[SOFTMIN, p]
            for at in (p, room + p, 2 * room + p):
                out[at] = along * pairs.differences[at]
