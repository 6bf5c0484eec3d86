"""From pair gradients to forces and virials.

F_i = Σ_k g(i, k) − Σ_k g(reverse of (i, k)): each row reads its own list, so that no
two warps add to the same number and the order of every sum is fixed. The other way,
`make_scatter_forces`, needs no reverse places and adds in any order.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from ..layout import Floats
from ._cuda import WARP, cuda, device, kernel
from ._ptx import EVERYONE, first_item, lane, load4, pick, put
from .layout import NO_REVERSE, FullList, PairGradients, Tile

N_VIRIAL = 9


@device
def warp_total(x: Any) -> Any:
    """Σ over the lanes of a warp, bitwise the same in all of them."""
    x += cuda.shfl_xor_sync(EVERYONE, x, 16)
    x += cuda.shfl_xor_sync(EVERYONE, x, 8)
    x += cuda.shfl_xor_sync(EVERYONE, x, 4)
    x += cuda.shfl_xor_sync(EVERYONE, x, 2)
    x += cuda.shfl_xor_sync(EVERYONE, x, 1)
    return x


@device
def _vector_total(x: Any, y: Any, z: Any) -> Any:
    """Σ over a warp's lanes: of x in lanes 0 to 7, of y in 8 to 15, of z behind.

    Six exchanges, where three sums in all lanes take fifteen.
    """
    own = lane()
    upper, odd = own & 16, own & 8
    other = cuda.shfl_xor_sync(EVERYONE, x if upper else z, 16)
    y += cuda.shfl_xor_sync(EVERYONE, y, 16)
    first = z + other if upper else x + other
    second = first if upper else y
    total = second if odd else first
    total += cuda.shfl_xor_sync(EVERYONE, first if odd else second, 8)
    total += cuda.shfl_xor_sync(EVERYONE, total, 4)
    total += cuda.shfl_xor_sync(EVERYONE, total, 2)
    total += cuda.shfl_xor_sync(EVERYONE, total, 1)
    return total


@device
def add_vector(array: Floats, at: int, x: Any, y: Any, z: Any) -> None:
    """Add the warp's total of (x, y, z) to three numbers that no other warp adds to."""
    total, own = _vector_total(x, y, z), lane()
    if own & 7 == 0 and own < 24:
        put(array, at + (own >> 3), pick(array, at + (own >> 3)) + total)


@device
def add_tensor(
    array: Floats,
    at: int,
    xx: Any,
    xy: Any,
    xz: Any,
    yx: Any,
    yy: Any,
    yz: Any,
    zx: Any,
    zy: Any,
    zz: Any,
) -> None:
    """Add the warp's totals to nine numbers that no other warp adds to."""
    add_vector(array, at, xx, xy, xz)
    add_vector(array, at + 3, yx, yy, yz)
    add_vector(array, at + 6, zx, zy, zz)


@cache
def make_gather_forces(atomic: bool) -> Any:
    """`gather_forces`, with or without virials of atoms."""

    @partial(kernel, blocks=5 if atomic else 7)
    def gather_forces(
        hood: FullList,
        n_types: int,
        located: Floats,
        limit: float,
        tile: Tile,
        gradients: PairGradients,
        per_warp: int,
        forces: Floats,
        virial_parts: Floats,
        virials: Floats,
    ) -> None:
        """Add what a tile's pair gradients exert on all rows.

        A warp takes ``per_warp`` consecutive rows of all, in or out of the tile. For
        the same tiles all sums are bitwise the same; other tiles group the terms of a
        row's sum in another way.

        Parameters
        ----------
        n_types : P
        limit : Å², pairs of r² from here on have no gradient
        forces : (3 · n,) float64 eV/Å, added to
        virial_parts : (9 · n_warps,) float64 eV, added to; −Σ g ⊗ d by warps
        virials : (9 · n,) float64 eV, each pair's on its neighbour, added to; or (0,)
        """
        n = forces.size // 3
        own = lane()
        first_row = first_item() * per_warp
        if first_row >= n:
            return
        nothing = 0.0
        vxx, vxy, vxz = nothing, nothing, nothing
        vyx, vyy, vyz = nothing, nothing, nothing
        vzx, vzy, vzz = nothing, nothing, nothing
        any_inside = False
        for row in range(first_row, min(first_row + per_warp, n)):
            inside = tile.begin <= row and row < tile.end
            any_inside = any_inside or inside
            x, y, z, _ = load4(located, 4 * row)
            fx, fy, fz = nothing, nothing, nothing
            wxx, wxy, wxz = nothing, nothing, nothing
            wyx, wyy, wyz = nothing, nothing, nothing
            wzx, wzy, wzz = nothing, nothing, nothing
            touched = False
            species = 0
            while species < n_types:
                segment = row * n_types + species
                # The segments of a row are one run where all of its pairs are read.
                species = n_types if inside else species + 1
                begin = pick(hood.first, segment)
                end = pick(hood.first, row * n_types + species)
                if not inside and (
                    begin == end
                    or pick(hood.lowest, segment) >= tile.end
                    or pick(hood.highest, segment) < tile.begin
                ):
                    continue
                touched = True
                for e in range(begin + own, end, WARP):
                    j, place = pick(hood.neighbours, e), pick(hood.reverse, e)
                    xj, yj, zj, _ = load4(located, 4 * j)
                    owner = pick(hood.owners, j)
                    dx, dy, dz = xj - x, yj - y, zj - z
                    if inside:
                        at = 3 * (e - gradients.base)
                        gx = float(pick(gradients.values, at))
                        gy = float(pick(gradients.values, at + 1))
                        gz = float(pick(gradients.values, at + 2))
                        fx += gx
                        fy += gy
                        fz += gz
                        vxx -= gx * dx
                        vxy -= gx * dy
                        vxz -= gx * dz
                        vyx -= gy * dx
                        vyy -= gy * dy
                        vyz -= gy * dz
                        vzx -= gz * dx
                        vzy -= gz * dy
                        vzz -= gz * dz
                    if cuda.fma(dz, dz, cuda.fma(dy, dy, dx * dx)) >= limit:
                        continue
                    if owner < tile.begin or owner >= tile.end or place == NO_REVERSE:
                        continue
                    back = pick(hood.first, owner * n_types) + place
                    at = 3 * (back - gradients.base)
                    gx = float(pick(gradients.values, at))
                    gy = float(pick(gradients.values, at + 1))
                    gz = float(pick(gradients.values, at + 2))
                    fx -= gx
                    fy -= gy
                    fz -= gz
                    if atomic:  # −g ⊗ d of the reverse pair, whose d is the opposite
                        wxx += gx * dx
                        wxy += gx * dy
                        wxz += gx * dz
                        wyx += gy * dx
                        wyy += gy * dy
                        wyz += gy * dz
                        wzx += gz * dx
                        wzy += gz * dy
                        wzz += gz * dz
            if not touched:
                continue
            add_vector(forces, 3 * row, fx, fy, fz)
            if atomic:
                at = N_VIRIAL * row
                add_tensor(virials, at, wxx, wxy, wxz, wyx, wyy, wyz, wzx, wzy, wzz)
        if any_inside:
            at = N_VIRIAL * first_item()
            add_tensor(virial_parts, at, vxx, vxy, vxz, vyx, vyy, vyz, vzx, vzy, vzz)

    return gather_forces


