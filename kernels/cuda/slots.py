"""Which neighbours compete for the slots of ``sel``, and how many there are."""

from __future__ import annotations

from typing import Any

from ..layout import Environments, Floats, Ints
from ._cuda import WARP, cuda, device
from ._ptx import EVERYONE, lane, pick
from .layout import FullList
from .nearest import count_before, farthest_of_type, farthest_of_warp

ALL = -1  # every group of slots


@device
def is_one_of(env: Environments, species: int, t: int, group: int) -> bool:
    """Whether neighbours of type t compete for the slots of a group."""
    if group == ALL:
        return True
    return pick(env.group, t) == group and env.competes[species, t] != 0


@device
def without_farthest(
    hood: FullList,
    located: Floats,
    row: int,
    env: Environments,
    species: int,
    group: int,
    n: int,
    cut_r2: Any,
    cut_place: int,
) -> Any:
    """A cut before which n fewer neighbours of a group are than before this one."""
    n_types = env.group.size
    limit = env.cutoff * env.cutoff
    for _ in range(n):
        last_r2 = -1.0
        last_place = -1
        for t in range(n_types):
            if is_one_of(env, species, t, group):
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
def kept_before(
    hood: FullList,
    located: Floats,
    row: int,
    env: Environments,
    species: int,
    group: int,
    cut_r2: Any,
    cut_place: int,
) -> int:
    """How many neighbours of a group are before a cut."""
    n_types = env.group.size
    limit = env.cutoff * env.cutoff
    n = 0
    for t in range(n_types):
        if is_one_of(env, species, t, group):
            n += count_before(hood, located, row, t, n_types, limit, cut_r2, cut_place)
    return n


@device
def wanted_of(
    env: Environments, species: int, met: Ints, first: int, group: int
) -> int:
    """How many neighbours of a group there are; met: by type, from ``first`` on."""
    n = 0
    for t in range(env.group.size):
        if is_one_of(env, species, t, group):
            n += pick(met, first + t)
    return n


@device
def overflows(env: Environments, species: int, met: Ints, first: int) -> bool:
    """Whether a row's neighbours are more than sel, or than those it chooses from."""
    too_many = False
    if env.list_size > 0:
        too_many = wanted_of(env, species, met, first, ALL) > env.list_size
    for g in range(lane(), env.sel.size, WARP):
        wanted = wanted_of(env, species, met, first, g)
        too_many = too_many or wanted > pick(env.sel, g)
    return cuda.any_sync(EVERYONE, too_many)
