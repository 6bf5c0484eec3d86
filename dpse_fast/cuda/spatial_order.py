"""Rows and periodic images on the device, in the order of types and of space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..inputs.cell_geometry import MOST_ATOMS, cells_of_space, periodicity
from ..inputs.structure import System
from ..kernels.cuda.cells import (
    fill_cells,
    invert_order,
    key_cells,
    key_rows,
    sort_places,
)
from ..kernels.cuda.images import N_EXTENT, place_images, wrap_atoms
from ..kernels.cuda.layout import Images, PlacesByCell
from ..kernels.cuda.skin import follow
from ..kernels.layout import Grid, Periodicity
from .device import Array, Device
from .warps import MOST_WARPS, warps

# Along x, the direction of lines, and along y and z. A warp's turns for an atom, water
# to 8 Å: 25.7, with (4, 1, 1) cells 27.3, with (8, 2, 2) 22.7; water to 6 Å: 13.0, 13.8
# and 21.5.
CELLS_PER_REACH = np.array([8.0, 1.0, 1.0])
# Of a row or image, when places are sorted by cell: located, owner, offset, shift,
# place, key, order, and what a radix sort keeps beside them or copies in that order.
BUILDING_BYTES = 32 + 4 + 24 + 8 + 4 + 8 + 8 + 32
ATOM_BYTES = 24 + 8 + 4  # fractions, ends of images, order
SEGMENT_BYTES = 2 * 8  # where each begins, twice while counts are added up


class Places(NamedTuple):
    """Rows and images as they were sorted."""

    n_all: int
    order: Array  # (n,) int32, the atom of each row
    owners: Array  # (n_all,) int32, the row behind each place
    offsets: Array  # (3 · n_all,) Å, from the atom's position
    images: Images
    grid: Grid

    def follow(
        self, device: Device, system: System, strain: Array, located: Array
    ) -> None:
        """Bring ``located`` (4 · n_all,) to where the atoms are.

        Parameters
        ----------
        strain : (9,) float64 of the device, since the offsets were written
        """
        device.launch(
            follow,
            warps(self.n_all),
            system.positions,
            system.types,
            self.order,
            self.owners,
            self.offsets,
            strain,
            located,
        )


def in_spatial_order(
    device: Device, system: System, reach: float, n_types: int
) -> Places:
    """Wrap atoms, add the images within reach of the cell, sort both.

    Waits once for the device, for the number and the extent of the images: memory is
    asked for and cells are laid by them.

    Parameters
    ----------
    system : with positions and types on the device
    reach : Å

    Raises
    ------
    InputError
        If there are too many images for memory.
    """
    n = len(system.positions)
    on_host = periodicity(system, reach)
    box = device.upload_all(on_host)
    wrapped, ends = device.empty(3 * n, np.float64), device.empty(n, np.int64)
    n_warps = min(warps(n), MOST_WARPS)
    extent = device.empty(N_EXTENT * n_warps, np.float64)
    device.launch(wrap_atoms, n_warps, system.positions, box, wrapped, ends, extent)
    device.accumulate(ends)
    found = device.download(extent).reshape(-1, N_EXTENT)
    n_all = n + int(found[:, 6].sum())
    low, high = found[:, :3].min(axis=0), found[:, 3:6].max(axis=0)
    origin, widths, shape = cells_of_space(
        low, high, on_host.cell, reach, n_all, CELLS_PER_REACH
    )
    n_cells = int(shape.prod())
    _check(device, n, n_all, building_bytes(n, n_all, n_cells, n_types))
    first = device.empty(n_cells + 1, np.int32)
    grid = Grid(
        device.upload(origin), device.upload(1 / widths), device.upload(shape), first
    )
    return _sorted(device, system, box, (wrapped, ends), n_all, grid, n_types)


def building_bytes(n: int, n_all: int, n_cells: int, n_types: int) -> int:
    """The most that building takes, without the list itself and what a caller holds."""
    atom = ATOM_BYTES + SEGMENT_BYTES * n_types
    return BUILDING_BYTES * n_all + atom * n + 4 * n_cells


def _check(device: Device, n: int, n_all: int, needed: int) -> None:
    free, _ = device.memory()
    if n_all > MOST_ATOMS or needed > free:
        raise InputError(
            f"positions: {n} atoms and {n_all - n} periodic images need "
            f"{needed / 1e9:.3g} GB for their list, and "
            f"{free / 1e9:.3g} GB of the GPU are free ({MOST_ATOMS} fit any list); "
            "expected fewer atoms, positions and cell in Å, or device='cpu'"
        )


def _sorted(
    device: Device,
    system: System,
    box: Periodicity,
    atoms: tuple[Array, Array],
    n_all: int,
    grid: Grid,
    n_types: int,
) -> Places:
    (wrapped, ends), n = atoms, len(system.positions)

    def entries() -> tuple[Array, Array, Array]:
        """Room for owners, offsets and shifts."""
        return (
            device.empty(n_all, np.int32),
            device.empty(3 * n_all, np.float64),
            device.empty(n_all, np.int64),
        )

    owners, offsets, shifts = entries()
    device.launch(place_images, warps(n), wrapped, box, ends, owners, offsets, shifts)
    keys = device.empty(n_all, np.int64)
    located = (system.positions, system.types, owners, offsets)
    device.launch(key_rows, warps(n_all), *located, grid, n_types, keys)
    sorting = device.order(keys)
    del keys
    places = device.empty(n_all, np.int32)
    device.launch(invert_order, warps(n_all), sorting, places)
    order = device.empty(n, np.int32)
    own = entries()
    device.launch(
        sort_places,
        warps(n_all),
        sorting,
        places,
        owners,
        offsets,
        shifts,
        order,
        *own,
    )
    images = Images(wrapped, box.reach, ends, places, own[2], order)
    return Places(n_all, order, own[0], own[1], images, grid)


def by_cell(device: Device, located: Array, grid: Grid) -> PlacesByCell:
    """Copies of rows and images in the order of cells; fills the grid's ``first``."""
    n_all = located.size // 4
    keys = device.empty(n_all, np.int64)
    device.launch(key_cells, warps(n_all), located, grid, keys)
    members = device.order(keys)
    x, y, z = (device.empty(n_all, np.float64) for _ in range(3))
    found = PlacesByCell(x, y, z, device.empty(n_all, np.int64))
    device.launch(fill_cells, warps(n_all + 1), located, members, keys, found, grid)
    return found
