"""Kernels that measure a device do what their rates are computed from."""

from __future__ import annotations

import numpy as np
import pytest

from bench.gpu.backend import Backend
from bench.gpu.workers.ceiling_kernels import CHAINS, LINKS, multiply_add
from bench.gpu.workers.ceilings import arithmetic_rates
from dpse_fast.cuda.device import Device

N_WARPS = 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_multiply_adds_are_all_done(device: Device, dtype: type) -> None:
    rounds = 2
    sums = device.zeros(32 * N_WARPS, dtype)
    device.launch(multiply_add(dtype), N_WARPS, rounds, N_WARPS, sums)
    x = np.arange(CHAINS, dtype=float)
    for _ in range(rounds * LINKS):
        x = x * 0.999 + 0.999
    np.testing.assert_allclose(device.download(sums), x.sum(), rtol=1e-5)


def test_rates_of_both_precisions(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bench.gpu.workers.ceilings.seconds_of", lambda _, work: work() or 2.0
    )
    rates = arithmetic_rates(Backend(), device, N_WARPS, 4)
    operations = 2 * CHAINS * LINKS * 32 * N_WARPS
    assert rates == {"float32": operations * 4 / 2.0, "float64": operations / 2.0}
