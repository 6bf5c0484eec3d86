"""From a neighbour list to the pairs of a block: geometry, switch, table rows."""

from __future__ import annotations

import numpy as np

from .._jit import inline, kernel
from ..layout import Environments, Floats, Ints, Neighbourhood, Pairs
from ..switch import switch_jet_compiled

# Columns of the counters that `environments` adds to, before one per type.
TRUNCATED_ATOMS = 0
SHORT_PAIRS = 1
COINCIDENT = 2  # 1 + the index of an atom that another one lies on
N_COUNTERS = 3

CLOSEST = 1e-4  # Å; closer atoms are at the same place


@inline
def _within(
    hood: Neighbourhood, row: int, cutoff: float, found: Ints, squared: Floats
) -> int:
    centre = hood.centres[row]
    x, y, z = hood.positions[centre]
    limit = cutoff * cutoff
    n = 0
    for k in range(hood.first[row], hood.first[row + 1]):
        j = hood.neighbours[k]
        dx = hood.positions[j, 0] - x
        dy = hood.positions[j, 1] - y
        dz = hood.positions[j, 2] - z
        r2 = dx * dx + dy * dy + dz * dz
        found[n] = j
        squared[n] = r2
        n += r2 < limit
    return n


@inline
def _keep_nearest(
    types: Ints, species: int, sel: int, n: int, found: Ints, squared: Floats
) -> int:
    """Drop all but the ``sel`` nearest of one type, ties by list order."""
    of_type = np.empty(n, np.int64)
    m = 0
    for k in range(n):
        if types[found[k]] == species:
            of_type[m] = k
            m += 1
    order = np.argsort(squared[of_type[:m]], kind="mergesort")
    for k in range(sel, m):
        found[of_type[order[k]]] = -1
    kept = 0
    for k in range(n):
        if found[k] >= 0:
            found[kept] = found[k]
            squared[kept] = squared[k]
            kept += 1
    return kept


@inline
def _table_row(env: Environments, table: int, r: float) -> int:
    cell = env.first_cell[table]
    if r < env.shortest[table]:
        return env.cells[cell]
    cell += 1 + np.int64((r - env.shortest[table]) * env.cells_per_length[table])
    row = env.cells[cell]
    while r >= env.origins[row + 1]:
        row += 1
    return row


@kernel
def environments(
    hood: Neighbourhood,
    rows: Ints,
    env: Environments,
    truncate: bool,
    pairs: Pairs,
    counters: Ints,
) -> None:
    """Fill ``pairs`` for the centres ``rows`` (all of one type).

    Parameters
    ----------
    rows : (B,) rows of the list
    truncate : keep the nearest ``sel`` of each type
    pairs : modified; its arrays hold at least as many entries as the list
    counters : (N_COUNTERS + T,) int64, added to
    """
    n_types = env.sel.size
    capacity = 0
    for row in rows:
        capacity = max(capacity, hood.first[row + 1] - hood.first[row])
    found = np.empty(capacity + 1, np.int32)
    squared = np.empty(capacity + 1, np.float64)
    switch = env.switch
    n_pairs = 0
    pairs.first[0] = 0
    for b in range(rows.size):
        centre = hood.centres[rows[b]]
        own = hood.types[centre]
        n = _within(hood, rows[b], switch.cutoff, found, squared)
        counts = pairs.counts[b]
        counts[:] = 0
        for k in range(n):
            other = hood.types[found[k]]
            counts[other] += env.slots[own, other]
        over = 0
        for t in range(n_types):
            if counts[t] > env.sel[t]:
                counters[N_COUNTERS + t] += 1
                over = 1
                if truncate:
                    n = _keep_nearest(hood.types, t, env.sel[t], n, found, squared)
                    counts[t] = env.sel[t]
        counters[TRUNCATED_ATOMS] += over
        for k in range(n):
            j = found[k]
            other = hood.types[j]
            table = env.table_of[own, other]
            if table < 0:
                continue
            r = np.sqrt(squared[k])
            if r < CLOSEST:
                counters[COINCIDENT] = centre + 1
            inverse = 1.0 / (r + switch.protection)
            w, w_slope = switch_jet_compiled(r, switch)
            s = w * inverse
            s_slope = (w_slope - s) * inverse
            q = s * inverse
            q_slope = (s_slope - q) * inverse
            radial = env.radial[own, other]
            angular = env.angular[own, other]
            row = _table_row(env, table, r)
            counters[SHORT_PAIRS] += r < env.trusted
            pairs.neighbours[n_pairs] = j
            pairs.table_rows[n_pairs] = row - table
            g = pairs.geometry[n_pairs]
            g[0] = hood.positions[j, 0] - hood.positions[centre, 0]
            g[1] = hood.positions[j, 1] - hood.positions[centre, 1]
            g[2] = hood.positions[j, 2] - hood.positions[centre, 2]
            g[3] = 1.0 / r
            g[4] = r - env.origins[row]
            g[5] = (s - env.mean[own, other]) * radial
            g[6] = s_slope * radial
            g[7] = q * angular
            g[8] = q_slope * angular
            n_pairs += 1
        pairs.first[b + 1] = n_pairs
