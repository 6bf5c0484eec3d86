"""Fitting nets on the device against those on the processors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.activations import tanh_jet
from dpse_fast.kernels.cuda.activation import jet_of
from random_model import random_net

from dpse_fast.cpu.fitting_net import FittingNet
from dpse_fast.cuda.device import Device
from dpse_fast.cuda.fitting_net import DeviceNet, numbers_of
from dpse_fast.cuda.gemm import Products
from dpse_fast.cuda.net_layers import padded_layers
from dpse_fast.model import Layer, Net
from dpse_fast.model.activations import activation
from dpse_fast.plan.nets import net_definition

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
    on_device = DeviceNet(
        device, padded_layers(net.definition, stride), net.dtype, products
    )
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
    cpu = FittingNet(net_definition(net, order), dtype)
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


@pytest.mark.parametrize(
    ("widths", "n", "idt", "three", "one"),
    [((64, 24, 24, 1), 6, False, 3, 10), ((1600, 240, 240, 240, 1), 2, True, 2, 50)],
    ids=["small", "standard"],
)
def test_three_products_of_tf32_are_as_exact_as_float32(
    widths: tuple[int, ...], n: int, idt: bool, three: int, one: int, device: Device
) -> None:
    """With 1600 inputs TF32 alone is a thousand times less exact than float32."""
    rng = np.random.default_rng(7 if idt else 6)
    net = random_net(rng, widths, idt=idt, linear_last=True)
    x = rng.normal(size=(n, widths[0]))
    exact, single = (
        FittingNet(net_definition(net, np.arange(widths[0])), dtype)
        for dtype in (np.float64, np.float32)
    )
    energies, gradient = evaluated(device, exact, x, np.ones(n))
    errors = {}
    for gemm in ("float32", "tf32x3", "tf32"):
        found = evaluated(device, single, x.astype(np.float32), np.ones(n), gemm)
        errors[gemm] = max(
            np.abs(found[0] - energies).max(), np.abs(found[1] - gradient).max()
        )
    assert errors["tf32x3"] < three * errors["float32"]
    assert errors["tf32"] > one * errors["tf32x3"]


@pytest.mark.parametrize("widths", [(6, 6, 12, 5, 1), (5, 7, 7, 1)])
def test_the_gradient_is_that_of_the_outputs(
    widths: tuple[int, ...], device: Device
) -> None:
    net = random_net(np.random.default_rng(8), widths, "silut:0.3", linear_last=True)
    fitting = FittingNet(net_definition(net, np.arange(widths[0])), np.float64)
    x = np.random.default_rng(9).normal(size=(1, widths[0]))
    _, gradient = evaluated(device, fitting, x, np.ones(1))
    step = 1e-5
    for k in range(widths[0]):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[0, k] += sign * step
            ends.append(evaluated(device, fitting, moved, np.ones(1))[0][0])
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(gradient[0, k], slope, rtol=0, atol=1e-9)


@pytest.mark.parametrize("gemm", ["float32", "tf32x3"])
@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_is_not_finite_shows_and_stays_alone(
    name: str, gemm: str, device: Device
) -> None:
    net = random_net(np.random.default_rng(1), (5, 8, 8, 1), name, linear_last=True)
    fitting = FittingNet(net_definition(net, np.arange(5)), np.float32)
    x = np.random.default_rng(2).normal(size=(3, 5)).astype(np.float32)
    alone, slopes = evaluated(device, fitting, x[[0, 2]], np.ones(2), gemm)
    x[1, 3] = np.nan
    energies, gradient = evaluated(device, fitting, x, np.ones(3), gemm)
    assert np.isnan(energies[1])
    np.testing.assert_allclose(energies[[0, 2]], alone, rtol=0, atol=1e-6)
    np.testing.assert_allclose(gradient[[0, 2]], slopes, rtol=0, atol=1e-6)


@pytest.mark.parametrize("widths", [(4, 4, 4, 1), (4, 5, 8, 16, 1)])
@pytest.mark.parametrize("gemm", ["float32", "tf32x3"])
def test_outputs_alone(widths: tuple[int, ...], gemm: str, device: Device) -> None:
    net = random_net(np.random.default_rng(3), widths, idt=True, linear_last=True)
    fitting = FittingNet(net_definition(net, np.arange(4)), np.float32)
    x = np.random.default_rng(4).normal(size=(3, 4)).astype(np.float32)
    expected, _ = evaluated(device, fitting, x, np.ones(3), gemm)
    products = Products(device, np.float32, gemm)
    on_device = DeviceNet(
        device, padded_layers(fitting.definition, 4), np.float32, products
    )
    buffers = device.empty(3 * on_device.numbers_per_row, np.float32)
    inputs, ones = device.upload(x.reshape(-1)), device.upload(np.ones(3))
    energies = device.empty(3, np.float64)
    on_device.bind(3, inputs, None, buffers)(ones, 0, energies)
    found = device.download(energies) + fitting.definition.constant
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(device.download(inputs), x.reshape(-1))


@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_tanh_from_its_source(real: Any) -> None:
    """Where it is steep, where it bends and where it is 1."""
    for low, high in ((1e-30, 1e-8), (1e-3, 0.55), (0.55, 3.0), (3.0, 12.0)):
        x = np.geomspace(low, high, 4000).astype(real)
        found, slopes = np.array([tanh_jet(v, real) for v in x]).T
        exact = np.tanh(x.astype(np.longdouble))
        ulp = np.spacing(exact.astype(real))
        assert (np.abs(found - exact) <= 2 * ulp).all()
        limit = 2 * np.finfo(real).eps
        np.testing.assert_allclose(slopes, 1 - exact**2, rtol=0, atol=limit)
