"""A batch of made-up pairs and a table, as the processors and the device read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from dpse_fast.kernels._simd import lanes, registers
from dpse_fast.kernels.cuda.layout import BatchPairs, PairGradients
from dpse_fast.kernels.cuda.streams import Streams
from dpse_fast.kernels.layout import Channels, EnvironmentRows, Pairs, Switch
from numpy.typing import NDArray

from dpse_fast.cuda.device import Device
from dpse_fast.cuda.packed_descriptor import packed_rows

BEGIN = 1  # rows of the list before the batch
BASE = 2  # its entries before the tile
SPARE = 2  # neighbours of a row and type that do not count
TABLE_ROWS = 7
CUTOFF, START = 4.0, 1.0  # Å
CPU_ROOM = 2 * lanes(np.float32)
LIMIT = {"double": 3e-14, "mixed": 3e-6, "single": 3e-6}  # of the largest number
Array = NDArray[Any]


class TablePairs(NamedTuple):
    """Numbers in float64, that both sides round to their precision."""

    met: Array  # (B, P)
    width: int  # channels of the table
    mixed: bool  # neighbour types side by side
    first: Array  # (n · P + 1,) of the list
    slots: Array  # (n_pairs,) in the list's row
    rows: Array  # (n_pairs,) of the table
    offsets: Array  # (n_pairs,) Å
    differences: Array  # (n_pairs, 3) Å
    counts: Array  # (B, G)
    coefficients: Array  # (TABLE_ROWS, 6, width)
    form: EnvironmentRows

    @property
    def entries(self) -> Array:
        """(n_pairs,) places in the list, ascending within a row and type."""
        rows = np.repeat(np.arange(len(self.met)), self.met.sum(axis=1))
        return self.first[(BEGIN + rows) * self.met.shape[1]] + self.slots

    def channels(self, width: int) -> Channels:
        """Of tables so wide, in numbers or registers.

        A type without pairs has no table, and the place of the type before.
        """
        count = np.where(self.met.any(axis=0), width, 0)
        ends = np.cumsum(count)
        start = np.maximum(ends - width, 0) if self.mixed else np.zeros_like(ends)
        total = max(ends[-1], width) if self.mixed else width
        square = (len(ends), len(ends))
        return Channels(
            np.ascontiguousarray(np.broadcast_to(start, square)),
            np.ascontiguousarray(np.broadcast_to(count, square)),
            np.full(len(ends), total),
        )

    @property
    def places(self) -> int:
        """Tables side by side."""
        return int(self.channels(1).total[0])

    def rows_of_r(self, geometry: Any) -> EnvironmentRows:
        switch, *arrays = self.form
        return EnvironmentRows(
            Switch(*(geometry(value) for value in switch)),
            *(array.astype(geometry) for array in arrays),
        )

    def cpu_pairs(self, dtype: Any, geometry: Any) -> Pairs:
        """Room behind the last is 1 Å away."""
        n = len(self.rows)
        offsets = np.zeros(n + CPU_ROOM, dtype)
        offsets[:n] = self.offsets
        differences = np.ones((3, n + CPU_ROOM), geometry)
        differences[:, :n] = self.differences.T
        coefficients = np.zeros(n + CPU_ROOM, np.int32)
        coefficients[:n] = self.rows * registers(self.width, dtype)
        return Pairs(
            first=np.concatenate([[0], np.cumsum(self.met)]),
            neighbours=np.zeros(n, np.int32),
            coefficients=coefficients,
            offsets=offsets,
            differences=differences.reshape(-1),
            counts=self.counts,
        )

    def cpu_table(self, dtype: Any) -> Array:
        """As ``[row, register, power, lane]``."""
        width = lanes(dtype)
        full = np.zeros((TABLE_ROWS, 6, registers(self.width, dtype) * width), dtype)
        full[..., : self.width] = self.coefficients
        split = full.reshape(TABLE_ROWS, 6, -1, width)
        return np.ascontiguousarray(split.transpose(0, 2, 1, 3)).reshape(-1)

    def device_pairs(
        self, device: Device, streams: Streams, dtype: Any, geometry: Any
    ) -> BatchPairs:
        """Places of neighbours that do not count hold what must not be used."""
        n_types = self.met.shape[1]
        begin = self.first[BEGIN * n_types]
        room = int(self.first[-1 - BEGIN * n_types] - begin)
        # A segment's pairs stand at its begin.
        segments = self.first[BEGIN * n_types :][: self.met.size] - begin
        at = np.concatenate(
            [s + np.arange(n) for s, n in zip(segments, self.met.flat, strict=True)]
        ).astype(int)
        offsets, slots = np.full(room, np.nan, dtype), np.full(room, 60_000, np.uint16)
        differences = np.full((3, room), np.nan, geometry)
        coefficients = np.full(room, 1_000_000_000, np.int32)
        offsets[at], slots[at] = self.offsets, self.slots
        differences[:, at] = self.differences.T
        coefficients[at] = self.rows * streams.sweeps * streams.vectors * streams.lanes
        pairs = BatchPairs(
            first=self.first,
            begin=BEGIN,
            count=len(self.met),
            met=self.met.astype(np.int32).reshape(-1),
            slots=slots,
            coefficients=coefficients,
            offsets=offsets,
            differences=differences.reshape(-1),
            counts=self.counts.reshape(-1),
        )
        found: BatchPairs = device.upload_all(pairs)
        return found

    def device_table(self, device: Device, streams: Streams, dtype: Any) -> Any:
        return device.upload(packed_rows(self.coefficients, streams).astype(dtype))


def table_pairs(
    met: list[list[int]], width: int, mixed: bool, protection: float = 0.0
) -> TablePairs:
    """Rows with so many pairs of each type that count.

    Parameters
    ----------
    protection : Å
    """
    rng = np.random.default_rng(width)
    counts = np.array(met)
    n_rows, n_types = counts.shape
    listed = np.full((n_rows + 2 * BEGIN, n_types), 3)
    listed[BEGIN:-BEGIN] = counts + SPARE
    first = np.concatenate([[0], np.cumsum(listed)])
    slots = []
    for row in range(n_rows):
        start = 0
        for t in range(n_types):
            room = counts[row, t] + SPARE
            chosen = rng.permutation(room)[: counts[row, t]]
            slots.append(start + np.sort(chosen))
            start += room
    n = counts.sum()
    directions = rng.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    r = rng.uniform(0.6 * START, 1.05 * CUTOFF, n)
    square = (n_types, n_types)
    return TablePairs(
        met=counts,
        width=width,
        mixed=mixed,
        first=first,
        slots=np.concatenate(slots).astype(np.uint16),
        rows=rng.integers(0, TABLE_ROWS, n),
        offsets=rng.uniform(-0.5, 0.5, n),
        differences=directions * r[:, None],
        counts=rng.integers(0, 9, (n_rows, 2)).astype(np.int32),
        coefficients=rng.normal(size=(TABLE_ROWS, 6, width)),
        form=EnvironmentRows(
            Switch(CUTOFF, START, 1 / (CUTOFF - START), protection),
            rng.normal(size=square),
            rng.uniform(0.5, 2, square),
            rng.uniform(0.5, 2, square),
        ),
    )


def check_gradients(
    device: Device,
    c: TablePairs,
    geometry: Any,
    launch: Callable[[PairGradients], None],
    on_cpu: Array,
    precision: str,
) -> None:
    """A kernel adds to gradients of pairs, and leaves those of others alone.

    Parameters
    ----------
    on_cpu : (3 · room,) what it adds
    """
    rng = np.random.default_rng(3)
    before = rng.normal(size=(c.first[-1] - BASE, 3)).astype(geometry)  # (n_list, 3)
    values = device.upload(before.reshape(-1))
    launch(PairGradients(values, BASE))
    found = device.download(values).reshape(-1, 3)
    expected, own = before.copy(), c.entries - BASE
    expected[own] += on_cpu.reshape(3, -1)[:, : len(c.rows)].T
    close(found, expected, precision)
    others = np.setdiff1d(np.arange(len(before)), own)
    np.testing.assert_array_equal(found[others], before[others])


def close(found: Any, expected: Any, precision: str) -> None:
    limit = LIMIT[precision] * np.abs(expected).max(initial=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=limit)
