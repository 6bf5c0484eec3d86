"""From a neighbour list to the pairs of a batch: twin of `kernels.cpu.environment`."""

from __future__ import annotations

import math
from typing import Any

from .. import table_rows
from ..cpu.environment import (
    CLOSE_PAIRS,
    CLOSEST,
    COINCIDENT,
    N_COUNTERS,
    SHORT_PAIRS,
)
from ..layout import Environments, Floats, Tally
from ._cuda import WARP, cuda, device, kernel
from ._ptx import EVERYONE, fetch4, first_item, lane, pick, put, rank
from .layout import Batch, BatchPairs, FullList

FARTHER = math.inf

row_at = device(table_rows.row_at)


@device
def separation(located: Floats, x: Any, y: Any, z: Any, j: int) -> Any:
    """x_j − x, y_j − y, z_j − z and their squared length, the same in all kernels."""
    there = fetch4(located, 4 * j)
    dx = there[0] - x
    dy = there[1] - y
    dz = there[2] - z
    return dx, dy, dz, cuda.fma(dz, dz, cuda.fma(dy, dy, dx * dx))


@device
def is_before(r2: Any, place: int, cut_r2: Any, cut_place: int) -> bool:
    """Whether a neighbour comes before a cut: by distance, then by the list."""
    return r2 < cut_r2 or (r2 == cut_r2 and place < cut_place)


@device
def _farthest(r2: Any, place: int) -> Any:
    """The last neighbour of the warp's lanes; place −1: none."""
    width = 16
    while width > 0:
        other_r2 = cuda.shfl_xor_sync(EVERYONE, r2, width)
        other_place = cuda.shfl_xor_sync(EVERYONE, place, width)
        if not is_before(other_r2, other_place, r2, place):
            r2 = other_r2
            place = other_place
        width //= 2
    return r2, place


@device
def _farthest_before(
    hood: FullList,
    located: Floats,
    row: int,
    env: Environments,
    group: int,
    limit: Any,
    cut_r2: Any,
    cut_place: int,
) -> Any:
    """The last neighbour before a cut, of a group's types or, with −1, of all."""
    n_types = env.group.size
    here = fetch4(located, 4 * row)
    species = int(here[3])
    first = pick(hood.first, row * n_types)
    last_r2 = -1.0
    last_place = -1
    for t in range(n_types):
        chosen = group < 0 or (env.group[t] == group and env.competes[species, t] != 0)
        begin = pick(hood.first, row * n_types + t)
        end = pick(hood.first, row * n_types + t + 1)
        if chosen:
            for e in range(begin + lane(), end, WARP):
                j = pick(hood.neighbours, e)
                _, _, _, r2 = separation(located, here[0], here[1], here[2], j)
                place = int(e - first)
                inside = r2 < limit and is_before(r2, place, cut_r2, cut_place)
                if inside and not is_before(r2, place, last_r2, last_place):
                    last_r2 = r2
                    last_place = place
    return _farthest(last_r2, last_place)


@device
def _met(
    hood: FullList,
    located: Floats,
    row: int,
    t: int,
    n_types: int,
    limit: Any,
    cut_r2: Any,
    cut_place: int,
) -> int:
    """How many neighbours of a type are within the cutoff and before a cut."""
    here = fetch4(located, 4 * row)
    first = pick(hood.first, row * n_types)
    begin = pick(hood.first, row * n_types + t)
    end = pick(hood.first, row * n_types + t + 1)
    met = 0
    for chunk in range(begin, end, WARP):
        e = chunk + lane()
        counts = False
        if e < end:
            j = pick(hood.neighbours, e)
            _, _, _, r2 = separation(located, here[0], here[1], here[2], j)
            counts = r2 < limit and is_before(r2, int(e - first), cut_r2, cut_place)
        met += cuda.popc(cuda.ballot_sync(EVERYONE, counts))
    return met


