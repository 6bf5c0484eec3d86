"""The pair potential and the switch to it: twin of the processors' `pair_potential`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import pair_energy
from .. import softmin as plain
from ..counters import BELOW_TABLE, OVER_TABLE
from ..layout import (
    ENERGY,
    N_SUMS,
    SHARE,
    SLOPE,
    SOFTMIN,
    WEIGHT,
    WEIGHT_SLOPE,
    Floats,
    Ints,
    PairPotential,
)
from ._cuda import WARP, cuda, device, kernel
from ._ptx import EVERYONE, fetch4, first_item, lane, pick, put, rank
from .geometry import switch_jet
from .layout import Batch, BatchPairs, FullList, PairGradients
from .nearest import (
    FARTHER,
    count_before,
    farthest_of_type,
    farthest_of_warp,
    is_before,
    separation,
)

cell_at = device(pair_energy.cell_at)
cubic_jet = device(pair_energy.cubic_jet)
softmin_weight = device(plain.softmin_weight)
softmin = device(plain.softmin)
softmin_slope = device(plain.softmin_slope)


@device
def _sum(value: Any) -> Any:
    """Over the lanes, the same on each."""
    width = 16
    while width > 0:
        value += cuda.shfl_xor_sync(EVERYONE, value, width)
        width //= 2
    return value


@device
def _least(value: Any) -> Any:
    width = 16
    while width > 0:
        value = min(value, cuda.shfl_xor_sync(EVERYONE, value, width))
        width //= 2
    return value


@device
def _cut_of_group(
    hood: FullList,
    located: Floats,
    row: int,
    potential: PairPotential,
    group: int,
    limit: Any,
) -> Any:
    """Before which the nearest neighbours are that fit the slots of a group."""
    n_types = potential.group.size
    met = 0
    for t in range(n_types):
        if pick(potential.group, t) == group:
            met += count_before(hood, located, row, t, n_types, limit, FARTHER, 0)
    cut_r2 = FARTHER
    cut_place = 0
    for _ in range(met - pick(potential.sel, group)):
        last_r2 = -1.0
        last_place = -1
        for t in range(n_types):
            if pick(potential.group, t) == group:
                last_r2, last_place = farthest_of_type(
                    hood,
                    located,
                    row,
                    t,
                    n_types,
                    limit,
                    cut_r2,
                    cut_place,
                    last_r2,
                    last_place,
                )
        cut_r2, cut_place = farthest_of_warp(last_r2, last_place)
    return cut_r2, cut_place


@device
def _has_too_many(potential: PairPotential, met: Ints, first: int) -> bool:
    """Whether a row's neighbours (met, by type) need more slots than there are."""
    too_many = False
    for g in range(lane(), potential.sel.size, WARP):
        n = 0
        for t in range(potential.group.size):
            if pick(potential.group, t) == g:
                n += pick(met, first + t)
        too_many = too_many or n > pick(potential.sel, g)
    too_many = cuda.any_sync(EVERYONE, too_many)
    cuda.syncwarp()  # the caller writes what was met
    return too_many


