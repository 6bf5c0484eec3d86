"""The vectorised tanh: accurate, monotone, safe at the ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels._simd import lanes
from dpse_fast.kernels.cpu.activation import tanh_layer

PRECISIONS = [np.float32, np.float64]


def layer(x: Any, bias: Any = 0.0, idt: Any = 1.0) -> tuple[Any, Any]:
    """tanh(x + bias)·idt and its slope, for x (B, n)."""
    n, width = x.shape[1], lanes(x.dtype)
    y, slope = x.copy(), np.empty_like(x)
    constants = [
        np.pad(np.broadcast_to(v, n).astype(x.dtype), (0, width)) for v in (bias, idt)
    ]
    tanh_layer(y.reshape(-1), *constants, slope.reshape(-1))
    return y, slope


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_accuracy(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 37)) * 10.0 ** rng.uniform(-9, 1.5, (300, 37))
    x = x.astype(dtype)
    y, slope = layer(x)
    exact = np.tanh(x.astype(np.longdouble))
    ulp = np.spacing(np.abs(exact).astype(dtype))
    assert (np.abs(y - exact) / ulp).max() < 3
    np.testing.assert_allclose(
        slope, 1 - exact**2, rtol=0, atol=4 * np.finfo(dtype).eps
    )


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_monotone_and_odd(dtype: Any) -> None:
    x = np.linspace(-4, 4, 200_001).astype(dtype)[None]
    y, _ = layer(x)
    assert (np.diff(y) >= 0).all()
    np.testing.assert_array_equal(layer(-x)[0], -y)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_ends(dtype: Any) -> None:
    x = np.array([[np.inf, -np.inf, np.nan, 0.0, 50.0, -1e4]], dtype)
    y, slope = layer(x)
    np.testing.assert_array_equal(y, [[1, -1, np.nan, 0, 1, -1]])
    np.testing.assert_array_equal(slope, [[0, 0, np.nan, 1, 0, 0]])


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("n", [1, 7, 16, 240, 241])
def test_bias_and_time_step(dtype: Any, n: int) -> None:
    rng = np.random.default_rng(n)
    x, bias, idt = (rng.normal(size=s).astype(dtype) for s in ((5, n), n, n))
    y, slope = layer(x, bias, idt)
    exact = np.tanh(x + bias)
    limit = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, exact * idt, rtol=0, atol=limit)
    np.testing.assert_allclose(slope, (1 - exact**2) * idt, rtol=0, atol=limit)
