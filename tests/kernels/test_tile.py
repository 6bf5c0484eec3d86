"""Products of tiles that stay in registers, for every shape of a tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from dpse_fast.kernels._simd import lanes
from dpse_fast.kernels.cpu import tile

SHAPES = [(8, 3), (6, 1), (2, 1), (tile.TILE_ROWS, tile.TILE_REGISTERS)]
GUARD = 7.5


def compiled(rows: int, registers: int) -> Callable[..., None]:
    product = tile.tile_product(rows, registers)

    @numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
    def run(x, xs, n, w, depth, y, at, ys, add):  # type: ignore[no-untyped-def]
        product(x, at, xs, n, w, at, depth, at, y, at, ys, add)

    return run


def in_numpy(rows: int, registers: int) -> Callable[..., None]:
    def run(x, xs, n, w, depth, y, at, ys, add):  # type: ignore[no-untyped-def]
        tile._tile(x, at, xs, n, w, at, depth, at, y, at, ys, add, rows, registers)

    return run


@pytest.mark.parametrize("made", [compiled, in_numpy])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", sorted(set(SHAPES)))
def test_tile(shape: tuple[int, int], dtype: Any, made: Any) -> None:
    rows, registers = shape
    rng = np.random.default_rng(rows)
    product = made(rows, registers)
    width, at = lanes(dtype), 3
    for n, depth, add in ((1, 1, False), (rows - 1, 5, True), (rows + 2, 21, False)):
        n = max(n, 1)
        x_stride, y_stride = depth + 2, registers * width + 5
        x = rng.normal(size=(n, x_stride)).astype(dtype)
        w = rng.normal(size=(registers, depth, width)).astype(dtype)
        old = rng.normal(size=(n, y_stride)).astype(dtype)
        flat = [
            np.concatenate([np.full(at, GUARD, dtype), part.ravel()])
            for part in (x, w, old)
        ]
        product(flat[0], x_stride, n, flat[1], depth, flat[2], at, y_stride, add)
        expected = old.copy()
        done, columns = min(rows, n), registers * width
        new = x[:done, :depth] @ w.transpose(1, 0, 2).reshape(depth, columns)
        expected[:done, :columns] = new + add * old[:done, :columns]
        found = flat[2][at:].reshape(n, y_stride)
        limit = 20 * depth * np.finfo(dtype).eps
        np.testing.assert_allclose(found, expected, rtol=0, atol=limit)
        np.testing.assert_array_equal(found[:, columns:], old[:, columns:])
        np.testing.assert_array_equal(found[done:], old[done:])
        assert (flat[2][:at] == GUARD).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_does_not_depend_on_its_place(dtype: Any) -> None:
    rows, registers = tile.TILE_ROWS, tile.TILE_REGISTERS
    width, depth = lanes(dtype), 33
    rng = np.random.default_rng(0)
    x = np.tile(rng.normal(size=depth).astype(dtype), rows)
    w = rng.normal(size=registers * depth * width).astype(dtype)
    y = np.zeros((rows, registers * width), dtype)
    run = compiled(rows, registers)
    run(x, depth, rows, w, depth, y.reshape(-1), 0, registers * width, False)
    assert (y == y[0]).all()
    assert y[0].any()
