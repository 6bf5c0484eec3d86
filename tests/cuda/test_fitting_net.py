"""Fitting nets on the device against those on the processors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cuda.activation import jet_of
from random_model import random_net

from dpse_fast.activations import activation
from dpse_fast.cuda.device import Device
from dpse_fast.cuda.fitting_net import DeviceNet, numbers_of
from dpse_fast.cuda.gemm import Products
from dpse_fast.fitting import FittingNet
from dpse_fast.model import Layer, Net

NAMES = (
    *("tanh", "sigmoid", "silu", "softplus", "gelu", "gelu_float32", "relu", "relu6"),
    *("linear", "silut:1.5"),
)
LIMITS = {np.float64: 1e-13, np.float32: 2e-5}


def evaluated(
    device: Device, net: FittingNet, x: Any, factors: Any, gemm: str = "float32"
) -> tuple[Any, Any]:
    """Energies and gradients, of the second batch of rows."""
    n, n_in = x.shape
    stride = -(-n_in // 4) * 4
    products = Products(device, net.dtype, gemm)
    on_device = DeviceNet(device, net.definition, net.dtype, products, stride)
    products.reserve(n * max(on_device.widths))
    padded = np.zeros((n, stride), net.dtype)
    padded[:, :n_in] = x
    inputs = device.flat(device.upload(padded))
    buffers = device.empty(n * numbers_of([on_device]), net.dtype)
    energies = device.empty(n + 2, np.float64)
    all_factors = device.upload(np.concatenate([[9.0, 9.0], factors]))
    on_device.bind(n, inputs, inputs, buffers)(all_factors, 2, energies)
    gradient = device.download(inputs).reshape(n, stride)[:, :n_in]
    constant = net.definition.constant
    return device.download(energies)[2:] + constant, gradient


def check(device: Device, net: Net, dtype: Any, n: int, order: Any = None) -> None:
    rng = np.random.default_rng(3)
    n_in = net.layers[0].n_in
    order = np.arange(n_in) if order is None else order
    cpu = FittingNet(net, dtype, order)
    x = rng.normal(size=(n, n_in)).astype(dtype)
    factors = rng.uniform(0.5, 1.5, n)
    gradient = np.empty_like(x)
    expected = cpu(x.copy(), cpu.buffers(n), gradient, factors)
    energies, found = evaluated(device, cpu, x, factors)
    np.testing.assert_allclose(energies, expected, rtol=0, atol=LIMITS[dtype])
    np.testing.assert_allclose(found, gradient, rtol=0, atol=LIMITS[dtype])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_activations(name: str, dtype: Any, device: Device) -> None:
    net = random_net(
        np.random.default_rng(1), (6, 8, 8, 16, 1), name, idt=True, linear_last=True
    )
    assert {layer.skip for layer in net.layers} == {"none", "identity", "double"}
    check(device, net, dtype, 3)


@pytest.mark.parametrize("widths", [(5, 1), (5, 7, 1), (9, 9, 3, 6, 6, 1), (3, 40, 1)])
@pytest.mark.parametrize("n", [1, 5])
def test_widths(widths: tuple[int, ...], n: int, device: Device) -> None:
    net = random_net(np.random.default_rng(2), widths, linear_last=True)
    check(device, net, np.float64, n)


@pytest.mark.parametrize("widths", [(6, 6, 5, 1), (4, 8, 8, 1), (7, 5, 1)])
def test_inputs_in_another_order(widths: tuple[int, ...], device: Device) -> None:
    rng = np.random.default_rng(4)
    net = random_net(rng, widths, linear_last=True)
    check(device, net, np.float64, 3, rng.permutation(widths[0]))


def test_a_last_layer_with_everything(device: Device) -> None:
    rng = np.random.default_rng(5)
    last = Layer(
        rng.normal(size=(1, 1)), rng.normal(size=1), "tanh", rng.normal(size=1),
        "identity",
    )  # fmt: skip
    hidden = random_net(rng, (4, 5, 1)).layers
    check(device, Net((*hidden, last)), np.float64, 4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_the_scalar_activations_are_those_of_arrays(name: str, real: Any) -> None:
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")
    known = activation(name)
    jet = jet_of(known.family, *known.constants)
    jet = getattr(jet, "py_func", jet)
    x = np.concatenate([np.linspace(-30, 30, 997), np.linspace(-2, 2, 800), [0, 1e-9]])
    x = x.astype(real)
    values, slopes, _ = known.jet(x)
    found = np.array([jet(v, real) for v in x])
    limit = 4 * np.finfo(real).eps * np.maximum(1, np.abs(values))
    assert (np.abs(found[:, 0] - values) <= limit).all()
    assert (np.abs(found[:, 1] - slopes) <= 8 * np.finfo(real).eps * 30).all()


def test_three_products_of_tf32_are_as_exact_as_float32(device: Device) -> None:
    rng = np.random.default_rng(6)
    net = random_net(rng, (64, 24, 24, 1), linear_last=True)
    x = rng.normal(size=(6, 64))
    exact = FittingNet(net, np.float64, np.arange(64))
    energies, gradient = evaluated(device, exact, x, np.ones(6))
    single = FittingNet(net, np.float32, np.arange(64))
    errors = {}
    for gemm in ("float32", "tf32x3", "tf32"):
        found = evaluated(device, single, x.astype(np.float32), np.ones(6), gemm)
        errors[gemm] = max(
            np.abs(found[0] - energies).max(), np.abs(found[1] - gradient).max()
        )
    assert errors["tf32x3"] < 3 * errors["float32"]
    assert errors["tf32"] > 10 * errors["tf32x3"]
