"""Tables as the device reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cuda.streams import Streams

from dpse_fast.cuda.packed_descriptor import MOST_CHANNELS, packed_rows, streams_for


@pytest.mark.parametrize("streams", [(8, 3, 1), (16, 2, 2), (32, 1, 1), (8, 2, 3)])
def test_every_coefficient_is_where_its_lane_reads_it(streams: Any) -> None:
    s = Streams(*streams)
    width = s.width - 3
    coefficients = np.random.default_rng(1).normal(size=(4, 6, width))
    packed = packed_rows(coefficients, s)
    each = s.sweeps * s.vectors * s.lanes
    assert packed.size == 4 * 4 * each
    seen = 0
    for row in range(4):
        for sweep in range(s.sweeps):
            for part in range(s.lanes):
                numbers = [
                    packed[
                        4 * (row * each + (sweep * s.vectors + v) * s.lanes + part) + k
                    ]
                    for v in range(s.vectors)
                    for k in range(4)
                ]
                for power in range(6):
                    for m in range(s.channels):
                        channel = (sweep * s.channels + m) * s.lanes + part
                        found = numbers[power * s.channels + m]
                        if channel < width:
                            assert found == coefficients[row, power, channel]
                            seen += 1
                        else:
                            assert found == 0
                assert not any(numbers[6 * s.channels :])
    assert seen == coefficients.size


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 8, 22, 24, 71, 100, 143, 240, 500])
def test_streams_hold_all_channels(width: int, dtype: Any) -> None:
    s = streams_for(width, dtype)
    assert s.width >= width
    assert s.channels <= MOST_CHANNELS[np.dtype(dtype)]
    assert s.width < 1.5 * width or width < 8
    assert s.lanes * (32 // s.lanes) == 32


def test_water_and_molybdenum() -> None:
    assert streams_for(24, np.float32) == Streams(8, 3, 1)
    assert streams_for(71, np.float32) == Streams(16, 5, 1)
