"""From the difference of a pair to its row of R, one thread a pair."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .. import environment_row as shared
from .. import switch
from ..layout import EnvironmentRows, Floats, Ints
from ._cuda import device
from ._ptx import pick
from .layout import BatchPairs

switch_jet = device(switch.switch_jet)
environment_row = device(shared.environment_row)


@device
def difference(differences: Any, room: int, p: int) -> Any:
    """dx, dy, dz and r of pair p, Å."""
    dx = pick(differences, p)
    dy = pick(differences, room + p)
    dz = pick(differences, 2 * room + p)
    return dx, dy, dz, math.sqrt(dx * dx + dy * dy + dz * dz)


@device
def row_at(r: Any, form: EnvironmentRows, own: int, other: int, real: Any) -> Any:
    """See `environment_row.environment_row`, of a pair of types."""
    w, w_slope = switch_jet(r, form.switch, real)
    return environment_row(
        r,
        w,
        w_slope,
        form.switch.protection,
        form.mean[own, other],
        form.radial[own, other],
        form.angular[own, other],
        real,
    )


class Staged(NamedTuple):
    """What streams read of pairs, in shared memory: a place for each thread."""

    offsets: Floats  # Å
    places: Ints  # int32, first vector of the table's row
    row_0: Floats  # R
    row_1: Floats
    row_2: Floats
    row_3: Floats


@device
def stage(
    pairs: BatchPairs,
    p: int,
    form: EnvironmentRows,
    own: int,
    other: int,
    staged: Staged,
    to: int,
    real: Any,
) -> Any:
    """Put pair p where the streams read it.

    Returns
    -------
    dx, dy, dz, r (Å), the slope of R_0, q and its slope; see `row_at`
    """
    dx, dy, dz, r = difference(pairs.differences, pairs.offsets.size, p)
    r_0, turn, q, q_slope = row_at(r, form, own, other, pairs.differences.dtype.type)
    staged.offsets[to] = pick(pairs.offsets, p)
    staged.places[to] = pick(pairs.coefficients, p)
    staged.row_0[to] = real(r_0)
    staged.row_1[to] = real(q * dx)
    staged.row_2[to] = real(q * dy)
    staged.row_3[to] = real(q * dz)
    return dx, dy, dz, r, turn, q, q_slope
