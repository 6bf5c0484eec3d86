"""The device that tests of CUDA kernels run on."""

from __future__ import annotations

import os

import pytest

from dpse_fast.cuda.device import Device


@pytest.fixture(scope="session")
def device() -> Device:
    """The simulator, or with ``DPSE_FAST_TEST_DEVICE=gpu`` the GPU."""
    if os.environ.get("DPSE_FAST_TEST_DEVICE") == "gpu":
        from dpse_fast.cuda.cupy_device import CupyDevice

        return CupyDevice()
    from dpse_fast.cuda.simulated_device import SimulatedDevice

    return SimulatedDevice()
