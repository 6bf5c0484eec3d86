"""Derivatives of forces along displacements, as differences of forces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..array_types import Doubles
from ..inputs.neighbour_list import CallerList
from .touched_rows import Cluster

# Å. A power of two: positions and displaced positions differ by it exactly.
STEP = 2.0**-13
# Of the central difference of fourth order, in steps and per step (Abramowitz and
# Stegun, 25.3.21 with the points ±1, ±2).
POINTS = np.array([-2.0, -1.0, 1.0, 2.0])
WEIGHTS = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0
# Å by which the distance of two atoms changes at most.
REACH = 2 * STEP * float(POINTS.max())
ROWS_AT_ONCE = 4096  # of copies of a cluster that are evaluated together

# Forces (n_all, 3) of a list's rows, at positions (n_all, 3), by number of copies.
Forces = Callable[[CallerList, Doubles, int], Doubles]


def differences(cluster: Cluster, directions: Doubles, forces: Forces) -> Doubles:
    """The derivatives of the energy's gradient along directions.

    Copies of the cluster are evaluated together, so that small ones fill blocks.

    Parameters
    ----------
    directions : (D, n, 3), no row longer than 1
    forces : evaluates copies of the cluster

    Returns
    -------
    (D, n, 3) eV/Å², for the atoms and images of the cluster
    """
    n_points, n = len(POINTS), len(cluster.positions)
    total = np.zeros(directions.shape)
    n_copies = n_points * len(directions)
    together = max(1, min(n_copies, ROWS_AT_ONCE // max(cluster.rows.n_rows, 1)))
    for begin in range(0, n_copies, together):
        some = np.arange(begin, min(begin + together, n_copies))
        which, point = some // n_points, some % n_points
        moves = STEP * POINTS[point, None, None] * directions[which]
        at = (cluster.positions + moves).reshape(-1, 3)
        found = forces(cluster.copies(len(some)), at, len(some))
        shares = -WEIGHTS[point, None, None] / STEP * found.reshape(-1, n, 3)
        np.add.at(total, which, shares)
    return total
