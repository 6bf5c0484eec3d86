"""A list that serves several steps: how far atoms moved, and where they are now."""

from __future__ import annotations

import numpy as np

from .._jit import exact
from ..layout import Floats, Ints


@exact
def farthest_move(
    positions: Floats,
    types: Ints,
    old: Floats,
    old_types: Ints,
    strain: Floats,
    squared: Floats,
) -> None:
    """The largest squared displacement beyond the strain, or inf if a type has changed.

    Parameters
    ----------
    positions, old : (n, 3) Å
    types, old_types : (n,)
    strain : (9,) E by rows; old + old E is no displacement
    squared : (1,) Å², modified
    """
    xx, xy, xz = strain[0], strain[1], strain[2]
    yx, yy, yz = strain[3], strain[4], strain[5]
    zx, zy, zz = strain[6], strain[7], strain[8]
    most = 0.0
    changed = False
    for i in range(positions.shape[0]):
        x, y, z = old[i, 0], old[i, 1], old[i, 2]
        dx = positions[i, 0] - (x + (x * xx + y * yx + z * zx))
        dy = positions[i, 1] - (y + (x * xy + y * yy + z * zy))
        dz = positions[i, 2] - (z + (x * xz + y * yz + z * zz))
        most = max(most, dx * dx + dy * dy + dz * dz)
        changed |= types[i] != old_types[i]
    squared[0] = np.inf if changed else most


@exact
def follow_owners(
    positions: Floats,
    owners: Ints,
    start: int,
    shifted: Ints,
    offsets: Floats,
    strain: Floats,
    moved: Floats,
) -> None:
    """Bring atoms and images to where their owners are.

    Parameters
    ----------
    positions : (n, 3) Å, of the owners
    owners : (m,) int32
    start : what shifted calls the first of these m
    shifted, offsets : (s,) int32 and (s, 3) Å: those that are apart from their owners
    strain : (9,) E by rows; offsets are now offsets + offsets E
    moved : (m, 3) Å, modified
    """
    for k in range(owners.size):
        owner = owners[k]
        for axis in range(3):
            moved[k, axis] = positions[owner, axis]
    for j in range(shifted.size):
        for axis in range(3):
            offset = offsets[j, axis]
            for a in range(3):
                offset += offsets[j, a] * strain[3 * a + axis]
            moved[shifted[j] - start, axis] += offset
