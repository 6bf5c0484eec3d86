"""Kernels that measure a device do what their rates are computed from."""

from __future__ import annotations

import numpy as np
import pytest

from bench.gpu.workers.ceiling_kernels import (
    CHAINS,
    LINKS,
    STEP,
    copy_kernel,
    multiply_add,
    read_kernel,
)
from dpse_fast.cuda.device import Device

N_WARPS = 2


def test_copy(device: Device) -> None:
    values = np.random.default_rng(0).normal(size=1028).astype(np.float32)
    source, target = device.upload(values), device.zeros(1028, np.float32)
    device.launch(copy_kernel, N_WARPS, source, target, N_WARPS)
    np.testing.assert_array_equal(device.download(target), values)


@pytest.mark.parametrize("hop", [0, 1])
def test_every_number_of_a_part_is_read(device: Device, hop: int) -> None:
    values = np.random.default_rng(1).normal(size=3 * 4 * STEP).astype(np.float32)
    source, sums = device.upload(values), device.zeros(32 * N_WARPS, np.float32)
    rounds = 2
    device.launch(read_kernel, N_WARPS, source, STEP, hop, rounds, N_WARPS, sums)
    found = device.download(sums).reshape(N_WARPS, 32).sum(axis=1)
    pairs = values.astype(float).reshape(3, -1, 2).prod(axis=2).sum(axis=1)
    read = [[(w + k) % 3 if hop else 0 for k in range(rounds)] for w in range(N_WARPS)]
    expected = [pairs[parts].sum() for parts in read]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_multiply_adds_are_all_done(device: Device, dtype: type) -> None:
    rounds = 2
    sums = device.zeros(32 * N_WARPS, dtype)
    device.launch(multiply_add(dtype), N_WARPS, rounds, N_WARPS, sums)
    x = np.arange(CHAINS, dtype=float)
    for _ in range(rounds * LINKS):
        x = x * 0.999 + 0.999
    np.testing.assert_allclose(device.download(sums), x.sum(), rtol=1e-5)
