"""Plans as the device reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cuda.streams import Streams
from families import family

from dpse_fast.cpu.packed_plan import packed
from dpse_fast.cuda.packed_descriptor import MOST_CHANNELS, packed_rows, streams_for
from dpse_fast.cuda.packed_plan import PackedPlan
from dpse_fast.planning import make_plan


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


@pytest.mark.parametrize("name", ["hybrid", "aparam", "pair_table"])
def test_descriptors_stand_where_those_of_the_processors_do(name: str) -> None:
    plan = make_plan(family(name), "mixed", 1e-2)
    own, other = PackedPlan(plan), packed(plan)
    assert own.species == other.species == (0, 1)
    for c in own.species:
        for k in range(len(plan.forms)):
            place = own.place(k, c)
            assert place.offset == other.place(k, c).offset
            assert place.stride % 4 == 0
            assert plan.n_inputs(c) <= place.stride < plan.n_inputs(c) + 4
        assert own.fitting[c][0].inputs == own.place(0, c).stride
