"""From a neighbour list to the pairs of a block: differences and table rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._bits import LANES, below, count_bits, equal, lowest_bit, store_set
from .._jit import inline, kernel
from .._rows import columns_at
from .._simd import add, mul, splat, store, sub
from ..counters import (
    CLOSE_PAIRS,
    CLOSEST,
    COINCIDENT,
    LEFT_OUT,
    N_COUNTERS,
    SHORT_PAIRS,
)
from ..layout import (
    Environments,
    Floats,
    Ints,
    Neighbourhood,
    Pairs,
    Tally,
)
from .table_places import find_rows, length_of

ELSEWHERE = 1e30  # Å; where atoms are put that no other atom feels


class Near(NamedTuple):
    """The neighbours of one centre: those listed, and the places of those that count.

    The places of type t are ``places[t·R]`` to ``places[t·R + met[t] - 1]``, ascending,
    where R is the length of ``listed``.
    """

    listed: Ints  # (R,) int32, index of atoms; valid behind the last too
    squared: Floats  # (R,) Å², of those listed; infinite: dropped
    kinds: Floats  # (R,) their types
    places: Ints  # (T · R,) int32, in listed
    met: Ints  # (T,) int64


@kernel
def locate(positions: Floats, types: Ints, located: Floats) -> None:
    """Put positions and types side by side; atoms of type -1 go elsewhere.

    Parameters
    ----------
    located : (n, 4) modified
    """
    for k in range(types.size):
        exists = types[k] >= 0
        for c in range(3):
            located[k, c] = positions[k, c] if exists else ELSEWHERE
        located[k, 3] = max(types[k], 0)


@inline
def _room_for(hood: Neighbourhood, rows: Ints, n_types: int) -> Near:
    """Zeros, so that what lies behind a centre's neighbours is an index of atoms."""
    most = 0
    for row in rows:
        most = max(most, hood.first[row + 1] - hood.first[row])
    room = most + 2 * LANES
    return Near(
        np.zeros(room, np.int32),
        np.empty(room, np.float64),
        np.empty(room, np.float64),
        np.zeros(n_types * room, np.int32),
        np.zeros(n_types, np.int64),
    )


@inline
def _find_near(
    hood: Neighbourhood,
    row: int,
    located: Floats,
    limit: float,
    suspect: float,
    near: Near,
) -> bool:
    """The listed neighbours below the limit (Å²), by type.

    Returns
    -------
    whether one is below ``suspect`` (Å²), be it above the limit
    """
    begin = hood.first[row]
    n_listed = hood.first[row + 1] - begin
    centre = np.int64(hood.centres[row])
    for k in range(n_listed):
        near.listed[k] = hood.neighbours[begin + k]
    near.met[:] = 0
    x = splat(located[4 * centre])
    y = splat(located[4 * centre + 1])
    z = splat(located[4 * centre + 2])
    limits, suspects = splat(limit), splat(suspect)
    found = 0
    for k in range(0, n_listed, LANES):
        to_x, to_y, to_z, kind = columns_at(located, near.listed, k)
        dx, dy, dz = sub(to_x, x), sub(to_y, y), sub(to_z, z)
        r2 = add(add(mul(dx, dx), mul(dy, dy)), mul(dz, dz))
        store(near.squared, k, r2)
        store(near.kinds, k, kind)
        listed = (1 << min(n_listed - k, LANES)) - 1
        bits = below(r2, limits) & listed
        found |= below(r2, suspects) & listed
        while bits:
            of = near.kinds[np.uint64(k + lowest_bit(bits))]
            same = bits & equal(kind, splat(of))
            t = np.int64(of)
            store_set(near.places, t * near.listed.size + near.met[t], k, same)
            near.met[t] += count_bits(same)
            bits ^= same
    return found != 0


@inline
def _count_groups(group: Ints, counted: Ints, met: Ints, total: Ints) -> None:
    """The neighbours met that count, by the group whose slots they share."""
    total[:] = 0
    for t in range(met.size):
        total[group[t]] += counted[t] * met[t]


@inline
def _keep_nearest(
    chosen: Ints, most: int, n_listed: int, limit: float, near: Near
) -> None:
    """Drop all but the nearest of the types chosen, ties by list order.

    The farthest go one by one: there are few, and a sort takes 1.6 s to compile.
    """
    room = near.listed.size
    candidates = np.empty(room, np.int64)
    measures = np.empty(room, np.float64)
    m = 0
    for k in range(n_listed):
        if near.squared[k] < limit and chosen[np.int64(near.kinds[k])]:
            candidates[m] = k
            measures[m] = near.squared[k]
            m += 1
    for _ in range(m - most):
        farthest = 0
        for k in range(m):
            if measures[k] >= measures[farthest]:
                farthest = k
        measures[farthest] = -1.0
        near.squared[candidates[farthest]] = np.inf
    for t in range(near.met.size):
        kept = 0
        for k in range(near.met[t]):
            place = near.places[t * room + k]
            if near.squared[place] < np.inf:
                near.places[t * room + kept] = place
                kept += 1
        near.met[t] = kept


@inline
def _count_close(
    env: Environments, tables: Ints, centre: int, near: Near, counters: Ints
) -> tuple[int, int]:
    """How many neighbours are below the trained distance, and below the trusted one.

    Atoms in one place are told in the counters.
    """
    short, trained = env.trusted * env.trusted, env.trained * env.trained
    n_close, n_short = 0, 0
    for t in range(near.met.size):
        if tables[t] < 0:
            continue
        for k in range(near.met[t]):
            r2 = near.squared[near.places[t * near.listed.size + k]]
            n_close += r2 < trained
            n_short += r2 < short
            if r2 < CLOSEST * CLOSEST and (r2 < short or r2 < trained):
                counters[COINCIDENT] = centre + 1
    return n_close, n_short


