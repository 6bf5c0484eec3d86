"""A list that is kept: how far atoms have moved, and where they are now."""

from __future__ import annotations

import math

from ..layout import Floats, Ints
from ._cuda import WARP, cuda, kernel
from ._ptx import EVERYONE, first_item, lane, pick, put


@kernel
def farthest_move(
    positions: Floats, types: Ints, old: Floats, old_types: Ints, squared: Floats
) -> None:
    """The largest squared displacement, or inf if a type has changed.

    Parameters
    ----------
    positions, old : (n, 3) Å
    types, old_types : (n,)
    squared : (n_warps,) Å², modified: of the share of each
    """
    w = first_item()
    n_warps = squared.size
    if w >= n_warps:
        return
    most = 0.0
    for i in range(w * WARP + lane(), types.size, n_warps * WARP):
        dx = positions[i, 0] - old[i, 0]
        dy = positions[i, 1] - old[i, 1]
        dz = positions[i, 2] - old[i, 2]
        moved = dx * dx + dy * dy + dz * dz
        # Not a number is far.
        if not moved <= most:
            most = moved
        if pick(types, i) != pick(old_types, i):
            most = math.inf
    width = 16
    while width > 0:
        other = cuda.shfl_xor_sync(EVERYONE, most, width)
        if not other <= most:
            most = other
        width //= 2
    if lane() == 0:
        put(squared, w, most)


@kernel
def follow(
    positions: Floats,
    types: Ints,
    order: Ints,
    owners: Ints,
    offsets: Floats,
    located: Floats,
) -> None:
    """Bring rows and images, or ghosts, to where their atoms are.

    Parameters
    ----------
    positions : (n, 3) Å
    types : (n,) int32
    order : (n,) int32, the atom of each row
    owners : (n_all,) int32, the row behind each place
    offsets : (3 · n_all,) Å, from the atom's position; or (0,): none
    located : (4 · n_all,) modified
    """
    k = first_item() * WARP + lane()
    if k >= owners.size:
        return
    atom = pick(order, pick(owners, k))
    for c in range(3):
        x = positions[atom, c]
        if offsets.size > 0:
            x += pick(offsets, 3 * k + c)
        put(located, 4 * k + c, x)
    put(located, 4 * k + 3, float(pick(types, atom)))
