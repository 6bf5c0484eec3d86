"""The first layer for other inputs gives what it gave for D."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cpu.products import product_gradients, products
from dpse_fast.kernels.layout import Place, Products
from random_model import random_model

from dpse_fast.plan.form import Form, full_form, input_order

M, AXIS, OUT = 11, 4, 7


def moments_of(rng: np.random.Generator, n: int, width: int) -> Any:
    return rng.normal(size=(n, 4, width))


def descriptor(moments: Any, axis: int) -> Any:
    """D[m, a], one row an atom."""
    return np.einsum("ncm,nca->nma", moments, moments[..., :axis]).reshape(
        len(moments), -1
    )


def inputs_of(form: Form, z: Any) -> Any:
    parts = [
        np.einsum("nc,nck->nk", z[..., a], z[..., start:end])
        for a, (start, end) in enumerate(zip(form.starts, form.ends, strict=True))
    ]
    return np.concatenate(parts, axis=1)


def test_the_symmetric_part_is_taken_once() -> None:
    rng = np.random.default_rng(1)
    model = random_model(embedding=(4, M), axis=AXIS)
    form = full_form(model.descriptors[0], True, np.zeros((2, M)))
    assert form.n_inputs == M * AXIS - AXIS * (AXIS - 1) // 2
    weight, t = rng.normal(size=(M * AXIS, OUT)), moments_of(rng, 5, M)
    np.testing.assert_allclose(
        inputs_of(form, t) @ form.first_layer(weight, AXIS),
        descriptor(t, AXIS) @ weight,
        rtol=1e-12,
        atol=1e-12,
    )


@pytest.mark.parametrize("rank", [3, 6, M])
def test_a_basis_with_the_axis_first(rank: int) -> None:
    """Rows beyond the axis' own directions would be zero."""
    rng = np.random.default_rng(rank)
    n_rows = min(AXIS, rank)
    basis = rng.normal(size=(M, rank))
    basis[:AXIS, n_rows:] = 0.0
    form = Form(basis, np.arange(n_rows), np.full(n_rows, rank), np.zeros((1, rank)))
    weight, z = rng.normal(size=(M * AXIS, OUT)), moments_of(rng, 5, rank)
    np.testing.assert_allclose(
        inputs_of(form, z) @ form.first_layer(weight, AXIS),
        descriptor(z @ basis.T, AXIS) @ weight,
        rtol=1e-12,
        atol=1e-12,
    )


def test_sums_enter_as_they_are() -> None:
    rng = np.random.default_rng(2)
    basis, weight = rng.normal(size=(M, 5)), rng.normal(size=(M, OUT))
    nothing = np.zeros(0, np.int64)
    form = Form(basis, nothing, nothing, np.zeros((1, 5)))
    z = rng.normal(size=(6, 5))
    assert form.n_inputs == 5
    np.testing.assert_allclose(
        z @ form.first_layer(weight, 1), z @ basis.T @ weight, rtol=1e-12
    )


def test_the_order_of_inputs_that_are_not_folded() -> None:
    model = random_model(embedding=(4, M), axis=AXIS)
    order = input_order(model.descriptors, 2)
    numbers = np.arange(M * AXIS).reshape(M, AXIS)
    np.testing.assert_array_equal(order[: M * AXIS], numbers.T.ravel())
    np.testing.assert_array_equal(order[M * AXIS :], [M * AXIS, M * AXIS + 1])


ROWS = {
    "triangle": ([0, 1, 2, 3], [21, 21, 21, 21]),
    "staircase": ([0, 1, 2, 3, 4], [21, 17, 9, 6, 5]),
    "whole": ([0, 0, 0], [21, 21, 21]),
    "one": ([0], [1]),
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kernels_of_products(rows: str, dtype: Any) -> None:
    """Forward against einsum, backward against its derivative; NaN stays at home."""
    rng = np.random.default_rng(3)
    lanes = 64 // np.dtype(dtype).itemsize
    registers = -(-21 // lanes)
    channels, n = registers * lanes, 5
    starts, ends = (np.array(part, np.int64) for part in ROWS[rows])
    n_inputs = int((ends - starts).sum())
    form, place = Products(starts, ends, registers), Place(n_inputs + lanes + 3, 2)
    z = np.zeros((n, 4, channels))
    z[..., :21] = rng.normal(size=(n, 4, 21))
    flat = np.append(z.ravel(), np.zeros(lanes)).astype(dtype)
    out = np.zeros(n * place.stride, dtype)
    products(flat, n, form, place, out)
    reference = Form(np.eye(21), starts, ends, np.zeros((1, 21)))
    found = out.reshape(n, -1)[:, 2 : 2 + n_inputs]
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    expected = inputs_of(reference, z[..., :21])
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)

    slopes = np.zeros((n, place.stride))
    slopes[:, 2 : 2 + n_inputs] = rng.normal(size=(n, n_inputs))
    gradient = np.zeros_like(z)
    at = 2
    for a, (start, end) in enumerate(zip(starts, ends, strict=True)):
        s = slopes[:, None, at : at + end - start]
        gradient[..., start:end] += s * z[..., a, None]
        gradient[..., a] += (s * z[..., start:end]).sum(axis=2)
        at += end - start
    got = np.full(n * 4 * channels + lanes, 7.0, dtype)
    flat_slopes = slopes.astype(dtype).ravel()
    flat_slopes[place.stride + 2 + n_inputs] = np.nan  # behind the row of atom 1
    flat.reshape(-1)[2 * 4 * channels : 3 * 4 * channels] = np.nan  # atom 2
    product_gradients(flat, flat_slopes, n, form, place, got)
    others = [0, 1, 3, 4]
    np.testing.assert_allclose(
        got[:-lanes].reshape(z.shape)[others, :, :21],
        gradient[others, :, :21],
        rtol=tolerance,
        atol=10 * tolerance,
    )


def test_forms_are_told_apart_by_all_that_the_first_layer_takes() -> None:
    """Types that share a net share its first layer only if their forms are equal."""
    basis, starts, ends = np.eye(3), np.arange(2), np.full(2, 3)
    empty = np.zeros((1, 3))
    form = Form(basis, starts, ends, empty)
    assert form.key() == Form(basis.copy(), starts, ends, 1 + empty).key()
    for other in ((2 * basis, starts, ends), (basis, starts, ends - [0, 1])):
        assert form.key() != Form(*other, empty).key()
