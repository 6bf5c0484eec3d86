"""Jets against finite differences, tables against jets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dpse_fast.kernels.layout import Switch
from dpse_fast.kernels.switch import switch_jet
from random_model import random_model, random_net

from dpse_fast.cpu.packed_plan import packed
from dpse_fast.errors import AccuracyWarning
from dpse_fast.model import EmbeddingTable
from dpse_fast.model.activations import activation
from dpse_fast.plan.jets import (
    RadialEmbedding,
    embedding_jet,
    net_kinks,
    radial_jet,
    switch_of,
)
from dpse_fast.plan.tables import SLOPE_LENGTH, TableBuilder, first_edges
from dpse_fast.planning import make_plan

SWITCH = Switch(4.3, 1.8, 1 / 2.5, 0.03)
NAMES = [
    *("tanh", "relu", "relu6", "softplus", "sigmoid", "gelu", "gelu_tf", "silu"),
    *("silut", "custom_silu:1.3", "linear", "none"),
]


def check_slopes(function: object, x: np.ndarray, limit: float = 1e-7) -> None:
    assert callable(function)
    step = 1e-4
    ends = [function(x + k * step) for k in (-2, -1, 1, 2)]
    middle = function(x)
    for order in (0, 1):
        a, b, c, d = (end[order] for end in ends)
        slope = (8 * (c - b) - (d - a)) / (12 * step)
        scale = 1 + np.abs(slope).max()
        np.testing.assert_allclose(middle[order + 1], slope, rtol=0, atol=limit * scale)


@pytest.mark.parametrize("name", NAMES)
def test_activation_slopes(name: str) -> None:
    x = np.linspace(-8.1, 8.3, 399)
    away = [np.abs(x - at) > 1e-3 for at in activation(name).breakpoints]
    check_slopes(activation(name).jet, x[np.all(away, axis=0)] if away else x)


def test_activations_do_not_overflow() -> None:
    x = np.array([-1e4, -800.0, 800.0, 1e4])
    with np.errstate(all="raise", under="ignore"):
        for name in set(NAMES) - {"gelu", "gelu_tf"}:
            assert np.isfinite(activation(name).jet(x)).all()


def test_unknown_activation() -> None:
    with pytest.raises(KeyError, match="unknown activation 'swish'; known: tanh"):
        activation("swish")


def test_switch_slopes() -> None:
    r = np.linspace(0.4, 4.2, 200)
    check_slopes(lambda at: radial_jet(at, SWITCH), r[np.abs(r - 1.8) > 1e-3])


def test_kernel_and_plan_use_one_switch() -> None:
    for r in np.linspace(0.3, 5.0, 57):
        w, slope = switch_jet(float(r), SWITCH, np.float64)
        s, s_slope, _ = radial_jet(np.array([r]), SWITCH)
        inverse = 1 / (r + SWITCH.protection)
        assert w * inverse == pytest.approx(s[0], abs=1e-15)
        assert (slope - w * inverse) * inverse == pytest.approx(s_slope[0], abs=1e-14)


def test_switch_constants_of_tensorflow() -> None:
    model = random_model(switch_float32=True)
    switch = switch_of(model.descriptors[0])
    assert switch.cutoff == float(np.float32(4.3)) != 4.3
    width = np.float32(4.3) - np.float32(1.8)
    assert switch.inverse_width == 1 / float(width)


def radial(name: str, mean: float = 0.1) -> RadialEmbedding:
    net = random_net(np.random.default_rng(7), (1, 6, 12), name)
    return RadialEmbedding(net, SWITCH, mean, 4.0, 1.8)


@pytest.mark.parametrize("name", ["tanh", "gelu", "softplus"])
def test_embedding_slopes(name: str) -> None:
    check_slopes(radial(name), np.linspace(1.9, 4.2, 60), 1e-6)


@pytest.mark.parametrize("name", ["tanh", "relu", "relu6", "silut:0.4", "sigmoid"])
@pytest.mark.parametrize("tolerance", [1e-6, 1e-10])
def test_tables_keep_their_tolerance_everywhere(name: str, tolerance: float) -> None:
    function = radial(name)
    edges = first_edges(0.5, SWITCH.start, SWITCH.cutoff)
    builder = TableBuilder(function, edges, function.breakpoints(0.5), 0.9)
    builder.refine(tolerance)
    table = builder.table()
    r = np.sort(np.random.default_rng(0).uniform(0.5, 4.3, 20000))
    value, slope = table(r)
    exact = function(r)
    scale = np.maximum(np.abs(exact[0]).max(axis=1), np.abs(exact[0][r > 0.9]).max())
    assert table.relative_error <= tolerance
    limit = 2 * tolerance * scale + 1e-13
    assert (np.abs(value - exact[0]).max(axis=1) <= limit).all()
    assert (np.abs(slope - exact[1]).max(axis=1) <= limit / SLOPE_LENGTH).all()


def test_tables_are_smooth_to_second_order() -> None:
    function = radial("tanh")
    builder = TableBuilder(function, first_edges(0.5, 1.8, 4.3), np.empty(0), 0.9)
    builder.refine(1e-5)
    table = builder.table()
    width = np.diff(table.origins[1:])[:, None]
    left, right = table.coefficients[1:-1], table.coefficients[2:]
    powers = np.arange(6)
    value = (left * (width**powers)[:, :, None]).sum(axis=1)
    slope = (left[:, 1:] * (powers[1:] * width ** powers[:-1])[:, :, None]).sum(axis=1)
    np.testing.assert_allclose(value, right[:, 0], atol=1e-12)
    np.testing.assert_allclose(slope, right[:, 1], atol=1e-11)
    below, above = table(np.array([0.5 - 1e-9])), table(np.array([0.5 + 1e-9]))
    np.testing.assert_allclose(below[1], above[1], atol=1e-6)


def test_every_distance_finds_its_row_from_its_cell() -> None:
    function = radial("relu")
    builder = TableBuilder(
        function, first_edges(0.5, 1.8, 4.3), function.breakpoints(0.5), 0.9
    )
    builder.refine(1e-8)
    table = builder.table()
    cells, per_length = table.cells()
    ends = np.append(table.origins[1:], table.cutoff)
    for r in np.concatenate(
        [ends[1:] - 1e-12, ends[:-1], np.linspace(0.5, 4.2999, 5001)]
    ):
        row = cells[1 + int((r - table.shortest) * per_length)]
        assert table.origins[row] <= r + 1e-12
        assert row >= 1


def test_kinks_of_a_relu_net_are_found() -> None:
    net = random_net(np.random.default_rng(7), (1, 6, 12), "relu")
    x = np.linspace(-3, 3, 501)
    kinks = net_kinks(net, x)
    slopes = embedding_jet(net, np.linspace(-3, 3, 20011))[1]
    jumps = np.abs(np.diff(slopes, axis=0)).max(axis=1) > 1e-9
    at = np.linspace(-3, 3, 20011)[:-1][jumps]
    assert len(at) > 3
    assert np.abs(at[:, None] - kinks).min(axis=1).max() < 1e-3


def file_table(beyond: str) -> EmbeddingTable:
    rng = np.random.default_rng(4)
    shape = (int((3.0 - -1.0) / 0.1) + int((9.0 - 3.0) / 1.0), 8, 6)
    return EmbeddingTable(rng.normal(size=shape), -1.0, 3.0, 9.0, 0.1, 1.0, beyond)


@pytest.mark.parametrize("beyond", ["linear", "clamp"])
def test_a_files_own_table(beyond: str) -> None:
    table = file_table(beyond)
    x = np.array([-0.97, 0.234, 2.999, 3.4, 8.7])
    value, slope, curvature = embedding_jet(table, x)
    for k, at in enumerate(x):
        fine = at < 3.0
        row = int((at + 1.0) / 0.1) if fine else 40 + int(at - 3.0)
        t = at - (-1.0 + row * 0.1 if fine else 3.0 + (row - 40))
        polynomials = [np.polynomial.Polynomial(c) for c in table.coefficients[row]]
        for order, found in enumerate((value, slope, curvature)):
            expected = [p.deriv(order)(t) if order else p(t) for p in polynomials]
            np.testing.assert_allclose(found[k], expected, rtol=1e-9, atol=1e-9)
    outside = embedding_jet(table, np.array([-1.5, 9.0, 9.5, 10.0]))
    assert not outside[2][[0, 2, 3]].any()
    if beyond == "clamp":
        last_row_start = table.coefficients[-1, :, 0]
        np.testing.assert_array_equal(outside[0][1:], [last_row_start] * 3)
        np.testing.assert_array_equal(outside[0][0], table.coefficients[0, :, 0])
        assert not outside[1][[0, 2, 3]].any()
    else:
        rise = outside[0][3] - outside[0][2]
        np.testing.assert_allclose(rise, 0.5 * outside[1][2], rtol=1e-6, atol=1e-9)


def test_a_range_that_is_no_whole_number_of_strides() -> None:
    rng = np.random.default_rng(4)
    table = EmbeddingTable(rng.normal(size=(300, 4, 6)), -1.0, 29.05, 29.05, 0.1, 1.0)
    value, _, _ = embedding_jet(table, np.array([29.04]))
    expected = np.polynomial.Polynomial(table.coefficients[299, 0])(30.04 - 29.9)
    assert value[0, 0] == pytest.approx(expected, rel=1e-9)


def test_a_last_fine_interval_that_is_cut_short_has_a_row_of_its_own() -> None:
    rng = np.random.default_rng(6)
    table = EmbeddingTable(rng.normal(size=(31, 4, 6)), -1.0, 6.0, 30.0, 0.3, 3.0)
    x = np.array([5.85, 5.95, 6.15])
    rows, left = [22, 23, 23], [5.6, 5.9, 6.0]
    t = (x - left)[:, None]
    expected = sum(table.coefficients[rows, :, p] * t**p for p in range(6))
    np.testing.assert_allclose(embedding_jet(table, x)[0], expected, rtol=1e-12)


def test_looser_tolerances_take_fewer_intervals() -> None:
    model = random_model()
    plans = [make_plan(model, tolerance=tol) for tol in (0.0, 1e-6, 1e-2)]
    sizes = [packed(plan).descriptors[0].coefficients.size for plan in plans]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2 * sizes[2]
    for plan in plans[1:]:
        assert plan.certificate.force <= plan.tolerance
    assert plans[0].certificate.force < 1e-9


def test_an_unreachable_tolerance_is_said() -> None:
    with pytest.warns(AccuracyWarning, match="tol: the tables reach a force error of"):
        make_plan(random_model(), tolerance=1e-30)


def test_equal_embeddings_share_a_table() -> None:
    model = random_model(one_sided=True, mean=0.0)
    statistics = np.ones((2, 2, 4))
    descriptor = replace(model.descriptors[0], dstd=statistics)
    model = replace(model, descriptors=(descriptor,))
    tables = make_plan(model, tolerance=0.0).tables[0]
    assert tables[0, 0] is tables[1, 0]
    assert tables[0, 0] is not tables[0, 1]
