"""Rows of four numbers, bits of lanes and unchecked access, compiled and not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from dpse_fast.kernels._access import load_double, pick, spread
from dpse_fast.kernels._bits import (
    LANES,
    below,
    count_bits,
    equal,
    lowest_bit,
    store_set,
)
from dpse_fast.kernels._rows import (
    columns,
    columns_at,
    store_rows,
    store_totals,
    subtract_row,
)
from dpse_fast.kernels._simd import first_lanes, lanes, lanes_from, load, splat, store
from other_process import passes_without_a_compiler

PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])
compiled: Callable[..., Any] = numba.njit


def numbers(n: int, dtype: Any) -> Any:
    return np.random.default_rng(3).normal(size=n).astype(dtype)


@compiled
def gather(atoms, index, at, out):  # type: ignore[no-untyped-def]
    x, y, z, w = columns_at(atoms, index, at)
    store(out, 0, x)
    store(out, 8, y)
    store(out, 16, z)
    store(out, 24, w)


def test_columns_of_chosen_rows() -> None:
    atoms, index = numbers(4 * 30, np.float64), np.array([9, *range(29, 14, -2), 0, 3])
    out = np.zeros(32)
    gather(atoms, index.astype(np.int32), 2, out)
    expected = atoms.reshape(-1, 4)[index[2:10]]
    np.testing.assert_array_equal(out.reshape(4, 8), expected.T)


@compiled
def transpose(rows, at, width, out, back):  # type: ignore[no-untyped-def]
    x, y, z, w = columns(rows, at)
    store(out, 0, x)
    store(out, width, y)
    store(out, 2 * width, z)
    store(out, 3 * width, w)
    store_rows(back, 1, x, y, z, w)


@PRECISIONS
def test_columns_and_back(dtype: Any) -> None:
    n = lanes(dtype)
    rows, out = numbers(4 * n + 3, dtype), np.zeros(4 * n, dtype)
    back = np.zeros(4 * n + 2, dtype)
    transpose(rows, 3, n, out, back)
    np.testing.assert_array_equal(out.reshape(4, n), rows[3:].reshape(n, 4).T)
    np.testing.assert_array_equal(back[1:-1], rows[3:])
    assert back[0] == back[-1] == 0


@compiled
def sums(values, width, out):  # type: ignore[no-untyped-def]
    a, b = load(values, 0), load(values, width)
    c, d = load(values, 2 * width), load(values, 3 * width)
    store_totals(out, 2, a, b, c, d)


@pytest.mark.parametrize(
    ("dtype", "into"),
    [(np.float64, np.float64), (np.float32, np.float32), (np.float32, np.float64)],
)
def test_sums_of_lanes(dtype: Any, into: Any) -> None:
    n = lanes(dtype)
    values = np.arange(4 * n).astype(dtype) ** 2
    out = np.full(7, 0.5, into)
    sums(values, n, out)
    np.testing.assert_array_equal(out[2:6], values.reshape(4, n).sum(axis=1))
    assert (out[[0, 1, 6]] == 0.5).all()


@compiled
def subtract(array, rows):  # type: ignore[no-untyped-def]
    subtract_row(array, 3, rows, 2)


def test_a_row_is_subtracted() -> None:
    array, rows = numbers(9, np.float64), np.arange(8.0)
    expected = array.copy()
    expected[3:7] -= rows[2:6]
    subtract(array, rows)
    np.testing.assert_array_equal(array, expected)


@compiled
def access(values, index, k, spread_out, double_out):  # type: ignore[no-untyped-def]
    store(spread_out, 0, spread(values, k))
    store(double_out, 0, load_double(values, k))
    return pick(index, k)


@PRECISIONS
def test_access(dtype: Any) -> None:
    values, index = numbers(20, dtype), np.arange(20, dtype=np.int32) - 7
    same, double = np.zeros(lanes(dtype), dtype), np.zeros(8)
    assert access(values, index, 5, same, double) == -2
    assert (same == values[5]).all()
    np.testing.assert_array_equal(double, values[5:13].astype(np.float64))


@compiled
def kept(values, n, first, rest):  # type: ignore[no-untyped-def]
    store(first, 0, first_lanes(load(values, 0), n))
    store(rest, 0, lanes_from(load(values, 0), n))


@PRECISIONS
def test_lanes_before_and_from(dtype: Any) -> None:
    size = lanes(dtype)
    for n in range(size + 1):
        values = numbers(size, dtype)
        values[: max(n - 1, 0)] = np.nan
        first, rest = np.ones((2, size), dtype)
        kept(values, n, first, rest)
        np.testing.assert_array_equal(first[:n], values[:n])
        np.testing.assert_array_equal(rest[n:], values[n:])
        assert not first[n:].any()
        assert not rest[:n].any()


@compiled
def same(values, value):  # type: ignore[no-untyped-def]
    return equal(load(values, 0), splat(value))


@compiled
def lowest(bits):  # type: ignore[no-untyped-def]
    return lowest_bit(bits)


def test_equal_lanes_and_the_lowest_bit() -> None:
    values = np.array([2.0, 1, 2, np.nan, 0, 2, -2, 3])
    assert same(values, np.float64(2)) == 0b00100101
    assert same(values, np.float64(np.nan)) == 0
    assert [lowest(bits) for bits in (1, 2, 12, 128, 255)] == [0, 1, 2, 7, 0]


@compiled
def lower(values, limit):  # type: ignore[no-untyped-def]
    return below(load(values, 0), splat(limit))


@compiled
def set_bits(found, start, bits):  # type: ignore[no-untyped-def]
    store_set(found, 3, start, bits)
    return count_bits(bits)


def test_every_pattern_of_lanes() -> None:
    for bits in range(2**LANES):
        flags = np.array([bits >> k & 1 for k in range(LANES)], bool)
        assert lower(np.where(flags, 1.0, 2.0), np.float64(1.5)) == bits
        found = np.full(3 + LANES, -1, np.int32)
        n = set_bits(found, 70_000, bits)
        assert n == flags.sum()
        np.testing.assert_array_equal(found[3 : 3 + n], 70_000 + np.flatnonzero(flags))
        assert (found[:3] == -1).all()


def test_equal_and_nan_are_not_below() -> None:
    values = np.array([1.5, np.nan, -np.inf, np.inf, np.nextafter(1.5, 0), -1.5, 2, 0])
    assert lower(values, np.float64(1.5)) == 0b10110100


def test_the_same_without_a_compiler() -> None:
    assert "14 passed" in passes_without_a_compiler(__file__, "not without")
