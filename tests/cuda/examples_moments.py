"""Arguments of the kernels of tables, for the layouts of water and of wider tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from dpse_fast.kernels.cuda.layout import PairGradients
from dpse_fast.kernels.cuda.moments import moments_kernel
from dpse_fast.kernels.cuda.pair_gradients import pair_gradients_kernel
from dpse_fast.kernels.cuda.radial import (
    radial_pair_gradients_kernel,
    radial_sums_kernel,
)
from dpse_fast.kernels.cuda.streams import Streams
from dpse_fast.kernels.layout import Channels, EnvironmentRows, Place, Switch

from dpse_fast.cuda.packed_descriptor import streams_for
from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import LONGS, Example, pairs_with

WIDTHS = (8, 24, 71, 384)


def examples(precision: str) -> list[Example]:
    """Each kernel, for tables of a few widths."""
    dtype, geometry = PRECISIONS[precision]
    found = []
    for streams in dict.fromkeys(streams_for(width, dtype) for width in WIDTHS):
        found += _of(streams, dtype, geometry)
    return found


def _of(streams: Streams, dtype: Any, geometry: Any) -> list[Example]:
    reals, lengths = np.zeros(64, dtype), np.zeros(192, geometry)
    pairs = pairs_with(reals, lengths)
    square = np.zeros((2, 2), geometry)
    numbers = (geometry(v) for v in (6.0, 0.5, 0.2, 0.0))
    form = EnvironmentRows(Switch(*numbers), square, square, square)
    which = np.zeros((2, 2), np.int64)
    channels = Channels(which, which, np.zeros(2, np.int64))
    gradients, place = PairGradients(lengths, 0), Place(64, 0)
    most = 168 if dtype == np.float64 else 128
    tables = (pairs, 0, form, channels, reals, reals)
    sums = (pairs, 0, channels, LONGS, reals, reals, place, reals)
    back = (pairs, 0, channels, reals, place, reals, gradients)
    lanes, each, sweeps = streams

    def example(name: str, kernel: Any, arguments: Any, registers: int) -> Example:
        full = f"{name}_{lanes}x{each}x{sweeps}"
        return Example(full, kernel, arguments, registers, True, False)

    return [
        example("moments", moments_kernel(streams, dtype), tables, most),
        example(
            "pair_gradients",
            pair_gradients_kernel(streams, dtype),
            (*tables, gradients),
            168 if streams.channels > 5 else most,
        ),
        example("radial_sums", radial_sums_kernel(streams, dtype), sums, 128),
        example(
            "radial_pair_gradients",
            radial_pair_gradients_kernel(streams, dtype),
            back,
            128,
        ),
    ]
