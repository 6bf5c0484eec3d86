"""A list that is kept: how far atoms have moved, and where they are now."""

from __future__ import annotations

import numpy as np

from .._jit import exact
from ..layout import Floats, Ints


@exact
def farthest_move(
    positions: Floats, types: Ints, old: Floats, old_types: Ints, squared: Floats
) -> None:
    """The largest squared displacement, or inf if a type has changed.

    Parameters
    ----------
    positions, old : (n, 3) Å
    types, old_types : (n,)
    squared : (1,) Å², modified
    """
    most = 0.0
    changed = False
    for i in range(positions.shape[0]):
        dx = positions[i, 0] - old[i, 0]
        dy = positions[i, 1] - old[i, 1]
        dz = positions[i, 2] - old[i, 2]
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
    moved: Floats,
) -> None:
    """Bring atoms and images to where their owners are.

    Parameters
    ----------
    positions : (n, 3) Å, of the owners
    owners : (m,) int32
    start : what shifted calls the first of these m
    shifted, offsets : (s,) int32 and (s, 3) Å: those that are apart from their owners
    moved : (m, 3) Å, modified
    """
    for k in range(owners.size):
        owner = owners[k]
        for axis in range(3):
            moved[k, axis] = positions[owner, axis]
    for j in range(shifted.size):
        for axis in range(3):
            moved[shifted[j] - start, axis] += offsets[j, axis]
