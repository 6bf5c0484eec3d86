"""Bits of lanes, against NumPy, compiled and not."""

from __future__ import annotations

import numba
import numpy as np
from dpse_fast.kernels._bits import LANES, below, count_bits, store_set
from dpse_fast.kernels._simd import load, splat
from other_process import passes_without_a_compiler


@numba.njit
def lower(values, limit):  # type: ignore[no-untyped-def]
    return below(load(values, 0), splat(limit))


@numba.njit
def numbers(found, start, bits):  # type: ignore[no-untyped-def]
    store_set(found, 3, start, bits)
    return count_bits(bits)


def test_every_pattern_of_lanes() -> None:
    for bits in range(2**LANES):
        flags = np.array([bits >> k & 1 for k in range(LANES)], bool)
        assert lower(np.where(flags, 1.0, 2.0), np.float64(1.5)) == bits
        found = np.full(3 + LANES, -1, np.int32)
        n = numbers(found, 70_000, bits)
        assert n == flags.sum()
        np.testing.assert_array_equal(found[3 : 3 + n], 70_000 + np.flatnonzero(flags))
        assert (found[:3] == -1).all()


def test_equal_and_nan_are_not_below() -> None:
    values = np.array([1.5, np.nan, -np.inf, np.inf, np.nextafter(1.5, 0), -1.5, 2, 0])
    assert lower(values, np.float64(1.5)) == 0b10110100


def test_the_same_without_a_compiler() -> None:
    said = passes_without_a_compiler(__file__, "pattern or nan")
    assert "2 passed" in said
