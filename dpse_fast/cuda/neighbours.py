"""The periodic full neighbour list on the device, kept while nothing moves too far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..boundary import System
from ..errors import InputError
from ..kernels.cuda._cuda import WARP
from ..kernels.cuda.cells import (
    fill_cells,
    invert_order,
    key_cells,
    key_rows,
    sort_places,
)
from ..kernels.cuda.images import count_images, measure_extent, place_images
from ..kernels.cuda.layout import NO_REVERSE, FullList
from ..kernels.cuda.neighbour_list import find_reverse, list_by_type, longest_row
from ..kernels.cuda.skin import farthest_move, follow
from ..kernels.layout import Grid, Periodicity
from ..spatial_order import MOST_ATOMS, periodicity
from .device import Array, Device

Floats = NDArray[np.float64]

# Along x, the direction of lines, and along y and z.
CELLS_PER_REACH = np.array([8.0, 1.0, 1.0])
MOST_CELLS_PER_ATOM = 8
MOST_WARPS = 4096  # that share a search for an extreme
BUILDING_BYTES = 140  # of an atom or image, while the list is made
SPARE = 1 / 32  # of a list, so that the next one fits its memory


class _Built(NamedTuple):
    """A list, and what it was built for."""

    n: int
    cell: Floats
    pbc: tuple[bool, bool, bool]
    positions: Array  # (n, 3) copies, unless every update builds a list
    types: Array


class DeviceList:
    """A full list over rows and explicit periodic images.

    Parameters
    ----------
    cutoff : Å
    skin : Å
        Pairs up to cutoff + skin are listed, and the list serves until an atom has
        moved by half the skin; 0 rebuilds on every `update`.
    n_types : P
    reverse : also find the place of each pair in the row of its other atom

    Attributes
    ----------
    hood : FullList
    located : (4 · n_all,) float64
    order : (n,) int32, the caller's atom of each row
    starts : first row of each type, and n
    n_all, n_listed : rows and images, and neighbours
    builds : how often the list was built
    """

    hood: FullList
    located: Array
    order: Array
    starts: list[int]
    n_all: int
    n_listed: int

    def __init__(
        self, device: Device, cutoff: float, skin: float, n_types: int, reverse: bool
    ) -> None:
        self.cutoff, self.skin, self.builds = cutoff, skin, 0
        self._device, self._n_types, self._reverse = device, n_types, reverse
        self._built: _Built | None = None
        self._neighbours = self._places = None

    def update(
        self, positions: Array, types: Array, cell: Floats, pbc: Sequence[bool]
    ) -> bool:
        """Bring the list to these atoms; returns whether it was built anew.

        Waits for the device: for the largest move, and to build a list for the numbers
        of images and of neighbours.

        Parameters
        ----------
        positions : (n, 3) float64 of the device, Å
        types : (n,) int32 of the device, as the plan numbers them
        cell, pbc : as in `System`

        Raises
        ------
        InputError
            If images or pairs exceed the memory: lengths are not in Å.
        """
        system = System(
            positions, types, cell, (bool(pbc[0]), bool(pbc[1]), bool(pbc[2]))
        )
        anew = self._built is None or not self._serves(self._built, system)
        if anew:
            self._built = None
            self._build(system)
            self.builds += 1
        else:
            self._follow(system)
        return anew

    def _serves(self, built: _Built, system: System) -> bool:
        if (
            not self.skin
            or built.n != len(system.positions)
            or built.pbc != system.pbc
            or not np.array_equal(built.cell, system.cell)
        ):
            return False
        squared = self._squared
        now = (system.positions, system.types)
        before = (built.positions, built.types)
        self._device.launch(farthest_move, squared.size, *now, *before, squared)
        most = self._device.download(squared).max()
        return bool(most < 0.25 * self.skin**2)

    def _follow(self, system: System) -> None:
        self._device.launch(
            follow,
            _warps(self.n_all),
            *(system.positions, system.types, self.order),
            *(self.hood.owners, self._offsets, self.located),
        )

    def _build(self, system: System) -> None:
        device, n = self._device, len(system.positions)
        reach = self.cutoff + self.skin
        box = device.upload_all(periodicity(system, reach))
        ends = self._count_images(system, box)
        grid = self._sort(system, box, ends, reach)
        self._follow(system)
        self._list(n, grid, reach)
        self._squared = device.empty(min(_warps(n), MOST_WARPS), np.float64)
        kept = (system.positions, system.types)
        if self.skin:
            kept = (device.copy(system.positions), device.copy(system.types))
        self._built = _Built(n, system.cell.copy(), system.pbc, *kept)

    def _count_images(self, system: System, box: Periodicity) -> Array:
        """(n,) int64, images of the atoms up to each; sets `n_all`."""
        device, n = self._device, len(system.positions)
        ends = device.empty(n, np.int64)
        device.launch(count_images, _warps(n), system.positions, box, ends)
        device.accumulate(ends)
        n_images = int(device.last(ends))
        self.n_all = n + n_images
        free, _ = device.memory()
        if self.n_all > min(MOST_ATOMS, free / BUILDING_BYTES):
            raise InputError(
                f"positions: {n} atoms and {n_images} periodic images need "
                f"{self.n_all * BUILDING_BYTES / 1e9:.3g} GB for their list, and "
                f"{free / 1e9:.3g} GB of the GPU are free ({MOST_ATOMS} fit any list); "
                "expected fewer atoms, positions and cell in Å, or device='cpu'"
            )
        return ends

    def _grid(self, system: System, box: Periodicity, reach: float) -> Grid:
        """Cells over all atoms and images, wider where atoms are sparse."""
        device, n = self._device, len(system.positions)
        n_warps = min(_warps(n), MOST_WARPS)
        low, high = (device.empty(3 * n_warps, np.float64) for _ in range(2))
        device.launch(measure_extent, n_warps, system.positions, box, low, high)
        least = device.download(low).reshape(-1, 3).min(axis=0)
        most = device.download(high).reshape(-1, 3).max(axis=0)
        ends = least[:, None] * system.cell, most[:, None] * system.cell
        origin = np.minimum(*ends).sum(axis=0)
        extent = np.maximum(*ends).sum(axis=0) - origin
        width = reach / CELLS_PER_REACH
        limit = MOST_CELLS_PER_ATOM * self.n_all + 64
        while np.prod(np.floor(extent / width) + 1) > limit:
            width = width * 1.26
        shape = np.floor(extent / width).astype(np.int64) + 1
        first = device.empty(int(shape.prod()) + 1, np.int32)
        return Grid(
            device.upload(origin), device.upload(1 / width), device.upload(shape), first
        )

    def _sort(
        self, system: System, box: Periodicity, ends: Array, reach: float
    ) -> Grid:
        """Rows by type and cell, images behind them; sets all but the list itself."""
        device, n, n_all = self._device, len(system.positions), self.n_all
        owners = device.empty(n_all, np.int32)
        offsets = device.empty(3 * n_all, np.float64)
        device.launch(
            place_images, _warps(n), system.positions, box, ends, owners, offsets
        )
        grid = self._grid(system, box, reach)
        keys = device.empty(n_all, np.int64)
        atoms = (system.positions, system.types)
        device.launch(
            key_rows, _warps(n_all), *atoms, owners, offsets, grid, self._n_types, keys
        )
        order = device.order(keys)
        row_of = device.empty(n, np.int32)
        device.launch(invert_order, _warps(n), order, n, row_of)
        self.order = device.empty(n, np.int32)
        sorted_owners = device.empty(n_all, np.int32)
        self._offsets = device.empty(3 * n_all, np.float64)
        device.launch(
            sort_places,
            _warps(n_all),
            *(order, row_of, owners, offsets),
            *(self.order, sorted_owners, self._offsets),
        )
        self.located = device.empty(4 * n_all, np.float64)
        nothing = device.empty(0, np.int64)
        self.hood = FullList(*([nothing] * 3), sorted_owners, *([nothing] * 2))
        counts = device.count_each(system.types, self._n_types)
        self.starts = [0, *np.cumsum(counts).tolist()]
        return grid

    def _list(self, n: int, grid: Grid, reach: float) -> None:
        device, n_all, n_types = self._device, self.n_all, self._n_types
        keys = device.empty(n_all, np.int64)
        device.launch(key_cells, _warps(n_all), self.located, grid, keys)
        members = device.order(keys)
        packed = device.empty(4 * n_all, np.float64)
        device.launch(
            fill_cells, _warps(n_all + 1), self.located, members, keys, packed, grid
        )
        del keys, members
        first = device.zeros(n * n_types + 1, np.int64)
        written = device.zeros(n * n_types, np.int32)
        place = (packed, self.located, grid, reach, n_types, first, written)
        nothing = device.empty(0, np.int32)
        device.launch(list_by_type, n, *place, nothing, False)
        device.accumulate(first)
        self.n_listed = int(device.last(first))
        longest = device.empty(min(_warps(n), MOST_WARPS), np.int64)
        device.launch(longest_row, longest.size, first, n_types, longest)
        self._check_list(n, reach, int(device.download(longest).max()))
        neighbours, reverse = self._memory_for(self.n_listed)
        device.launch(list_by_type, n, *place, neighbours, True)
        extremes = (device.empty(n * n_types, np.int32) for _ in range(2))
        self.hood = FullList(first, neighbours, reverse, self.hood.owners, *extremes)
        device.launch(find_reverse, n, self.hood, self.located, n_types)

    def _check_list(self, n: int, reach: float, longest: int) -> None:
        needed = self.n_listed * (6 if self._reverse else 4)
        free, _ = self._device.memory()
        room = 0 if self._neighbours is None else self._neighbours.nbytes
        if needed > free + room:
            raise InputError(
                f"positions: {n} atoms with {self.n_listed / n:.3g} neighbours each "
                f"within {reach:g} Å need {needed / 1e9:.3g} GB for their list, and "
                f"{free / 1e9:.3g} GB of the GPU are free; expected fewer atoms, a "
                "smaller skin, lengths in Å, or device='cpu'"
            )
        if longest >= NO_REVERSE:
            raise InputError(
                f"positions: an atom has {longest} neighbours within {reach:g} Å; "
                f"expected fewer than {NO_REVERSE}, lengths in Å"
            )

    def _memory_for(self, n_listed: int) -> tuple[Array, Array]:
        """Of the last list if it is enough, and not far too much."""
        device = self._device
        room = 0 if self._neighbours is None else self._neighbours.size
        if self._neighbours is None or not n_listed <= room <= 2 * n_listed:
            self._neighbours = self._places = None
            room = n_listed + int(SPARE * n_listed)
            self._neighbours = device.empty(room, np.int32)
            self._places = device.empty(room if self._reverse else 0, np.uint16)
        return self._neighbours, self._places


def _warps(n_threads: int) -> int:
    return int(-(-n_threads // WARP))
