"""The simulator shows mistakes that a GPU may hide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cuda._cuda import SIMULATED, THREADS, WARP, cuda, kernel

from dpse_fast.cuda.device import Device

pytestmark = pytest.mark.skipif(not SIMULATED, reason="of the simulator")
EVERYONE = 0xFFFFFFFF


@kernel
def turned(out: Any, by: int) -> None:
    own = cuda.threadIdx.x & 31
    value = own * 10
    out[cuda.threadIdx.x] = cuda.shfl_sync(EVERYONE, value, own + by)


@kernel
def lost_lane(out: Any) -> None:
    if cuda.threadIdx.x == 3:
        return
    out[0] = cuda.shfl_xor_sync(EVERYONE, 1.0, 1)


@kernel
def backwards(out: Any) -> None:
    own = cuda.threadIdx.x
    shared = cuda.shared.array(32, np.float64)
    if own < 16:
        shared[own] = own
    cuda.syncthreads()
    if own < 32:
        out[own] = shared[31 - own]


@kernel
def beyond(out: Any) -> None:
    if cuda.threadIdx.x == 5:
        out[out.size] = 1.0


@kernel
def after_some_have_left(out: Any) -> None:
    own = cuda.threadIdx.x
    if own == 0:
        return
    cuda.syncthreads()
    out[own] = 1.0


def test_shuffles(device: Device) -> None:
    out = device.zeros(THREADS, np.int64)
    device.launch(turned, 1, out, 5)
    np.testing.assert_array_equal(
        device.download(out)[:WARP], (np.arange(WARP) + 5) % WARP * 10
    )


def test_shuffles_need_the_whole_warp(device: Device) -> None:
    with pytest.raises(RuntimeError, match="a warp has diverged: 31 lanes"):
        device.launch(lost_lane, 1, device.zeros(1, np.float64))


def test_barriers_and_memory_that_nobody_wrote(device: Device) -> None:
    out = device.zeros(32, np.float64)
    device.launch(backwards, 1, out)
    found = device.download(out)
    assert np.isnan(found[:16]).all()
    np.testing.assert_array_equal(found[16:], np.arange(16)[::-1])


def test_indices_beyond_an_array(device: Device) -> None:
    with pytest.raises(IndexError, match="index 4 of shape"):
        device.launch(beyond, 1, device.zeros(4, np.float64))


def test_barriers_need_the_whole_block(device: Device) -> None:
    with pytest.raises(RuntimeError, match=r"31 lanes at .*syncthreads"):
        device.launch(after_some_have_left, 1, device.zeros(THREADS, np.float64))
