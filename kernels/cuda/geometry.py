"""From the difference of a pair to its row of R, one thread a pair."""

from __future__ import annotations

import math
from typing import Any

from .. import environment_row as shared
from .. import switch
from ..layout import EnvironmentRows
from ._cuda import device
from ._ptx import pick

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
