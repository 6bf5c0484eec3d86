"""The device that tests of CUDA run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def device() -> Iterator[object]:
    """The simulator, or a GPU."""
    from dpse_fast.cuda.simulated_device import SimulatedDevice

    yield SimulatedDevice()
