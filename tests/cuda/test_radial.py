"""The radial descriptor on the device against the processors' kernels."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels._simd import lanes, registers
from dpse_fast.kernels.cpu.radial import radial_pair_gradients, radial_sums
from dpse_fast.kernels.cuda.streams import Streams
from dpse_fast.kernels.layout import Channels, Place

from dpse_fast.cuda.device import Device
from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.table_pairs import TablePairs, check_gradients, close, table_pairs

OFFSET, BEHIND = 3, 5  # columns of other descriptors
SEL = np.array([8, 11])
# Of a row: no pair, one, more than a warp takes at once.
ROWS = [[0, 0], [0, 1], [35, 4]]
CASES = {
    "water": (table_pairs(ROWS, 24, False), Streams(8, 3, 1)),
    "padding": (table_pairs(ROWS, 21, False), Streams(8, 3, 1)),
    "one type": (table_pairs([[6]], 5, False), Streams(8, 1, 1)),
    "sixteen lanes": (table_pairs([[2, 5]], 40, False), Streams(16, 3, 1)),
    "a warp a pair, two sweeps": (table_pairs([[1, 3]], 61, False), Streams(32, 1, 2)),
}


def place_of(c: TablePairs) -> Place:
    return Place(OFFSET + c.width + BEHIND, OFFSET)


def channels(c: TablePairs, total: int) -> Channels:
    return c.channels(total)._replace(total=np.full(c.met.shape[1], total))


def case(name: str, precision: str) -> Any:
    """Pairs, streams, what empty slots add (G, C), slopes (B, S)."""
    c, streams = CASES[name]
    dtype, _ = PRECISIONS[precision]
    rng = np.random.default_rng(4)
    padding = rng.normal(size=(len(SEL), c.width)).astype(dtype)
    slopes = rng.normal(size=(len(c.met), place_of(c).stride)).astype(dtype)
    return c, streams, padding, slopes


def sums_on_cpu(c: TablePairs, padding: Any, precision: str) -> Any:
    dtype, geometry = PRECISIONS[precision]
    place, n, behind = place_of(c), len(c.met), lanes(dtype)
    total = registers(c.width, dtype)
    wide = np.zeros((len(SEL), total * behind), dtype)
    wide[:, : c.width] = padding
    out = np.zeros(n * place.stride + 2 * behind, dtype)
    radial_sums(
        c.cpu_pairs(dtype, geometry),
        c.met.shape[1] - 1,
        channels(c, total),
        SEL,
        wide,
        c.cpu_table(dtype),
        place,
        out,
    )
    rows = out[: n * place.stride].reshape(n, place.stride)
    return rows[:, OFFSET : OFFSET + c.width]


def gradients_on_cpu(c: TablePairs, slopes: Any, precision: str) -> Any:
    """(3 · room,) of pairs."""
    dtype, geometry = PRECISIONS[precision]
    pairs = c.cpu_pairs(dtype, geometry)
    out = np.full_like(pairs.differences, np.nan)
    radial_pair_gradients(
        pairs,
        c.met.shape[1] - 1,
        channels(c, registers(c.width, dtype)),
        c.cpu_table(dtype),
        place_of(c),
        np.append(slopes, np.zeros(2 * lanes(dtype), dtype)),
        out,
    )
    return out


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", CASES)
def test_radial_sums(device: Device, name: str, precision: str) -> None:
    from dpse_fast.kernels.cuda.radial import radial_sums_kernel

    c, streams, padding, _ = case(name, precision)
    (dtype, geometry), place = PRECISIONS[precision], place_of(c)
    out = device.upload(np.full(len(c.met) * place.stride, 7.5, dtype))
    device.launch(
        radial_sums_kernel(streams, dtype),
        len(c.met),
        c.device_pairs(device, streams, dtype, geometry),
        c.met.shape[1] - 1,
        device.upload_all(channels(c, c.width)),
        device.upload(SEL),
        device.upload(padding.reshape(-1)),
        c.device_table(device, streams, dtype),
        place,
        out,
    )
    found = device.download(out).reshape(-1, place.stride)
    last = OFFSET + c.width
    close(found[:, OFFSET:last], sums_on_cpu(c, padding, precision), precision)
    assert (found[:, :OFFSET] == 7.5).all()
    assert (found[:, last:] == 7.5).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", CASES)
def test_radial_pair_gradients(device: Device, name: str, precision: str) -> None:
    from dpse_fast.kernels.cuda.radial import radial_pair_gradients_kernel

    c, streams, _, slopes = case(name, precision)
    dtype, geometry = PRECISIONS[precision]
    launch = partial(
        device.launch,
        radial_pair_gradients_kernel(streams, dtype),
        len(c.met),
        c.device_pairs(device, streams, dtype, geometry),
        c.met.shape[1] - 1,
        device.upload_all(channels(c, c.width)),
        c.device_table(device, streams, dtype),
        place_of(c),
        device.upload(slopes.reshape(-1)),
    )
    added = gradients_on_cpu(c, slopes, precision)
    check_gradients(device, c, geometry, launch, added, precision)
