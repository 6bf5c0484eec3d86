"""Products of channels and matrices on the device against the CPU's kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from dpse_fast.kernels._simd import lanes, registers
from dpse_fast.kernels.cpu import products as cpu
from dpse_fast.kernels.layout import Place, Products

from dpse_fast.cuda.device import Device
from dpse_fast.cuda.gemm import Products as Gemm
from dpse_fast.cuda.packed_descriptor import product_columns
from dpse_fast.cuda.vectors import whole

DTYPES = [np.float32, np.float64]
LIMIT = {np.float32: 2e-6, np.float64: 4e-15}
OFFSET, BEHIND = 3, 6  # columns of other descriptors
N_ROWS = 3

FORMS = {
    "triangle": (7, np.arange(7), np.full(7, 7)),
    "rows of their own": (9, np.array([0, 3, 2, 8]), np.array([9, 5, 2, 9])),
    "full": (11, np.zeros(3, int), np.full(3, 11)),
    "one": (1, np.array([0]), np.array([1])),
    "two chunks": (37, np.arange(35), np.minimum(np.arange(35) * 2 + 1, 37)),
}


def n_products(form: Products) -> int:
    return int((form.ends - form.starts).sum())


def widened(z: Any, width: int, dtype: Any) -> Any:
    """Zeros behind the channels."""
    wide = np.zeros((N_ROWS, 4, width), dtype)
    wide[..., : z.shape[2]] = z
    return wide


class Case(NamedTuple):
    form: Products  # without its registers
    z: Any  # (B, 4, K)
    slopes: Any  # (B, S)
    place: Place


def case(name: str, dtype: Any) -> Case:
    channels, starts, ends = FORMS[name]
    rng = np.random.default_rng(0)
    form = Products(starts, ends, 0)
    stride = whole(OFFSET + n_products(form) + BEHIND)
    z = rng.normal(size=(N_ROWS, 4, channels)).astype(dtype)
    slopes = rng.normal(size=(N_ROWS, stride)).astype(dtype)
    return Case(form, z, slopes, Place(stride, OFFSET))


def on_cpu(c: Case, dtype: Any) -> tuple[Any, Any]:
    """S (B, n_inputs) and dE/dz (B, 4, K)."""
    n, channels = n_products(c.form), c.z.shape[2]
    form = Products(c.form.starts, c.form.ends, registers(channels, dtype))
    width = form.registers * lanes(dtype)
    behind = lanes(dtype)
    z = np.append(widened(c.z, width, dtype), np.zeros(behind, dtype))
    out = np.zeros(N_ROWS * c.place.stride + behind, dtype)
    slopes = np.append(c.slopes, np.zeros(behind, dtype))
    cpu.products(z, N_ROWS, form, c.place, out)
    gradients = np.zeros_like(z)
    cpu.product_gradients(z, slopes, N_ROWS, form, c.place, gradients)
    rows = out[: N_ROWS * c.place.stride].reshape(N_ROWS, -1)
    found = gradients[: N_ROWS * 4 * width].reshape(N_ROWS, 4, width)
    return rows[:, OFFSET : OFFSET + n], found[..., :channels]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FORMS)
def test_products_and_their_gradients(device: Device, name: str, dtype: Any) -> None:
    from dpse_fast.kernels.cuda.products import product_gradients_kernel, products

    c = case(name, dtype)
    expected, expected_gradients = on_cpu(c, dtype)
    width = whole(c.z.shape[2])
    form = device.upload_all(product_columns(c.form.starts, c.form.ends, width))
    z = device.upload(widened(c.z, width, dtype).reshape(-1))
    out = device.upload(np.full(N_ROWS * c.place.stride, 7.5, dtype))
    device.launch(products, N_ROWS, z, N_ROWS, form, c.place, out)
    found = device.download(out).reshape(N_ROWS, -1)
    last = OFFSET + n_products(c.form)
    scale = LIMIT[dtype]
    np.testing.assert_allclose(
        found[:, OFFSET:last], expected, rtol=scale, atol=8 * scale
    )
    assert (found[:, :OFFSET] == 7.5).all()
    assert (found[:, last:] == 7.5).all()

    slopes = device.upload(c.slopes.reshape(-1))
    gradients = device.empty(N_ROWS * 4 * width, dtype)
    kernel = product_gradients_kernel(dtype)
    device.launch(kernel, N_ROWS, z, slopes, N_ROWS, form, c.place, gradients)
    found = device.download(gradients).reshape(N_ROWS, 4, width)
    np.testing.assert_allclose(
        found[..., : c.z.shape[2]], expected_gradients, rtol=scale, atol=32 * scale
    )
    assert (found[..., c.z.shape[2] :] == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_empty_slots(device: Device, dtype: Any) -> None:
    from dpse_fast.kernels.cuda.layout import BatchPairs
    from dpse_fast.kernels.cuda.products import add_empty_slots

    rng = np.random.default_rng(1)
    channels, n_groups = 36, 2
    counts = rng.integers(0, 9, (N_ROWS, n_groups)).astype(np.int32)
    sel = np.array([8, 11])
    padding = rng.normal(size=(n_groups, channels)).astype(dtype)
    z = rng.normal(size=(N_ROWS, 4, channels)).astype(dtype)
    expected = z.copy()
    expected[:, 0] += (sel - counts) @ padding
    nothing = device.empty(0, np.int32)
    pairs = BatchPairs(
        *(nothing, 0, N_ROWS, nothing, nothing, nothing, nothing, nothing),
        counts=device.upload(counts.reshape(-1)),
    )
    moments = device.upload(z.reshape(-1))
    arrays = device.upload(sel.astype(np.int32)), device.upload(padding)
    device.launch(add_empty_slots, N_ROWS, pairs, *arrays, moments)
    found = device.download(moments).reshape(z.shape)
    np.testing.assert_allclose(found, expected, rtol=0, atol=100 * LIMIT[dtype])
    np.testing.assert_array_equal(found[:, 1:], z[:, 1:])


@pytest.mark.parametrize("gemm", ["float32", "tf32x3"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_matrices_there_and_back(device: Device, dtype: Any, gemm: str) -> None:
    rng = np.random.default_rng(2)
    mix = rng.normal(size=(12, 8)).astype(dtype)
    pure = rng.normal(size=(4 * N_ROWS, 12)).astype(dtype)
    products = Gemm(device, dtype, gemm)
    weight = products.weight(mix)

    def in_parts(values: Any) -> Any:
        n, width = values.shape
        room = device.empty(n * products.parts * width, dtype)
        products.split(values, room)
        return device.view(room, (n, products.parts * width))

    mixed = device.empty((4 * N_ROWS, 8), dtype)
    products.multiply(in_parts(device.upload(pure)), weight, mixed)
    found = device.download(mixed)
    limit = 20 * LIMIT[dtype]
    np.testing.assert_allclose(found, pure @ mix, rtol=0, atol=limit)
    back = device.upload(pure)
    products.multiply(in_parts(mixed), weight, back, transpose=True, accumulate=True)
    again = device.download(back)
    np.testing.assert_allclose(again, pure + found @ mix.T, rtol=0, atol=4 * limit)
