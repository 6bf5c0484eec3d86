"""From a neighbour list to the pairs of a batch: twin of the processors' `environment`.

A warp takes a row and writes its pairs as it meets them. The few rows where that is
too many get to `keep_nearest`, a kernel of its own: with it in the same kernel a
thread needed 122 registers (sm_90).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .. import table_rows
from ..counters import (
    CLOSE_PAIRS,
    CLOSEST,
    COINCIDENT,
    LEFT_OUT,
    N_COUNTERS,
    SHORT_PAIRS,
)
from ..layout import Environments, Floats, Ints, Tally
from ._cuda import WARP, cuda, device, kernel
from ._ptx import EVERYONE, fetch4, first_item, lane, pick, put, rank
from .layout import Batch, BatchPairs, FullList
from .nearest import FARTHER, is_before, separation
from .slots import ALL, kept_before, overflows, wanted_of, without_farthest

TOO_MANY = -1  # in the counts of a row that `keep_nearest` is to finish

row_at = device(table_rows.row_at)


@device
def _collect(
    hood: FullList,
    located: Floats,
    rows: Batch,
    row: int,
    here: Any,
    species: int,
    t: int,
    env: Environments,
    cutting: bool,
    cut_r2: Any,
    cut_place: int,
    pairs: BatchPairs,
    left_out: Ints,
) -> Any:
    """Write a row's pairs of a type, those before a cut or without ``cutting`` all.

    Rows with a neighbour closer than certified are marked in ``left_out``, if there is
    room.

    Returns
    -------
    how many there are, are below the trained distance and below the trusted one, and
    whether an atom lies on the row's
    """
    real = pairs.offsets.dtype.type
    of = pairs.differences.dtype.type
    n_types = env.group.size
    own = lane()
    limit = env.cutoff * env.cutoff
    suspect = max(env.trained, env.trusted, env.certified)
    suspect = suspect * suspect
    first = pick(hood.first, row * n_types)
    listed = pick(hood.first, rows.begin * n_types)
    room = pairs.offsets.size
    table = env.table_of[species, t]
    begin = pick(hood.first, row * n_types + t)
    end = pick(hood.first, row * n_types + t + 1)
    shortest = 0.0
    per_length = 0.0
    first_cell = 0
    first_vector = 0
    vectors = 0
    if table >= 0:
        shortest = pick(env.shortest, table)
        per_length = pick(env.cells_per_length, table)
        first_cell = pick(env.first_cell, table)
        vectors = pick(env.registers, table)
        first_vector = pick(env.first_register, table)
        first_vector -= pick(env.first_row, table) * vectors
    n = 0
    # As int64 they cost registers: 5 accesses to local memory on sm_89.
    n_close = np.int32(0)
    n_short = np.int32(0)
    together = False
    for chunk in range(begin, end, WARP):
        e = chunk + own
        counts = False
        dx = 0.0
        dy = 0.0
        dz = 0.0
        r2 = 0.0
        if e < end:
            j = pick(hood.neighbours, e)
            dx, dy, dz, r2 = separation(located, here[0], here[1], here[2], j)
            counts = r2 < limit
            if cutting:
                place = int(e - first)
                counts = counts and is_before(r2, place, cut_r2, cut_place)
        bits = cuda.ballot_sync(EVERYONE, counts)
        if counts and table >= 0:
            p = begin - listed + n + rank(bits, own)
            r = math.sqrt(r2)
            at = row_at(r, shortest, per_length, first_cell, env.cells, env.origins)
            put(pairs.coefficients, p, first_vector + at * vectors)
            put(pairs.offsets, p, real(r - pick(env.origins, at)))
            put(pairs.slots, p, int(e - first))
            put(pairs.differences, p, of(dx))
            put(pairs.differences, room + p, of(dy))
            put(pairs.differences, 2 * room + p, of(dz))
        near = e < end and r2 < suspect
        if cuda.any_sync(EVERYONE, near):
            # Squares of the limits would stay in registers.
            r = math.sqrt(r2)
            too_close = cuda.any_sync(EVERYONE, near and r < env.certified)
            if too_close and left_out.size > 0 and own == 0:
                put(left_out, row, 1)
            near = near and counts and table >= 0
            closer = cuda.ballot_sync(EVERYONE, near and r < env.trained)
            shorter = cuda.ballot_sync(EVERYONE, near and r < env.trusted)
            same = near and r < CLOSEST
            n_close = np.int32(n_close + cuda.popc(closer))
            n_short = np.int32(n_short + cuda.popc(shorter))
            together = cuda.any_sync(EVERYONE, same) or together
        n += cuda.popc(bits)
    return n, n_close, n_short, together


@device
def _finish(
    row: int,
    b: int,
    species: int,
    env: Environments,
    pairs: BatchPairs,
    n_close: int,
    n_short: int,
    together: bool,
    tally: Tally,
) -> None:
    """Count the slots filled and the close pairs of a row."""
    own = lane()
    n_types = env.group.size
    n_groups = env.sel.size
    for g in range(own, n_groups, WARP):
        filled = 0
        for t in range(n_types):
            if pick(env.group, t) == g:
                filled += env.slots[species, t] * pick(pairs.met, b * n_types + t)
        put(pairs.counts, b * n_groups + g, filled)
    cuda.syncwarp()
    for t in range(own, n_types, WARP):
        if env.table_of[species, t] < 0:
            put(pairs.met, b * n_types + t, 0)
    if own == 0:
        if n_close > 0:
            cuda.atomic.add(tally.counters, CLOSE_PAIRS, n_close)
        if n_short > 0:
            cuda.atomic.add(tally.counters, SHORT_PAIRS, n_short)
        if together:
            cuda.atomic.max(tally.counters, COINCIDENT, row + 1)
        if tally.close.size > 0:
            put(tally.close, row, n_close)
            put(tally.short, row, n_short)


@device
def _count_seen(
    row: int, species: int, env: Environments, met: Ints, first: int, tally: Tally
) -> None:
    """Count a row's neighbours within the cutoff by type."""
    for t in range(lane(), env.group.size, WARP):
        n = pick(met, first + t)
        if n > 0:
            cuda.atomic.add(tally.seen, (species, t), n)
    if tally.unseen.size > 0:
        for t in range(lane(), env.group.size, WARP):
            tally.unseen[row, t] = env.unseen[species, t] * pick(met, first + t)