@device
def _add_atomically(array: Floats, at: int, x: Any, y: Any, z: Any) -> None:
    """Add (x, y, z) to three numbers that other warps add to as well."""
    cuda.atomic.add(array, at, x)
    cuda.atomic.add(array, at + 1, y)
    cuda.atomic.add(array, at + 2, z)


@cache
def make_scatter_forces(atomic: bool) -> Any:
    """`scatter_forces`, with or without virials of atoms."""

    @partial(kernel, blocks=6 if atomic else 7)
    def scatter_forces(
        hood: FullList,
        n_types: int,
        located: Floats,
        tile: Tile,
        gradients: PairGradients,
        per_warp: int,
        forces: Floats,
        virial_parts: Floats,
        virials: Floats,
    ) -> None:
        """As `gather_forces`, by atomic additions: the sums differ from run to run.

        A warp takes ``per_warp`` consecutive rows of the tile.
        """
        own = lane()
        first_row = tile.begin + first_item() * per_warp
        if first_row >= tile.end:
            return
        nothing = 0.0
        vxx, vxy, vxz = nothing, nothing, nothing
        vyx, vyy, vyz = nothing, nothing, nothing
        vzx, vzy, vzz = nothing, nothing, nothing
        for row in range(first_row, min(first_row + per_warp, tile.end)):
            x, y, z, _ = load4(located, 4 * row)
            fx, fy, fz = nothing, nothing, nothing
            begin = pick(hood.first, row * n_types)
            end = pick(hood.first, (row + 1) * n_types)
            for e in range(begin + own, end, WARP):
                at = 3 * (e - gradients.base)
                gx = float(pick(gradients.values, at))
                gy = float(pick(gradients.values, at + 1))
                gz = float(pick(gradients.values, at + 2))
                if gx == 0.0 and gy == 0.0 and gz == 0.0:
                    continue
                j = pick(hood.neighbours, e)
                owner = pick(hood.owners, j)
                xj, yj, zj, _ = load4(located, 4 * j)
                dx, dy, dz = xj - x, yj - y, zj - z
                fx += gx
                fy += gy
                fz += gz
                _add_atomically(forces, 3 * owner, -gx, -gy, -gz)
                vxx -= gx * dx
                vxy -= gx * dy
                vxz -= gx * dz
                vyx -= gy * dx
                vyy -= gy * dy
                vyz -= gy * dz
                vzx -= gz * dx
                vzy -= gz * dy
                vzz -= gz * dz
                if atomic:
                    at = N_VIRIAL * owner
                    _add_atomically(virials, at, -gx * dx, -gx * dy, -gx * dz)
                    _add_atomically(virials, at + 3, -gy * dx, -gy * dy, -gy * dz)
                    _add_atomically(virials, at + 6, -gz * dx, -gz * dy, -gz * dz)
            total = _vector_total(fx, fy, fz)
            if own & 7 == 0 and own < 24:
                cuda.atomic.add(forces, 3 * row + (own >> 3), total)
        at = N_VIRIAL * first_item()
        add_tensor(virial_parts, at, vxx, vxy, vxz, vyx, vyy, vyz, vzx, vzy, vzz)

    return scatter_forces