@kernel
def pair_potentials(
    hood: FullList,
    located: Floats,
    rows: Batch,
    potential: PairPotential,
    truncate: bool,
    pairs: BatchPairs,
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
    located : (4 · n_all,) float64
    potential : with its coefficients flat
    truncate : only the nearest ``potential.sel`` of each group count
    pairs : modified, without what tables need
    kept : (N_KEPT · room,) modified: ½ du/dr / r and dσ/dr / r
    sums : (N_SUMS · n,) of all rows, modified: all E_table without their bias (eV),
        all w, dw/dσ (1/Å) and 1 − w
    counters : (N_TABLE_COUNTERS,) int64, added to
    over : (n,) of all rows, modified, 1 for atoms with more neighbours than `sel`
    over_table : (n,) the same, or (0,)
    left_out : (n,) of all rows, 1 for those that get no pairs, or (0,)
    """
    b = first_item()
    if b >= rows.count:
        return
    row = rows.begin + b
    n_types = potential.group.size
    n_cells = potential.coefficients.size // (4 * n_types * n_types)
    own = lane()
    here = fetch4(located, 4 * row)
    x = here[0]
    y = here[1]
    z = here[2]
    species = int(here[3])
    reach = max(potential.end, potential.switch_rcut)
    limit = reach * reach
    if left_out.size > 0 and pick(left_out, row) != 0:
        limit = 0.0
    first = pick(hood.first, row * n_types)
    listed = pick(hood.first, rows.begin * n_types)
    room = pairs.slots.size
    per_length = potential.inverse_alpha
    energy = 0.0
    nearest = math.inf
    cutting = False
    for _ in range(2):
        energy = 0.0
        nearest = math.inf
        below = False
        cut_group = -1
        cut_r2 = FARTHER
        cut_place = 0
        for t in range(n_types):
            if cutting and pick(potential.group, t) != cut_group:
                cut_group = pick(potential.group, t)
                cut_r2, cut_place = _cut_of_group(
                    hood, located, row, potential, cut_group, limit
                )
            counted = potential.excluded[species, t] == 0
            coefficients = (species * n_types + t) * n_cells
            begin = pick(hood.first, row * n_types + t)
            end = pick(hood.first, row * n_types + t + 1)
            n = 0
            for chunk in range(begin, end, WARP):
                e = chunk + own
                inside = False
                dx = 0.0
                dy = 0.0
                dz = 0.0
                r2 = 0.0
                if e < end:
                    j = pick(hood.neighbours, e)
                    dx, dy, dz, r2 = separation(located, x, y, z, j)
                    inside = r2 < limit and is_before(
                        r2, int(e - first), cut_r2, cut_place
                    )
                bits = cuda.ballot_sync(EVERYONE, inside)
                if inside and counted:
                    p = begin - listed + n + rank(bits, own)
                    r = math.sqrt(r2)
                    slope = 0.0
                    measure = math.inf
                    if r < potential.end:
                        cell, at = cell_at(
                            r, potential.start, potential.inverse_step, n_cells
                        )
                        a = fetch4(potential.coefficients, 4 * (coefficients + cell))
                        u, slope = cubic_jet(a[0], a[1], a[2], a[3], at)
                        slope = 0.5 * slope * potential.inverse_step / r
                        energy += 0.5 * u
                        below = below or r < potential.start
                    if r < potential.switch_rcut:
                        measure = r
                        nearest = min(nearest, r)
                    put(pairs.slots, p, int(e - first))
                    put(pairs.differences, p, dx)
                    put(pairs.differences, room + p, dy)
                    put(pairs.differences, 2 * room + p, dz)
                    put(kept, SLOPE * room + p, slope)
                    put(kept, SOFTMIN * room + p, measure)
                n += cuda.popc(bits)
            if own == 0:
                put(pairs.met, b * n_types + t, n)
        cuda.syncwarp()
        if cuda.any_sync(EVERYONE, below) and own == 0:
            cuda.atomic.max(counters, BELOW_TABLE, row + 1)
        if cutting or not _has_too_many(potential, pairs.met, b * n_types):
            break
        if own == 0:
            cuda.atomic.add(counters, OVER_TABLE, 1)
            put(over, row, 1)
            if over_table.size > 0:
                put(over_table, row, 1)
        if not truncate:
            break
        cutting = True
    for t in range(own, n_types, WARP):
        if potential.excluded[species, t] != 0:
            put(pairs.met, b * n_types + t, 0)
    cuda.syncwarp()
    energy = _sum(energy)
    nearest = _least(nearest)
    w = 0.0
    w_slope = 0.0
    growth = 0.0
    denominator = 1.0
    if nearest < math.inf:
        numerator = 0.0
        denominator = 0.0
        for t in range(n_types):
            begin = pick(hood.first, row * n_types + t) - listed
            for k in range(own, pick(pairs.met, b * n_types + t), WARP):
                r = pick(kept, SOFTMIN * room + begin + k)
                if r < math.inf:
                    weight = softmin_weight(r, nearest, per_length)
                    numerator += r * weight
                    denominator += weight
        numerator = _sum(numerator)
        denominator = _sum(denominator)
        sigma, growth, denominator = softmin(
            numerator, denominator, nearest, per_length, potential.least_sum
        )
        w, w_slope = switch_jet(sigma, potential.switch, np.float64)
        if sigma == 0.0:
            w = 0.0
            w_slope = 0.0
    for t in range(n_types):
        begin = pick(hood.first, row * n_types + t) - listed
        for k in range(own, pick(pairs.met, b * n_types + t), WARP):
            p = SOFTMIN * room + begin + k
            r = pick(kept, p)
            slope = 0.0
            if r < math.inf:
                weight = softmin_weight(r, nearest, per_length)
                slope = softmin_slope(r, weight, growth, denominator, per_length) / r
            put(kept, p, slope)
    if own == 0:
        n_rows = sums.size // N_SUMS
        put(sums, ENERGY * n_rows + row, energy)
        put(sums, WEIGHT * n_rows + row, w)
        put(sums, WEIGHT_SLOPE * n_rows + row, w_slope)
        put(sums, SHARE * n_rows + row, 1.0 - w)


@kernel
def take_over(
    pairs: BatchPairs,
    n_types: int,
    kept: Floats,
    sums: Floats,
    bias: float,
    energies: Floats,
    out: PairGradients,
) -> None:
    """Switch from the fitting nets' energies to the tables'.

    Parameters
    ----------
    n_types : P
    kept, sums : of `pair_potentials`
    bias : of E_table, eV
    energies : (n,) of all rows, eV, those of the batch modified: E_deep to E
    out : what is to be added to (1 − w) dE_deep/dd is added
    """
    b = first_item()
    if b >= pairs.count:
        return
    row = pairs.begin + b
    n_rows = sums.size // N_SUMS
    deep = pick(energies, row)
    weight = pick(sums, WEIGHT * n_rows + row)
    excess = pick(sums, ENERGY * n_rows + row) + bias - deep
    switching = pick(sums, WEIGHT_SLOPE * n_rows + row) * excess
    first = pick(pairs.first, row * n_types)
    listed = pick(pairs.first, pairs.begin * n_types)
    room = pairs.slots.size
    cuda.syncwarp()
    if lane() == 0:
        put(energies, row, deep + weight * excess)
    for t in range(n_types):
        begin = pick(pairs.first, row * n_types + t) - listed
        for k in range(lane(), pick(pairs.met, b * n_types + t), WARP):
            p = begin + k
            along = weight * pick(kept, SLOPE * room + p)
            along += switching * pick(kept, SOFTMIN * room + p)
            at = 3 * (first + pick(pairs.slots, p) - out.base)
            for c in range(3):
                value = pick(out.values, at + c)
                value += along * pick(pairs.differences, c * room + p)
                put(out.values, at + c, value)
