"""A list that serves several steps: how far atoms moved, and where they are now."""

from __future__ import annotations

import math

from ..layout import Floats, Ints
from ._cuda import WARP, cuda, kernel
from ._ptx import EVERYONE, first_item, lane, pick, put


@kernel
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
    squared : (n_warps,) Å², modified: of the share of each
    """
    w = first_item()
    n_warps = squared.size
    if w >= n_warps:
        return
    xx, xy, xz = pick(strain, 0), pick(strain, 1), pick(strain, 2)
    yx, yy, yz = pick(strain, 3), pick(strain, 4), pick(strain, 5)
    zx, zy, zz = pick(strain, 6), pick(strain, 7), pick(strain, 8)
    most = 0.0
    for i in range(w * WARP + lane(), types.size, n_warps * WARP):
        x, y, z = old[i, 0], old[i, 1], old[i, 2]
        dx = positions[i, 0] - (x + (x * xx + y * yx + z * zx))
        dy = positions[i, 1] - (y + (x * xy + y * yy + z * zy))
        dz = positions[i, 2] - (z + (x * xz + y * yz + z * zz))
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
    strain: Floats,
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
    strain : (9,) E by rows; offsets are now offsets + offsets E; not read without any
    located : (4 · n_all,) modified
    """
    k = first_item() * WARP + lane()
    if k >= owners.size:
        return
    atom = pick(order, pick(owners, k))
    for c in range(3):
        at = positions[atom, c]
        if offsets.size > 0:
            offset = pick(offsets, 3 * k + c)
            for a in range(3):
                offset += pick(offsets, 3 * k + a) * pick(strain, 3 * a + c)
            at += offset
        put(located, 4 * k + c, at)
    put(located, 4 * k + 3, float(pick(types, atom)))