@partial(kernel, blocks=6)
def environments(
    hood: FullList,
    located: Floats,
    rows: Batch,
    env: Environments,
    truncate: bool,
    pairs: BatchPairs,
    tally: Tally,
) -> None:
    """Fill ``pairs`` for the rows of a batch; `keep_nearest` is to follow.

    Rows with a neighbour closer than certified get no pairs and are counted as such
    alone, if there is a place to mark them.

    Parameters
    ----------
    located : (4 · n_all,) float64
    env : ``first_register`` and ``registers`` count vectors of four numbers
    truncate : keep the nearest ``sel`` of each group of slots
    pairs : modified
    tally : added to; ``over`` and what is counted by atoms are of all rows
    """
    b = first_item()
    if b >= rows.count:
        return
    row = rows.begin + b
    n_types = env.group.size
    own = lane()
    here = fetch4(located, 4 * row)
    species = int(here[3])
    n_close = np.int32(0)
    n_short = np.int32(0)
    together = False
    for t in range(n_types):
        n, closer, shorter, same = _collect(
            hood,
            located,
            rows,
            row,
            here,
            species,
            t,
            env,
            False,
            FARTHER,
            0,
            pairs,
            tally.left_out,
        )
        n_close = np.int32(n_close + closer)
        n_short = np.int32(n_short + shorter)
        together = together or same
        if own == 0:
            put(pairs.met, b * n_types + t, n)
    cuda.syncwarp()
    if tally.left_out.size > 0 and pick(tally.left_out, row) != 0:
        for t in range(own, n_types, WARP):
            put(pairs.met, b * n_types + t, 0)
        if own == 0:
            cuda.atomic.add(tally.counters, LEFT_OUT, 1)
        n_close = np.int32(0)
        n_short = np.int32(0)
        together = False
        cuda.syncwarp()
    _count_seen(row, species, env, pairs.met, b * n_types, tally)
    if overflows(env, species, pairs.met, b * n_types):
        if own == 0:
            put(pairs.counts, b * env.sel.size, TOO_MANY)
        return
    _finish(row, b, species, env, pairs, n_close, n_short, together, tally)


@kernel
def keep_nearest(
    hood: FullList,
    located: Floats,
    rows: Batch,
    env: Environments,
    truncate: bool,
    pairs: BatchPairs,
    tally: Tally,
) -> None:
    """Finish the rows that have too many neighbours, as `environments` left them."""
    b = first_item()
    if b >= rows.count:
        return
    n_groups = env.sel.size
    if pick(pairs.counts, b * n_groups) != TOO_MANY:
        return
    row = rows.begin + b
    n_types = env.group.size
    own = lane()
    here = fetch4(located, 4 * row)
    species = int(here[3])
    cut_r2 = FARTHER
    cut_place = 0
    n_met = wanted_of(env, species, pairs.met, b * n_types, ALL)
    if truncate and 0 < env.list_size < n_met:
        cut_r2, cut_place = without_farthest(
            hood,
            located,
            row,
            env,
            species,
            ALL,
            n_met - env.list_size,
            FARTHER,
            0,
        )
    for g in range(n_groups):
        wanted = wanted_of(env, species, pairs.met, b * n_types, g)
        kept = kept_before(hood, located, row, env, species, g, cut_r2, cut_place)
        beyond = wanted - min(kept, pick(env.sel, g))
        if beyond > 0 and own == 0:
            cuda.atomic.add(tally.counters, N_COUNTERS + g, 1)
            put(tally.over, row, 1)
            if tally.excess.size > 0:
                tally.excess[row, g] = beyond
    # Lanes have read what was met; from here on it is written.
    cuda.syncwarp()
    n_close = np.int32(0)
    n_short = np.int32(0)
    together = False
    nearest_of = ALL
    near_r2 = cut_r2
    near_place = cut_place
    for t in range(n_types):
        to_r2 = cut_r2
        to_place = cut_place
        if truncate and env.competes[species, t] != 0:
            g = pick(env.group, t)
            if g != nearest_of:
                nearest_of = g
                kept = kept_before(
                    hood, located, row, env, species, g, cut_r2, cut_place
                )
                near_r2, near_place = without_farthest(
                    hood,
                    located,
                    row,
                    env,
                    species,
                    g,
                    kept - pick(env.sel, g),
                    cut_r2,
                    cut_place,
                )
            to_r2 = near_r2
            to_place = near_place
        n, closer, shorter, same = _collect(
            hood,
            located,
            rows,
            row,
            here,
            species,
            t,
            env,
            True,
            to_r2,
            to_place,
            pairs,
            tally.left_out,
        )
        n_close = np.int32(n_close + closer)
        n_short = np.int32(n_short + shorter)
        together = together or same
        if own == 0:
            put(pairs.met, b * n_types + t, n)
    cuda.syncwarp()
    _finish(row, b, species, env, pairs, n_close, n_short, together, tally)
