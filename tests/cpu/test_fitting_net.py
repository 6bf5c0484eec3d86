"""Fitting nets on blocks of atoms, against nets in plain NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cpu.tile import TILE_ROWS
from naive.networks import scalar_net
from random_model import random_net

from dpse_fast.cpu.fitting_net import FittingNet
from dpse_fast.model import Net, activations
from dpse_fast.plan.nets import net_definition

PRECISIONS = [np.float32, np.float64]
LIMIT = {np.float32: 2e-5, np.float64: 2e-13}
GUARD = 7.5


def tanh_net(widths: tuple[int, ...], idt: bool = False, seed: int = 0) -> Net:
    """Hidden tanh layers, a linear output without a skip; none in the first."""
    net = random_net(np.random.default_rng(seed), widths, idt=idt, linear_last=True)
    first = replace(net.layers[0], skip="none")
    return Net((first, *net.layers[1:]))


PACKED = {
    "one hidden layer": tanh_net((11, 5, 1)),
    "whole registers": tanh_net((32, 16, 16, 1)),
    "tails": tanh_net((37, 30, 30, 13, 1), idt=True),
    "a wider input": tanh_net((100, 7, 7, 1)),
    "wider layers behind": tanh_net((3, 25, 51, 51, 1), idt=True),
    "one neuron": tanh_net((1, 1, 1)),
    "standard": tanh_net((130, 240, 240, 240, 1), idt=True),
}
LAYERED = {
    "double skip": tanh_net((9, 8, 16, 1)),
    "skip of the inputs": random_net(
        np.random.default_rng(1), (12, 12, 24, 1), idt=True, linear_last=True
    ),
    "no hidden layer": tanh_net((6, 1)),
    "tanh output": random_net(np.random.default_rng(2), (7, 5, 1)),
    "mixed": Net(
        (
            *tanh_net((8, 9, 1)).layers[:1],
            *random_net(
                np.random.default_rng(3), (9, 9, 1), "silu", linear_last=True
            ).layers,
        )
    ),
    **{
        name: random_net(
            np.random.default_rng(4), (10, 10, 6, 1), name, True, linear_last=True
        )
        for name in (
            *("sigmoid", "silu", "softplus", "gelu", "gelu_tf", "relu", "relu6"),
            *("linear", "none", "silut:2.0", "custom_silu"),
        )
    },
}


def inputs(net: Net, n_rows: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(n_rows, net.n_in))


def evaluate(
    fitting: FittingNet, x: Any, factor: Any = 1.0, room: int = 0, spare: int = 0
) -> tuple[Any, Any]:
    """In place, in rows with ``room`` numbers between that stay as they are."""
    rows = np.full((len(x), x.shape[1] + room), GUARD, fitting.dtype)
    block = rows[:, : x.shape[1]]
    block[...] = x
    energies = fitting(block, fitting.buffers(len(x) + spare), block, factor)
    assert (rows[:, x.shape[1] :] == GUARD).all()
    return energies, block


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", [*PACKED, *LAYERED])
def test_outputs_and_gradients(name: str, dtype: Any) -> None:
    net = {**PACKED, **LAYERED}[name]
    rng = np.random.default_rng(5)
    order = rng.permutation(net.n_in)
    fitting = FittingNet(net_definition(net, order), dtype)
    assert fitting.definition.n_in == net.n_in
    for n_rows in (1, 2, TILE_ROWS - 1, TILE_ROWS, 2 * TILE_ROWS + 1, 29):
        x = inputs(net, n_rows).astype(dtype)
        expected, gradient = scalar_net(net, x.astype(np.float64))
        factor = rng.normal(size=n_rows)
        energies, slopes = evaluate(fitting, x[:, order], factor, room=5, spare=3)
        assert energies.dtype == np.float64
        limit = LIMIT[dtype]
        np.testing.assert_allclose(energies, expected, rtol=0, atol=limit)
        np.testing.assert_allclose(
            slopes, (gradient() * factor[:, None])[:, order], rtol=0, atol=limit
        )


def test_every_activation_is_tested() -> None:
    families = {name.split(":")[0].split("[")[0] for name in activations.NAMES}
    tested = {name.split(":")[0] for name in LAYERED} | {"tanh", "gelu_float32"}
    assert families <= tested


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", PACKED)
def test_an_atom_does_not_depend_on_its_block(name: str, dtype: Any) -> None:
    net = PACKED[name]
    fitting = FittingNet(net_definition(net, np.arange(net.n_in)), dtype)
    x = inputs(net, 37)
    energies, slopes = evaluate(fitting, x)
    for start, stop in ((0, 1), (3, 20), (30, 37)):
        part, part_slopes = evaluate(fitting, x[start:stop])
        np.testing.assert_array_equal(part, energies[start:stop])
        np.testing.assert_array_equal(part_slopes, slopes[start:stop])


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_gradient_elsewhere(dtype: Any) -> None:
    net = PACKED["tails"]
    fitting = FittingNet(net_definition(net, np.arange(net.n_in)), dtype)
    x = inputs(net, 9).astype(dtype)
    before = x.copy()
    slopes = np.full((9, net.n_in + 3), GUARD, dtype)
    energies = fitting(x, fitting.buffers(9), slopes[:, : net.n_in], 2.0)
    np.testing.assert_array_equal(x, before)
    expected = evaluate(fitting, x, 2.0)
    np.testing.assert_array_equal(energies, expected[0])
    np.testing.assert_array_equal(slopes[:, : net.n_in], expected[1])
    assert (slopes[:, net.n_in :] == GUARD).all()


def test_nan_stays_with_its_atom() -> None:
    net = PACKED["tails"]
    fitting = FittingNet(net_definition(net, np.arange(net.n_in)), np.float64)
    x = inputs(net, 20)
    expected = evaluate(fitting, x)
    x[13, 2] = np.nan
    energies, slopes = evaluate(fitting, x)
    others = np.arange(20) != 13
    assert np.isnan(energies[13])
    assert np.isnan(slopes[13]).all()
    np.testing.assert_array_equal(energies[others], expected[0][others])
    np.testing.assert_array_equal(slopes[others], expected[1][others])


def test_large_constants_are_not_rounded_to_float32() -> None:
    for net in (PACKED["tails"], LAYERED["double skip"]):
        last = net.layers[-1]
        far = Net((*net.layers[:-1], replace(last, bias=last.bias + 54321.0)))
        order, x = np.arange(net.n_in), inputs(net, 3)
        near, _ = evaluate(FittingNet(net_definition(net, order), np.float32), x)
        energies, _ = evaluate(FittingNet(net_definition(far, order), np.float32), x)
        np.testing.assert_allclose(energies - 54321.0, near, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["tails", "double skip", "skip of the inputs"])
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_another_first_weight(name: str, dtype: Any) -> None:
    net = {**PACKED, **LAYERED}[name]
    layer = net.layers[0]
    first = np.random.default_rng(8).normal(size=(21, layer.n_out)) / 5
    replaced = Net((replace(layer, weight=first, skip="none"), *net.layers[1:]))
    fitting = FittingNet(net_definition(net, np.arange(net.n_in)[::-1], first), dtype)
    assert fitting.definition.n_in == 21
    x = inputs(replaced, 10).astype(dtype)
    expected, gradient = scalar_net(replaced, x.astype(np.float64))
    energies, slopes = evaluate(fitting, x)
    np.testing.assert_allclose(energies, expected, rtol=0, atol=LIMIT[dtype])
    np.testing.assert_allclose(slopes, gradient(), rtol=0, atol=LIMIT[dtype])


@pytest.mark.parametrize("name", ["tails", "double skip"])
def test_nets_share_what_they_show(name: str) -> None:
    net = {**PACKED, **LAYERED}[name]
    biased = Net(tuple(replace(layer, bias=layer.bias + 1) for layer in net.layers))
    order, packed = np.arange(net.n_in), dict[tuple[int, ...], Any]()
    one, two = (
        FittingNet(net_definition(n, order), np.float64, packed) for n in (net, biased)
    )
    for a, b in zip(one.layers, two.layers, strict=True):
        assert a.weight is b.weight
    x = inputs(net, 4)
    for fitting, shown in ((one, net), (two, biased)):
        energies, _ = evaluate(fitting, x)
        np.testing.assert_allclose(energies, scalar_net(shown, x)[0], atol=1e-12)
    single = FittingNet(net_definition(net, order), np.float32, packed)
    assert single.layers[0].weight.dtype == np.float32
    layer = net.layers[0]
    first = layer.weight.copy()
    with_first = [
        FittingNet(net_definition(n, order, first), np.float64, packed)
        for n in (net, biased)
    ]
    assert with_first[0].layers[0].weight is with_first[1].layers[0].weight
    assert with_first[0].layers[0].weight is not one.layers[0].weight
    assert with_first[0].layers[1].weight is one.layers[1].weight


def test_a_weight_that_is_gone_is_not_taken_for_another() -> None:
    """Weights are known by their address, which a later array may get."""
    net = PACKED["tails"]
    order, packed = np.arange(net.n_in), dict[tuple[int, ...], Any]()
    x = inputs(net, 3)
    for k in range(20):
        layer = net.layers[0]
        first = layer.weight * (1 + k / 10)
        fitting = FittingNet(net_definition(net, order, first), np.float64, packed)
        shown = Net((replace(layer, weight=first), *net.layers[1:]))
        energies, _ = evaluate(fitting, x)
        np.testing.assert_allclose(energies, scalar_net(shown, x)[0], atol=1e-12)
        del first, shown, fitting
