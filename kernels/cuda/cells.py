"""Sorting atoms and images into cells of space."""

from __future__ import annotations

from typing import Any

from ..layout import Floats, Grid, Ints
from ._cuda import WARP, device, kernel
from ._ptx import fetch4, first_item, lane, pick, put
from .layout import PlacesByCell
from .periodic import clamped

TYPE_BIT = 32  # of a tag, where the type starts behind the place


@device
def cell_at(x: Any, y: Any, z: Any, grid: Grid) -> int:
    """The cell of a point: x runs fastest."""
    a = clamped((x - grid.origin[0]) * grid.inverse[0], grid.shape[0])
    b = clamped((y - grid.origin[1]) * grid.inverse[1], grid.shape[1])
    c = clamped((z - grid.origin[2]) * grid.inverse[2], grid.shape[2])
    return (c * grid.shape[1] + b) * grid.shape[0] + a


@kernel
def key_rows(
    positions: Floats,
    types: Ints,
    owners: Ints,
    offsets: Floats,
    grid: Grid,
    n_types: int,
    keys: Ints,
) -> None:
    """Keys that sort atoms by type and cell, and images behind them by cell.

    Parameters
    ----------
    positions : (n, 3) Å
    types : (n,) int32
    owners, offsets : (n_all,), (3 · n_all,) see `images.place_images`
    keys : (n_all,) int64, modified
    """
    k = first_item() * WARP + lane()
    if k >= keys.size:
        return
    owner = pick(owners, k)
    x = positions[owner, 0] + pick(offsets, 3 * k)
    y = positions[owner, 1] + pick(offsets, 3 * k + 1)
    z = positions[owner, 2] + pick(offsets, 3 * k + 2)
    n_cells = grid.shape[0] * grid.shape[1] * grid.shape[2]
    kind = n_types
    if k < types.size:
        kind = pick(types, k)
    put(keys, k, kind * n_cells + cell_at(x, y, z, grid))


@kernel
def invert_order(order: Ints, places: Ints) -> None:
    """Where each entry went.

    Parameters
    ----------
    order : (n_all,) int64, the entry at each place
    places : (n_all,) int32, modified: the place of each entry
    """
    k = first_item() * WARP + lane()
    if k < places.size:
        put(places, pick(order, k), k)


@kernel
def sort_places(
    order: Ints,
    places: Ints,
    owners: Ints,
    offsets: Floats,
    shifts: Ints,
    atoms: Ints,
    sorted_owners: Ints,
    sorted_offsets: Floats,
    sorted_shifts: Ints,
) -> None:
    """What is known of entries, in the order of rows and images.

    Parameters
    ----------
    order, places : see `invert_order`
    owners, offsets, shifts : of entries, see `images.place_images`
    atoms : (n,) int32, modified: the atom of each row
    sorted_owners : (n_all,) int32, modified: rows
    sorted_offsets : (3 · n_all,) Å, modified
    sorted_shifts : (n_all,) int64, modified
    """
    k = first_item() * WARP + lane()
    if k >= sorted_owners.size:
        return
    entry = pick(order, k)
    atom = pick(owners, entry)
    if k < atoms.size:
        put(atoms, k, atom)
    put(sorted_owners, k, pick(places, atom))
    put(sorted_shifts, k, pick(shifts, entry))
    for x in range(3):
        put(sorted_offsets, 3 * k + x, pick(offsets, 3 * entry + x))


@kernel
def key_cells(located: Floats, grid: Grid, keys: Ints) -> None:
    """The cell of each row and image.

    Parameters
    ----------
    located : (4 · n_all,)
    keys : (n_all,) int64, modified
    """
    k = first_item() * WARP + lane()
    if k < keys.size:
        at = fetch4(located, 4 * k)
        put(keys, k, cell_at(at[0], at[1], at[2], grid))


@kernel
def fill_cells(
    located: Floats, members: Ints, keys: Ints, sorted_places: PlacesByCell, grid: Grid
) -> None:
    """Copies of rows and images by cell, and where each cell starts.

    Parameters
    ----------
    members : (n_all,) int64, places by cell
    keys : (n_all,) int64, the cell of each place
    sorted_places : modified
    grid : its ``first`` is modified
    """
    k = first_item() * WARP + lane()
    n = members.size
    if k > n:
        return
    begin = 0
    if k > 0:
        begin = pick(keys, pick(members, k - 1)) + 1
    end = grid.first.size - 1
    if k < n:
        place = pick(members, k)
        end = pick(keys, place)
        at = fetch4(located, 4 * place)
        put(sorted_places.x, k, at[0])
        put(sorted_places.y, k, at[1])
        put(sorted_places.z, k, at[2])
        put(sorted_places.tags, k, place + (int(at[3]) << TYPE_BIT))
    for cell in range(begin, end + 1):
        put(grid.first, cell, k)
