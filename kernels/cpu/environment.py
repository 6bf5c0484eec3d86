"""From a neighbour list to the pairs of a block: geometry, switch, table rows."""

from __future__ import annotations

import numpy as np

from .._jit import inline, kernel
from ..layout import Environments, Floats, Ints, Neighbourhood, Pairs, Tally
from ..switch import switch_jet_compiled
from .nearest import without_dropped

# Columns of the counters that `environments` adds to, before one per group of slots.
SHORT_PAIRS = 0
CLOSE_PAIRS = 1
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
def _count_types(types: Ints, n: int, found: Ints, met: Ints) -> None:
    """How many of the neighbours found are of each type."""
    met[:] = 0
    for k in range(n):
        met[types[found[k]]] += 1


@inline
def _count_groups(group: Ints, counted: Ints, met: Ints, total: Ints) -> None:
    """The neighbours met that count, by the group whose slots they share."""
    total[:] = 0
    for t in range(met.size):
        total[group[t]] += counted[t] * met[t]


@inline
def _keep_nearest(
    candidates: Ints, most: int, n: int, found: Ints, squared: Floats
) -> int:
    """Drop all but the nearest of the candidates, ties by list order."""
    order = np.argsort(squared[candidates], kind="mergesort")
    for k in range(most, candidates.size):
        found[candidates[order[k]]] = -1
    return without_dropped(n, found, squared)


@inline
def _of_group(
    types: Ints, env: Environments, own: int, group: int, n: int, found: Ints
) -> Ints:
    """The places in ``found`` of the neighbours that compete for a group's slots."""
    candidates = np.empty(n, np.int64)
    m = 0
    for k in range(n):
        other = types[found[k]]
        if env.group[other] == group and env.competes[own, other]:
            candidates[m] = k
            m += 1
    return candidates[:m]


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
    tally: Tally,
) -> None:
    """Fill ``pairs`` for the centres ``rows`` (all of one type).

    Parameters
    ----------
    rows : (B,) rows of the list
    truncate : keep the nearest ``sel`` of each group of slots
    pairs : modified; its arrays hold at least as many entries as the list
    tally : added to
    """
    n_groups = env.sel.size
    capacity = 0
    for row in rows:
        capacity = max(capacity, hood.first[row + 1] - hood.first[row])
    found = np.empty(capacity + 1, np.int32)
    squared = np.empty(capacity + 1, np.float64)
    wanted = np.empty(n_groups, np.int64)
    listed = np.empty(n_groups, np.int64)
    met = np.empty(env.group.size, np.int64)
    switch = env.switch
    n_pairs = 0
    pairs.first[0] = 0
    for b in range(rows.size):
        row = rows[b]
        centre = hood.centres[row]
        own = hood.types[centre]
        n = _within(hood, row, switch.cutoff, found, squared)
        _count_types(hood.types, n, found, met)
        _count_groups(env.group, env.competes[own], met, wanted)
        unseen = 0
        for t in range(met.size):
            unseen += env.unseen[own, t] * met[t]
            tally.seen[own, t] += met[t]
        n_within = n
        if truncate and 0 < env.list_size < n:
            n = _keep_nearest(np.arange(n), env.list_size, n, found, squared)
            _count_types(hood.types, n, found, met)
        _count_groups(env.group, env.competes[own], met, listed)
        for g in range(n_groups):
            beyond = wanted[g] - min(listed[g], env.sel[g])
            if beyond > 0:
                tally.counters[N_COUNTERS + g] += 1
                tally.over[b] = 1
                if tally.excess.size:
                    tally.excess[row, g] = beyond
                if truncate and listed[g] > env.sel[g]:
                    mine = _of_group(hood.types, env, own, g, n, found)
                    n = _keep_nearest(mine, env.sel[g], n, found, squared)
        if n < n_within:
            _count_types(hood.types, n, found, met)
        counts = pairs.counts[b]
        _count_groups(env.group, env.slots[own], met, counts)
        close = 0
        for k in range(n):
            j = found[k]
            other = hood.types[j]
            table = env.table_of[own, other]
            if table < 0:
                continue
            r = np.sqrt(squared[k])
            if r < CLOSEST:
                tally.counters[COINCIDENT] = centre + 1
            inverse = 1.0 / (r + switch.protection)
            w, w_slope = switch_jet_compiled(r, switch)
            s = w * inverse
            s_slope = (w_slope - s) * inverse
            q = s * inverse
            q_slope = (s_slope - q) * inverse
            radial = env.radial[own, other]
            angular = env.angular[own, other]
            table_row = _table_row(env, table, r)
            tally.counters[SHORT_PAIRS] += r < env.trusted
            close += r < env.trained
            pairs.neighbours[n_pairs] = j
            pairs.table_rows[n_pairs] = table_row - table
            g = pairs.geometry[n_pairs]
            g[0] = hood.positions[j, 0] - hood.positions[centre, 0]
            g[1] = hood.positions[j, 1] - hood.positions[centre, 1]
            g[2] = hood.positions[j, 2] - hood.positions[centre, 2]
            g[3] = 1.0 / r
            g[4] = r - env.origins[table_row]
            g[5] = (s - env.mean[own, other]) * radial
            g[6] = s_slope * radial
            g[7] = q * angular
            g[8] = q_slope * angular
            n_pairs += 1
        tally.counters[CLOSE_PAIRS] += close
        if tally.close.size:
            tally.close[row] = close
            tally.unseen[row] = unseen
        pairs.first[b + 1] = n_pairs
