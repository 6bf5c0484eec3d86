"""The periodic full neighbour list on the device; it serves while nothing moves far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..array_types import Doubles
from ..errors import InputError
from ..inputs.cell_geometry import allowance, check_density
from ..inputs.structure import System
from ..kernels.cuda.layout import NO_REVERSE, FullList, PlacesByCell
from ..kernels.cuda.neighbour_list import list_by_type, summarise
from ..kernels.cuda.reverse import find_reverse
from ..kernels.cuda.skin import farthest_move
from .device import Array, Device
from .row_list import RowList
from .spatial_order import Places, by_cell, in_spatial_order
from .warps import MOST_WARPS, warps

SPARE = 1 / 32  # of a list, so that the next one fits its memory


class _Built(NamedTuple):
    """A list, and what it was built for."""

    system: System  # positions and types are copies, unless every update builds a list
    hood: FullList
    located: Array
    places: Places
    starts: list[int]
    n_listed: int
    squared: Array  # room for moves
    strain: Array  # (9,) float64, of the last update since then
    last_strain: Doubles  # (3, 3) the same on the host, modified


class NeighbourList(RowList):
    """A full list over rows and explicit periodic images.

    Parameters
    ----------
    cutoff : Å
    skin : Å
        Pairs up to cutoff + skin are listed, and the list serves until an atom has
        moved by half the skin; less where the cell has shrunk, and beyond the change
        of the cell, see `squared_allowance`. 0 rebuilds on every `update`.
    n_types : P
    reverse : also find the place of each pair in the row of its other atom

    Attributes
    ----------
    builds : how often the list was built
    """

    def __init__(
        self, device: Device, cutoff: float, skin: float, n_types: int, reverse: bool
    ) -> None:
        self.cutoff, self.skin, self.builds = cutoff, skin, 0
        self._device, self._n_types, self._reverse = device, n_types, reverse
        self._built: _Built | None = None
        self._neighbours: Array = None
        self._places: Array = None

    @property
    def hood(self) -> FullList:
        """The list; `update` without a new one leaves its arrays."""
        return self._last().hood

    @property
    def located(self) -> Array:
        """(4 · n_all,) float64 of rows and images."""
        return self._last().located

    @property
    def order(self) -> Array:
        """(n,) int32, the caller's atom of each row."""
        return self._last().places.order

    @property
    def starts(self) -> list[int]:
        """First row of each type, and n."""
        return self._last().starts

    @property
    def n_all(self) -> int:
        """Rows and images."""
        return self._last().places.n_all

    @property
    def n_listed(self) -> int:
        """Neighbours of all rows."""
        return self._last().n_listed

    def _last(self) -> _Built:
        if self._built is None:
            raise RuntimeError("expected an update before")
        return self._built

    def update(
        self,
        positions: Array,
        types: Array,
        cell: np.ndarray,
        pbc: Sequence[bool],
        make_room: Callable[[], None] = lambda: None,
    ) -> bool:
        """Bring the list to these atoms; returns whether it was built anew.

        Waits for the device once for the largest move, and to build a list twice: for
        the number of images, and for the numbers of neighbours.

        Parameters
        ----------
        positions : (n, 3) float64 of the device, Å
        types : (n,) int32 of the device, as the plan numbers them
        cell, pbc : as in `System`
        make_room : called before a list is built

        Raises
        ------
        InputError
            If images or pairs exceed the memory: lengths are not in Å.
        """
        system = System(
            positions, types, cell, (bool(pbc[0]), bool(pbc[1]), bool(pbc[2]))
        )
        if self._needs_rebuild(system):
            self._rebuild(system, make_room)
            return True
        built = self._last()
        built.places.follow(self._device, system, built.strain, built.located)
        return False

    def _needs_rebuild(self, system: System) -> bool:
        built = self._built
        if built is None:
            return True
        strain, squared = allowance(built.system, system, self.cutoff, self.skin)
        return not squared or not self._farthest_move(built, system, strain) < squared

    def _farthest_move(self, built: _Built, system: System, strain: Doubles) -> float:
        """Å², beyond the strain; inf if a type has changed."""
        if not np.array_equal(strain, built.last_strain):
            self._device.upload(strain.reshape(-1), built.strain)
            built.last_strain[...] = strain
        old, squared = built.system, built.squared
        now, before = (system.positions, system.types), (old.positions, old.types)
        arrays = (*now, *before, built.strain, squared)
        self._device.launch(farthest_move, squared.size, *arrays)
        return float(self._device.download(squared).max())

    def _rebuild(self, system: System, make_room: Callable[[], None]) -> None:
        self._built = None  # the next list needs its memory, and half a list is none
        make_room()
        self._built = self._build(system)
        self.builds += 1

    def _build(self, system: System) -> _Built:
        device, n = self._device, len(system.positions)
        places = in_spatial_order(
            device, system, self.cutoff + self.skin, self._n_types
        )
        located = device.empty(4 * places.n_all, np.float64)
        strain = device.zeros(9, np.float64)
        places.follow(device, system, strain, located)
        hood, starts, n_listed = self._list(n, places, located)
        positions, types = system.positions, system.types
        if self.skin:
            positions, types = device.copy(positions), device.copy(types)
        at_build = System(positions, types, system.cell.copy(), system.pbc)
        squared = device.empty(min(warps(n), MOST_WARPS), np.float64)
        # What only building needs is given back.
        nothing = device.empty(0, np.int64)
        images = places.images._replace(
            wrapped=nothing, ends=nothing, places=nothing, shifts=nothing
        )
        grid = places.grid._replace(first=nothing)
        places = places._replace(images=images, grid=grid)
        found = (at_build, hood, located, places, starts, n_listed, squared)
        return _Built(*found, strain, np.zeros((3, 3)))

    def _list(
        self, n: int, places: Places, located: Array
    ) -> tuple[FullList, list[int], int]:
        device, n_types = self._device, self._n_types
        first = device.empty(n * n_types + 1, np.int64)
        sorted_places = by_cell(device, located, places.grid)
        self._pass(sorted_places, places, located, first, None)
        device.accumulate(first)
        n_warps = min(warps(n), MOST_WARPS)
        summary = device.empty(n_types + 2 + n_warps, np.int64)
        device.launch(summarise, n_warps, first, located, n, n_types, summary)
        found = device.download(summary).tolist()
        starts, n_listed = found[: n_types + 1], found[n_types + 1]
        self._check(n, n_listed, max(found[n_types + 2 :]))
        neighbours, reverse = self._memory_for(n_listed)
        self._pass(sorted_places, places, located, first, neighbours)
        del sorted_places
        lowest, highest = (device.empty(n * n_types, np.int32) for _ in range(2))
        hood = FullList(first, neighbours, reverse, places.owners, lowest, highest)
        device.launch(find_reverse, n, hood, places.images, located, n, n_types)
        return hood, starts, n_listed

    def _pass(
        self,
        sorted_places: PlacesByCell,
        places: Places,
        located: Array,
        first: Array,
        neighbours: Array | None,
    ) -> None:
        """Count neighbours, or write them."""
        device, n = self._device, places.order.size
        fill = neighbours is not None
        target = neighbours if fill else device.empty(0, np.int32)
        where = (sorted_places, located, places.grid, self.cutoff + self.skin)
        device.launch(list_by_type, n, *where, n, self._n_types, first, target, fill)

    def _check(self, n: int, n_listed: int, longest: int) -> None:
        extremes = 8 * n * self._n_types
        needed = n_listed * (6 if self._reverse else 4) + extremes
        reach = self.cutoff + self.skin
        check_density(n, n_listed, reach)
        free, _ = self._device.memory()
        room = sum(
            array.nbytes
            for array in (self._neighbours, self._places)
            if array is not None
        )
        if needed > free + room:
            raise InputError(
                f"positions: {n} atoms with {n_listed / n:.3g} neighbours each "
                f"within {reach:g} Å need {needed / 1e9:.3g} GB for their list, and "
                f"{(free + room) / 1e9:.3g} GB of the GPU are free; expected fewer "
                "atoms, a smaller skin, lengths in Å, or device='cpu'"
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