@kernel
def environments(
    hood: FullList,
    located: Floats,
    rows: Batch,
    env: Environments,
    truncate: bool,
    pairs: BatchPairs,
    tally: Tally,
) -> None:
    """Fill ``pairs`` for the rows of a batch.

    Parameters
    ----------
    located : (4 · n_all,) float64
    env : ``first_register`` and ``registers`` count vectors of four numbers
    truncate : keep the nearest ``sel`` of each group of slots
    pairs : modified
    tally : added to; ``over``, ``excess``, ``close`` and ``unseen`` are of all rows
    """
    b = first_item()
    if b >= rows.count:
        return
    row = rows.begin + b
    real = pairs.offsets.dtype.type
    of = pairs.differences.dtype.type
    n_types = env.group.size
    n_groups = env.sel.size
    own = lane()
    here = fetch4(located, 4 * row)
    x = here[0]
    y = here[1]
    z = here[2]
    species = int(here[3])
    limit = env.cutoff * env.cutoff
    trained = env.trained * env.trained
    short = env.trusted * env.trusted
    first = pick(hood.first, row * n_types)
    listed = pick(hood.first, rows.begin * n_types)
    room = pairs.offsets.size
    n_met = 0
    unseen = 0
    for t in range(n_types):
        met = _met(hood, located, row, t, n_types, limit, FARTHER, 0)
        n_met += met
        unseen += env.unseen[species, t] * met
        if own == 0:
            put(pairs.met, b * n_types + t, met)
            if met > 0:
                cuda.atomic.add(tally.seen, (species, t), met)
    cuda.syncwarp()
    list_r2 = FARTHER
    list_place = 0
    if truncate and env.list_size > 0 and env.list_size < n_met:
        for _ in range(n_met - env.list_size):
            list_r2, list_place = _farthest_before(
                hood, located, row, env, -1, limit, list_r2, list_place
            )
    close = 0
    for g in range(n_groups):
        wanted = 0
        kept = 0
        for t in range(n_types):
            if env.group[t] == g and env.competes[species, t] != 0:
                met = pick(pairs.met, b * n_types + t)
                wanted += met
                if list_r2 < FARTHER:
                    met = _met(
                        hood, located, row, t, n_types, limit, list_r2, list_place
                    )
                kept += met
        cut_r2 = list_r2
        cut_place = list_place
        beyond = wanted - min(kept, env.sel[g])
        if beyond > 0:
            if own == 0:
                cuda.atomic.add(tally.counters, N_COUNTERS + g, 1)
                put(tally.over, row, 1)
                if tally.excess.size > 0:
                    tally.excess[row, g] = beyond
            if truncate and kept > env.sel[g]:
                for _ in range(kept - env.sel[g]):
                    cut_r2, cut_place = _farthest_before(
                        hood, located, row, env, g, limit, cut_r2, cut_place
                    )
        filled = 0
        for t in range(n_types):
            if env.group[t] != g:
                continue
            table = env.table_of[species, t]
            to_r2 = list_r2
            to_place = list_place
            if env.competes[species, t] != 0:
                to_r2 = cut_r2
                to_place = cut_place
            begin = pick(hood.first, row * n_types + t)
            end = pick(hood.first, row * n_types + t + 1)
            n = 0
            for chunk in range(begin, end, WARP):
                e = chunk + own
                counts = False
                dx = 0.0
                dy = 0.0
                dz = 0.0
                r2 = 0.0
                if e < end:
                    j = pick(hood.neighbours, e)
                    dx, dy, dz, r2 = separation(located, x, y, z, j)
                    counts = r2 < limit and is_before(
                        r2, int(e - first), to_r2, to_place
                    )
                bits = cuda.ballot_sync(EVERYONE, counts)
                if counts and table >= 0:
                    p = begin - listed + n + rank(bits, own)
                    r = math.sqrt(r2)
                    at = row_at(
                        r,
                        env.shortest[table],
                        env.cells_per_length[table],
                        env.first_cell[table],
                        env.cells,
                        env.origins,
                    )
                    vector = (at - env.first_row[table]) * env.registers[table]
                    put(pairs.coefficients, p, env.first_register[table] + vector)
                    put(pairs.offsets, p, real(r - pick(env.origins, at)))
                    put(pairs.slots, p, int(e - first))
                    put(pairs.differences, p, of(dx))
                    put(pairs.differences, room + p, of(dy))
                    put(pairs.differences, 2 * room + p, of(dz))
                near = counts and table >= 0 and (r2 < trained or r2 < short)
                if cuda.any_sync(EVERYONE, near):
                    closer = cuda.ballot_sync(EVERYONE, near and r2 < trained)
                    shorter = cuda.ballot_sync(EVERYONE, near and r2 < short)
                    same = near and r2 < CLOSEST * CLOSEST
                    together = cuda.any_sync(EVERYONE, same)
                    close += cuda.popc(closer)
                    if own == 0:
                        if shorter != 0:
                            n_short = cuda.popc(shorter)
                            cuda.atomic.add(tally.counters, SHORT_PAIRS, n_short)
                        if together:
                            cuda.atomic.max(tally.counters, COINCIDENT, row + 1)
                n += cuda.popc(bits)
            filled += env.slots[species, t] * n
            if own == 0:
                put(pairs.met, b * n_types + t, n if table >= 0 else 0)
        if own == 0:
            put(pairs.counts, b * n_groups + g, filled)
    if own == 0:
        if close > 0:
            cuda.atomic.add(tally.counters, CLOSE_PAIRS, close)
        if tally.close.size > 0:
            put(tally.close, row, close)
            put(tally.unseen, row, unseen)
