"""A caller's list in the order of rows: by type, with the neighbours of each type."""

from __future__ import annotations

import numpy as np

from ..array_types import Int64s
from ..errors import InputError
from ..kernels.cuda.caller_list import key_atoms, list_gradients, sort_by_type
from ..kernels.cuda.cells import invert_order
from ..kernels.cuda.incoming import find_incoming
from ..kernels.cuda.layout import (
    NO_REVERSE,
    FullList,
    GivenList,
    Incoming,
    PairGradients,
    Tile,
)
from ..kernels.cuda.neighbour_list import summarise
from ..kernels.cuda.rows import renumber
from ..kernels.cuda.skin import follow
from .device import Array, Device
from .neighbour_list_check import CheckedList
from .row_list import CallersRows
from .warps import MOST_WARPS, warps

LISTED = 4 + 2  # bytes of a pair: its neighbour, its place in the caller's row
INCOMING = 4 + 2  # and as what points at its neighbour
SORTING = 8 + 4 + 8 + 4  # while pairs are sorted by these: places and keys, twice


class ListedRows(CallersRows):
    """See `RowList`. Rows of a type are in the order of the caller's atoms.

    MD codes sort their atoms in space every so often, and so their rows and ghosts:
    another sort would bring nothing near that is not.

    Parameters
    ----------
    given : with rows that count
    positions : (n_all, 3) float64 of the device, Å
    numbers : (T,) int32 of the device, types of the model as the plan numbers them
    n_types : P
    deterministic : find `incoming`

    Attributes
    ----------
    order : (n_all,) int32, the caller's atom of each row, ghost and virtual atom
    rows : (n,) int32, the caller's row of each row

    Raises
    ------
    InputError
        If the list does not fit into memory, or a row is too long.
    """

    def __init__(
        self,
        device: Device,
        given: CheckedList,
        positions: Array,
        numbers: Array,
        n_types: int,
        deterministic: bool,
    ) -> None:
        self._device, self._n_types = device, n_types
        n_all, n = given.n_all, given.n_counted
        self.n_given = given.n_list
        self._check_memory(n, deterministic)
        self._types = device.empty(n_all, np.int32)
        device.launch(renumber, warps(n_all), given.types, numbers, self._types)
        self.order, places = self._sorted(given)
        self.rows = device.empty(n, np.int32)
        in_rows = device.part(self.order, 0, n)
        device.launch(renumber, warps(n), in_rows, given.rows, self.rows)
        self._owners = device.upload(np.arange(n_all, dtype=np.int32))
        self._located = device.empty(4 * n_all, np.float64)
        self.follow(positions)
        self._given = GivenList(given.first, given.neighbours, self.rows)
        self._list(places)
        self.incoming = self._find_incoming() if deterministic else None
        nothing = device.empty(0, np.int32)
        self._given = self._given._replace(neighbours=nothing)

    @property
    def hood(self) -> FullList:
        return self._hood

    @property
    def located(self) -> Array:
        return self._located

    @property
    def starts(self) -> list[int]:
        return self._starts

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.rows.size)

    @property
    def n_places(self) -> int:
        return int(self.order.size)

    def follow(self, positions: Array) -> None:
        """Bring ``located`` to where the atoms are; see `ListedRows`."""
        nothing = self._device.empty(0, np.float64)
        self._device.launch(
            follow,
            warps(self.n_places),
            positions,
            self._types,
            self.order,
            self._owners,
            nothing,
            nothing,
            self._located,
        )

    def list_gradients(self, tile: Tile, gradients: PairGradients, out: Array) -> None:
        self._device.launch(
            list_gradients,
            tile.end - tile.begin,
            self._hood,
            self._n_types,
            self._given,
            self._origins,
            tile,
            gradients,
            out,
        )

    def given_places(self, rows: Int64s, pairs: Int64s) -> Int64s:
        pick = self._device.pick
        begin = pick(self._given.first, pick(self._given.rows, rows).astype(np.int64))
        found: Int64s = begin + pick(self._origins, pairs)
        return found

    def _check_memory(self, n: int, deterministic: bool) -> None:
        pair = LISTED + (INCOMING + SORTING if deterministic else 0)
        needed = pair * self.n_given + 8 * n * self._n_types
        free, _ = self._device.memory()
        if needed > free:
            remedy = "" if not deterministic else "deterministic=False, "
            raise InputError(
                f"neighbours: {n} rows with {self.n_given} neighbours need "
                f"{needed / 1e9:.3g} GB for their list, and {free / 1e9:.3g} GB of the "
                f"GPU are free; expected fewer atoms, a smaller skin, {remedy}or "
                "device='cpu'"
            )

    def _sorted(self, given: CheckedList) -> tuple[Array, Array]:
        """(n_all,) int32: the atom at each place, and the place of each atom."""
        device, n_all = self._device, given.types.size
        keys = device.empty(n_all, np.int32)
        device.launch(
            key_atoms, warps(n_all), self._types, given.rows, self._n_types, keys
        )
        order = device.order(keys)
        places = device.empty(n_all, np.int32)
        device.launch(invert_order, warps(n_all), order, places)
        return device.cast(device.native(order, n_all), np.int32), places

    def _list(self, places: Array) -> None:
        device, n_types, n = self._device, self._n_types, self.rows.size
        first = device.empty(n * n_types + 1, np.int64)
        nothing, none = device.empty(0, np.int32), device.empty(0, np.uint16)
        atoms = (self._given, self._types, places, n_types, first)
        device.launch(sort_by_type, n, *atoms, nothing, none, False)
        device.accumulate(first)
        n_warps = min(warps(n), MOST_WARPS)
        summary = device.empty(n_types + 2 + n_warps, np.int64)
        device.launch(summarise, n_warps, first, self._located, n, n_types, summary)
        found = device.download(summary).tolist()
        self._starts: list[int] = found[: n_types + 1]
        n_listed = found[n_types + 1]
        longest = max(found[n_types + 2 :])
        if longest >= NO_REVERSE:
            raise InputError(
                f"neighbours: expected fewer than {NO_REVERSE} in a row, got {longest}"
            )
        neighbours = device.empty(n_listed, np.int32)
        self._origins = device.empty(n_listed, np.uint16)
        device.launch(sort_by_type, n, *atoms, neighbours, self._origins, True)
        self._hood = FullList(first, neighbours, none, self._owners, nothing, nothing)

    def _find_incoming(self) -> Incoming:
        device, hood, n = self._device, self._hood, self.rows.size
        n_listed = hood.neighbours.size
        order = device.empty(0, np.int64)
        if n_listed:
            order = device.order(hood.neighbours)
        incoming = Incoming(
            device.empty(self.n_places + 1, np.int64),
            device.empty(n_listed, np.int32),
            device.empty(n_listed, np.uint16),
        )
        sizes = n, self._n_types
        device.launch(find_incoming, warps(n_listed + 1), hood, *sizes, order, incoming)
        return incoming
