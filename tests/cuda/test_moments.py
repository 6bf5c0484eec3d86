"""Moments and their gradient on the device against the processors' kernels."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels._simd import lanes
from dpse_fast.kernels.cpu.moments import moments
from dpse_fast.kernels.cpu.pair_gradients import pair_gradients
from dpse_fast.kernels.cuda.streams import Streams

from dpse_fast.cuda.device import Device
from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.table_pairs import TablePairs, check_gradients, close, table_pairs

WATER = Streams(8, 3, 1)
# Of a row: no pair, one, all streams but one, more than a warp takes at once.
TWO_TYPES = [[0, 0], [1, 2], [0, 7], [35, 4]]
CASES = {
    "water": (table_pairs(TWO_TYPES, 24, True), WATER),
    "on one place": (table_pairs(TWO_TYPES, 24, False), WATER),
    "one type": (table_pairs([[5], [0], [33]], 23, True), WATER),
    "a type without table": (table_pairs([[3, 0, 2]], 5, True, 0.1), Streams(8, 1, 1)),
    "first type without table": (table_pairs([[0, 3]], 5, True), Streams(8, 1, 1)),
    "no tables": (table_pairs([[0, 0]], 5, True), Streams(8, 1, 1)),
    "sixteen lanes": (table_pairs([[2, 5]], 40, True), Streams(16, 3, 1)),
    "a warp a pair, two sweeps": (table_pairs([[1, 3]], 61, False), Streams(32, 1, 2)),
    "three sweeps": (table_pairs([[0, 6], [2, 0]], 47, True), Streams(8, 2, 3)),
}


def species_of(c: TablePairs) -> int:
    return c.met.shape[1] - 1


def blocks(c: TablePairs, flat: Any, width: int) -> Any:
    """(B, 4, places, width) of moments or their slopes."""
    return flat.reshape(len(c.met), 4, c.places, width)


def cpu_width(c: TablePairs, dtype: Any) -> int:
    return -(-c.width // lanes(dtype)) * lanes(dtype)


def widened(values: Any, width: int) -> Any:
    """With zeros behind the channels, flat."""
    full = np.zeros((*values.shape[:-1], width), values.dtype)
    full[..., : values.shape[-1]] = values
    return full.reshape(-1)


def moments_on_cpu(c: TablePairs, precision: str) -> Any:
    dtype, geometry = PRECISIONS[precision]
    width = cpu_width(c, dtype)
    out = np.full(len(c.met) * 4 * c.places * width, np.nan, dtype)
    moments(
        c.cpu_pairs(dtype, geometry),
        species_of(c),
        c.rows_of_r(geometry),
        c.channels(width // lanes(dtype)),
        c.cpu_table(dtype),
        out,
    )
    return blocks(c, out, width)[..., : c.width]


def gradients_on_cpu(c: TablePairs, slopes: Any, precision: str) -> Any:
    """(3 · room,) of pairs."""
    dtype, geometry = PRECISIONS[precision]
    width = cpu_width(c, dtype)
    pairs = c.cpu_pairs(dtype, geometry)
    out = np.full_like(pairs.differences, np.nan)
    pair_gradients(
        pairs,
        species_of(c),
        c.rows_of_r(geometry),
        c.channels(width // lanes(dtype)),
        c.cpu_table(dtype),
        widened(slopes, width),
        out,
    )
    return out


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", CASES)
def test_moments(device: Device, name: str, precision: str) -> None:
    from dpse_fast.kernels.cuda.moments import moments_kernel

    (c, streams), (dtype, geometry) = CASES[name], PRECISIONS[precision]
    out = device.upload(
        np.full(len(c.met) * 4 * c.places * streams.width, np.nan, dtype)
    )
    device.launch(
        moments_kernel(streams, dtype),
        len(c.met),
        c.device_pairs(device, streams, dtype, geometry),
        species_of(c),
        device.upload_all(c.rows_of_r(geometry)),
        device.upload_all(c.channels(streams.width)),
        c.device_table(device, streams, dtype),
        out,
    )
    found = blocks(c, device.download(out), streams.width)
    close(found[..., : c.width], moments_on_cpu(c, precision), precision)
    assert (found[..., c.width :] == 0).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", CASES)
def test_pair_gradients(device: Device, name: str, precision: str) -> None:
    from dpse_fast.kernels.cuda.pair_gradients import pair_gradients_kernel

    (c, streams), (dtype, geometry) = CASES[name], PRECISIONS[precision]
    shape = (len(c.met), 4, c.places, c.width)
    slopes = np.random.default_rng(2).normal(size=shape).astype(dtype)
    launch = partial(
        device.launch,
        pair_gradients_kernel(streams, dtype),
        len(c.met),
        c.device_pairs(device, streams, dtype, geometry),
        species_of(c),
        device.upload_all(c.rows_of_r(geometry)),
        device.upload_all(c.channels(streams.width)),
        c.device_table(device, streams, dtype),
        device.upload(widened(slopes, streams.width)),
    )
    added = gradients_on_cpu(c, slopes, precision)
    check_gradients(device, c, geometry, launch, added, precision)
