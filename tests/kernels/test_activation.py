"""The vectorised tanh: accurate, monotone, safe at the ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels._simd import lanes
from dpse_fast.kernels.cpu.activation import tanh_rows

PRECISIONS = [np.float32, np.float64]
ULPS = {np.float32: 2.0, np.float64: 2.1}


def layer(x: Any, bias: Any = 0.0, idt: Any = 1.0, skip: Any = None) -> tuple[Any, Any]:
    """tanh(x + bias)·idt (+ skip) and its slope, for x (B, n)."""
    n_rows, n = x.shape
    width = lanes(x.dtype)
    stride = -(-n // width) * width
    y, other = (np.zeros((k, stride), x.dtype) for k in (2 * n_rows, n_rows))
    y[:n_rows, :n] = x
    vectors = np.zeros((2, stride), x.dtype)
    vectors[0, :n], vectors[1, :n] = bias, idt
    if skip is not None:
        other[:, :n] = skip
    flat = y.reshape(-1)
    tanh_rows(
        *(flat, 0, stride, n_rows, stride // width),
        *(vectors.reshape(-1), 0, stride),
        *(skip is not None, other.reshape(-1), 0),
        n_rows * stride,
    )
    return y[:n_rows, :n], y[n_rows:, :n]


def neighbours(centres: Any, count: int, dtype: Any) -> Any:
    """``count`` consecutive numbers around each centre, (len(centres), count)."""
    kind = np.dtype(f"i{np.dtype(dtype).itemsize}")
    bits = np.asarray(centres, dtype).view(kind)[:, None]
    return (bits + np.arange(count) - count // 2).astype(kind).view(dtype)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_accuracy(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(300, 37)) * 10.0 ** rng.uniform(-9, 1.5, (300, 37))
    near = rng.uniform(0.15, 1.0, (20_000, 37))
    x = np.concatenate([wide, near]).astype(dtype)
    y, slope = layer(x)
    exact = np.tanh(x.astype(np.longdouble))
    ulp = np.spacing(np.abs(exact).astype(dtype))
    assert (np.abs(y - exact) / ulp).max() < ULPS[dtype]
    np.testing.assert_allclose(
        slope, 1 - exact**2, rtol=0, atol=2 * np.finfo(dtype).eps
    )


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_monotone_from_number_to_number(dtype: Any) -> None:
    """Also where the exponential's range changes, at (k + ½) ln 2 / 2."""
    rng = np.random.default_rng(1)
    seams = (np.arange(30) + 0.5) * np.log(2) / 2
    binades = 2.0 ** np.arange(-12, 5)
    anywhere = np.exp(rng.uniform(-8, 3, 200))
    x = neighbours(np.concatenate([seams, binades, anywhere]), 4096, dtype)
    assert (np.diff(x) > 0).all()
    assert (np.diff(layer(x)[0]) >= 0).all()


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_monotone_and_odd(dtype: Any) -> None:
    x = np.linspace(-25, 25, 400_001).astype(dtype)[None]
    y, slope = layer(x)
    assert (np.diff(y) >= 0).all()
    opposite, same = layer(-x)
    np.testing.assert_array_equal(opposite, -y)
    np.testing.assert_array_equal(same, slope)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_ends(dtype: Any) -> None:
    x = np.array([[np.inf, -np.inf, np.nan, 0.0, 50.0, -1e4]], dtype)
    y, slope = layer(x)
    np.testing.assert_array_equal(y, [[1, -1, np.nan, 0, 1, -1]])
    np.testing.assert_array_equal(slope, [[0, 0, np.nan, 1, 0, 0]])


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("n", [1, 7, 16, 240, 241])
@pytest.mark.parametrize("skips", [False, True])
def test_bias_time_step_and_skip(dtype: Any, n: int, skips: bool) -> None:
    rng = np.random.default_rng(n)
    x, skip, bias, idt = (
        rng.normal(size=s).astype(dtype) for s in ((5, n), (5, n), n, n)
    )
    y, slope = layer(x, bias, idt, skip if skips else None)
    exact = np.tanh(x + bias)
    limit = 8 * np.finfo(dtype).eps
    expected = exact * idt + (skip if skips else 0)
    np.testing.assert_allclose(y, expected, rtol=0, atol=limit)
    np.testing.assert_allclose(slope, (1 - exact**2) * idt, rtol=0, atol=limit)