@inline
def _is_left_out(certified: float, n_listed: int, near: Near) -> bool:
    """Whether a neighbour is closer than the certified distance.

    Beyond the cutoff too: descriptors of different cutoffs leave out the same centres.
    """
    closest = np.inf
    for k in range(n_listed):
        closest = min(closest, near.squared[k])
    return closest < certified * certified


@inline
def _write_pairs(
    located: Floats,
    centre: int,
    env: Environments,
    tables: Ints,
    near: Near,
    distances: Floats,
    first: Ints,
    pairs: Pairs,
) -> None:
    """The neighbours that count, type by type, with differences and table rows.

    Parameters
    ----------
    tables : (T,) of the centre's type, -1: the pair does not count
    distances : as long as ``near.listed``, modified
    first : (T + 1,) modified but for first[0]: where each type starts in the pairs
    """
    differences, room = pairs.differences, pairs.offsets.size
    x = splat(located[4 * centre])
    y = splat(located[4 * centre + 1])
    z = splat(located[4 * centre + 2])
    for t in range(tables.size):
        begin = end = first[t]
        if tables[t] >= 0:
            end = begin + near.met[t]
            for k in range(near.met[t]):
                place = np.uint64(near.places[t * near.listed.size + k])
                pairs.neighbours[begin + k] = near.listed[place]
            # What is made of the lanes behind the last pair is finite.
            last = pairs.neighbours[end - 1] if end > begin else centre
            for k in range(LANES):
                pairs.neighbours[end + k] = last
            for p in range(begin, end, LANES):
                to_x, to_y, to_z, _ = columns_at(located, pairs.neighbours, p)
                dx, dy, dz = sub(to_x, x), sub(to_y, y), sub(to_z, z)
                store(distances, p - begin, length_of(dx, dy, dz))
                store(differences, p, dx)
                store(differences, room + p, dy)
                store(differences, 2 * room + p, dz)
            find_rows(env, tables[t], begin, end, distances, pairs)
        first[t + 1] = end


@kernel
def environments(
    hood: Neighbourhood,
    located: Floats,
    rows: Ints,
    env: Environments,
    truncate: bool,
    pairs: Pairs,
    tally: Tally,
) -> None:
    """Fill ``pairs`` for the centres ``rows`` (all of one type).

    Centres with a neighbour closer than certified get no pairs and are counted as
    such alone, if there is a place to mark them.

    Parameters
    ----------
    located : (n_all · 4,) see `locate`
    rows : (B,) rows of the list
    truncate : keep the nearest ``sel`` of each group of slots
    pairs : modified; its arrays hold at least as many entries as the list
    tally : added to
    """
    n_groups, n_types = env.sel.size, env.group.size
    near = _room_for(hood, rows, n_types)
    distances = np.empty(near.listed.size, np.float64)
    wanted = np.empty(n_groups, np.int64)
    listed = np.empty(n_groups, np.int64)
    chosen = np.empty(n_types, np.int32)
    limit = np.float64(env.cutoff * env.cutoff)
    suspect = np.float64(max(env.trusted, env.trained, env.certified) ** 2)
    pairs.first[0] = 0
    for b in range(rows.size):
        row = rows[b]
        centre = np.int64(hood.centres[row])
        own = hood.types[centre]
        suspects = _find_near(hood, row, located, limit, suspect, near)
        n_listed = hood.first[row + 1] - hood.first[row]
        marks = suspects and tally.left_out.size > 0
        if marks and _is_left_out(env.certified, n_listed, near):
            tally.left_out[row] = 1
            tally.counters[LEFT_OUT] += 1
            near.met[:] = 0
        _count_groups(env.group, env.competes[own], near.met, wanted)
        for t in range(n_types):
            tally.seen[own, t] += near.met[t]
        if tally.unseen.size:
            for t in range(n_types):
                tally.unseen[row, t] = env.unseen[own, t] * near.met[t]
        if truncate and 0 < env.list_size < near.met.sum():
            for t in range(n_types):
                chosen[t] = 1
            _keep_nearest(chosen, env.list_size, n_listed, limit, near)
        _count_groups(env.group, env.competes[own], near.met, listed)
        for g in range(n_groups):
            beyond = wanted[g] - min(listed[g], env.sel[g])
            if beyond > 0:
                tally.counters[N_COUNTERS + g] += 1
                tally.over[b] = 1
                if tally.excess.size:
                    tally.excess[row, g] = beyond
                if truncate and listed[g] > env.sel[g]:
                    for t in range(n_types):
                        chosen[t] = env.group[t] == g and env.competes[own, t] != 0
                    _keep_nearest(chosen, env.sel[g], n_listed, limit, near)
        _count_groups(env.group, env.slots[own], near.met, pairs.counts[b])
        tables = env.table_of[own]
        n_close, n_short = 0, 0
        if suspects:
            n_close, n_short = _count_close(env, tables, centre, near, tally.counters)
        first = pairs.first[b * n_types : (b + 1) * n_types + 1]
        _write_pairs(located, centre, env, tables, near, distances, first, pairs)
        tally.counters[CLOSE_PAIRS] += n_close
        tally.counters[SHORT_PAIRS] += n_short
        if tally.close.size:
            tally.close[row] = n_close
            tally.short[row] = n_short
