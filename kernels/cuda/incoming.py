"""Forces on rows and ghosts by the pairs that point at them.

A caller's list has no rows of ghosts, so that `forces.make_gather_forces` finds no
reverse pairs there: here each place knows its incoming pairs. The order of every sum
is fixed.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from ..layout import Floats, Ints
from ._cuda import WARP, kernel
from ._ptx import first_item, lane, load4, pick, put
from .forces import N_VIRIAL, add_tensor, add_vector
from .layout import FullList, Incoming, PairGradients, Tile


@kernel
def find_incoming(
    hood: FullList, n_rows: int, n_types: int, order: Ints, incoming: Incoming
) -> None:
    """Name the pairs of a list by their neighbour. A thread a pair, and one more.

    Parameters
    ----------
    n_rows, n_types : n, P
    order : (n_list,) int64, places in the list, sorted by their neighbour
    incoming : modified
    """
    k = first_item() * WARP + lane()
    n = order.size
    if k > n:
        return
    begin = np.int64(0)
    if k > 0:
        begin = np.int64(pick(hood.neighbours, pick(order, k - 1)) + 1)
    end = np.int64(incoming.first.size - 1)
    if k < n:
        e = pick(order, k)
        end = np.int64(pick(hood.neighbours, e))
        low = np.int32(0)
        high = np.int32(n_rows)
        while high - low > 1:  # the row is in low … high − 1
            middle = np.int32((low + high) >> 1)
            if pick(hood.first, np.int64(middle) * n_types) <= e:
                low = middle
            else:
                high = middle
        put(incoming.rows, k, low)
        start = pick(hood.first, np.int64(low) * n_types)
        put(incoming.places, k, int(e - start))
    for place in range(begin, end + 1):
        put(incoming.first, place, k)


@cache
def make_gather_incoming(atomic: bool) -> Any:
    """`gather_incoming`, with or without virials of atoms."""

    @partial(kernel, blocks=7)
    def gather_incoming(
        hood: FullList,
        n_types: int,
        located: Floats,
        incoming: Incoming,
        tile: Tile,
        gradients: PairGradients,
        per_warp: int,
        forces: Floats,
        virial_parts: Floats,
        virials: Floats,
    ) -> None:
        """Add what a tile's pair gradients exert on all rows and ghosts.

        A warp takes ``per_warp`` consecutive places.

        Parameters
        ----------
        n_types : P
        forces : (3 · n_all,) float64 eV/Å, added to
        virial_parts : (9 · n_warps,) float64 eV, added to; −Σ g ⊗ d by warps
        virials : (9 · n_all,) float64 eV, each pair's on its neighbour, added to; or
            (0,)
        """
        n_all = forces.size // 3
        own = lane()
        first_place = first_item() * per_warp
        if first_place >= n_all:
            return
        part = N_VIRIAL * first_item()
        nothing = 0.0
        vxx, vxy, vxz = nothing, nothing, nothing
        vyx, vyy, vyz = nothing, nothing, nothing
        vzx, vzy, vzz = nothing, nothing, nothing
        for place in range(first_place, min(first_place + per_warp, n_all)):
            fx, fy, fz = nothing, nothing, nothing
            if tile.begin <= place and place < tile.end:
                begin = pick(hood.first, place * n_types)
                end = pick(hood.first, (place + 1) * n_types)
                for e in range(begin + own, end, WARP):
                    at = 3 * (e - gradients.base)
                    fx += float(pick(gradients.values, at))
                    fy += float(pick(gradients.values, at + 1))
                    fz += float(pick(gradients.values, at + 2))
            x, y, z, _ = load4(located, 4 * place)
            begin = pick(incoming.first, place)
            end = pick(incoming.first, place + 1)
            for k in range(begin + own, end, WARP):
                row = pick(incoming.rows, k)
                if row < tile.begin or row >= tile.end:
                    continue
                e = pick(hood.first, row * n_types) + pick(incoming.places, k)
                at = 3 * (e - gradients.base)
                gx = float(pick(gradients.values, at))
                gy = float(pick(gradients.values, at + 1))
                gz = float(pick(gradients.values, at + 2))
                if gx == 0.0 and gy == 0.0 and gz == 0.0:
                    continue
                xi, yi, zi, _ = load4(located, 4 * row)
                dx, dy, dz = x - xi, y - yi, z - zi
                fx -= gx
                fy -= gy
                fz -= gz
                vxx -= gx * dx
                vxy -= gx * dy
                vxz -= gx * dz
                vyx -= gy * dx
                vyy -= gy * dy
                vyz -= gy * dz
                vzx -= gz * dx
                vzy -= gz * dy
                vzz -= gz * dz
            add_vector(forces, 3 * place, fx, fy, fz)
            if atomic:
                at = N_VIRIAL * place
                add_tensor(virials, at, vxx, vxy, vxz, vyx, vyy, vyz, vzx, vzy, vzz)
                add_tensor(
                    virial_parts, part, vxx, vxy, vxz, vyx, vyy, vyz, vzx, vzy, vzz
                )
                vxx, vxy, vxz = nothing, nothing, nothing
                vyx, vyy, vyz = nothing, nothing, nothing
                vzx, vzy, vzz = nothing, nothing, nothing
        if not atomic:
            add_tensor(virial_parts, part, vxx, vxy, vxz, vyx, vyy, vyz, vzx, vzy, vzz)

    return gather_incoming
