"""Checks of structures that are on the device already."""

from __future__ import annotations

import math

from ..layout import Floats, Ints
from ._cuda import WARP, cuda, kernel
from ._ptx import EVERYONE, first_item, lane, pick

VIRTUAL = -1  # as in `dpse_fast.inputs.structure`
# What is counted: n − the first atom that is wrong, and how many are.
FIRST_FAR, N_FAR, FIRST_OUTSIDE, N_VIRTUAL, N_COUNTED = 0, 1, 2, 3, 4


@kernel
def check_atoms(
    positions: Floats, farthest: float, types: Ints, least: int, most: int, found: Ints
) -> None:
    """Count atoms that are too far or not finite, of no known type, or virtual.

    A thread an atom.

    Parameters
    ----------
    positions : (n, 3) Å
    farthest : Å, coordinates from here on are refused
    types : (n,)
    least, most : of the types that there are
    found : (N_COUNTED,) int64, zeros, modified
    """
    k = first_item() * WARP + lane()
    far = outside = virtual = False
    if k < positions.shape[0]:
        # A NaN compares with nothing.
        x_near = math.fabs(positions[k, 0]) < farthest
        y_near = math.fabs(positions[k, 1]) < farthest
        z_near = math.fabs(positions[k, 2]) < farthest
        far = not (x_near and y_near and z_near)
        species = pick(types, k)
        outside = species < least or species > most
        virtual = species == VIRTUAL
    n_virtual = cuda.popc(cuda.ballot_sync(EVERYONE, virtual))
    n_far = cuda.popc(cuda.ballot_sync(EVERYONE, far))
    if lane() == 0 and n_virtual:
        cuda.atomic.add(found, N_VIRTUAL, n_virtual)
    if lane() == 0 and n_far:
        cuda.atomic.add(found, N_FAR, n_far)
    if far:
        cuda.atomic.max(found, FIRST_FAR, positions.shape[0] - k)
    if outside:
        cuda.atomic.max(found, FIRST_OUTSIDE, positions.shape[0] - k)
