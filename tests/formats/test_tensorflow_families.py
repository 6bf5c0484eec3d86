"""Frozen graphs beyond plain se_e2_a: what becomes of each family's parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from formats.deep_graphs import Recipe, deep_potential, load, refusal, take_vacuum_off
from formats.graphdef import Graph as Writer
from formats.graphdef import float_attribute

from dpse_fast.formats.tensorflow import read
from dpse_fast.model import EmbeddingTable, Net, SeE2R


def test_radial_descriptor() -> None:
    d = load(Recipe(kind="r")).descriptors[0]
    assert isinstance(d, SeE2R)
    assert (d.rcut, d.rcut_smth, d.sel, d.normalisation) == (4.1, 1.8, (3, 2), 25)
    assert d.davg.shape == d.dstd.shape == (2, 2, 1)
    assert d.switch_float32
    assert not d.excluded


def test_radial_exclusion_drops_blocks_between_two_sides() -> None:
    d = load(Recipe(kind="r", excluded=((0, 1),))).descriptors[0]
    assert [[g is None for g in row] for row in d.embedding] == [[0, 1], [1, 0]]
    assert not d.excluded


def test_radial_exclusion_of_one_side_makes_constant_rows() -> None:
    d = load(Recipe(kind="r", one_sided=True, excluded=((0, 1),))).descriptors[0]
    assert d.one_sided
    assert d.excluded == {(0, 1), (1, 0)}
    assert (d.davg[..., 0] == 0).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize("one_sided", [False, True])
def test_radial_tables(one_sided: bool) -> None:
    recipe = Recipe(kind="r", sel=(3, 0, 2), type_map=b"A B C", one_sided=one_sided)
    d = load(replace(recipe, tables="TabulateFusionSeR")).descriptors[0]
    found = [[isinstance(g, EmbeddingTable) for g in row] for row in d.embedding]
    assert found == [[True, False, True]] * 3


def test_radial_mean_needs_its_factor() -> None:
    graph = deep_potential(Recipe(kind="r"))
    graph.const("filter_type_0/mul/y", np.array(0.3))
    assert "2 kinds" in refusal(graph)
    graph.const("filter_type_0/mul/y", np.array(-1.0))
    assert "positive factor" in refusal(graph)


def test_hybrid_keeps_order_and_own_parts() -> None:
    parts = [Recipe(rcut=4.5), Recipe(kind="r", sel=(4, 5), neuron=(2, 6)), Recipe()]
    parts += [Recipe(rcut=2.5 + k, one_sided=k % 2 == 1) for k in range(8)]
    model = load(Recipe(parts=tuple(parts)))
    kinds = [d.kind for d in model.descriptors]
    assert kinds == ["se_e2_a", "se_e2_r", *["se_e2_a"] * 9]
    assert [d.rcut for d in model.descriptors[3:]] == [2.5 + k for k in range(8)]
    assert [d.one_sided for d in model.descriptors[3:]] == [False, True] * 4
    assert model.descriptors[1].n_out == 6
    assert model.fitting[0].n_in == 6 + 10 * 8


def test_hybrid_script_is_read_by_part() -> None:
    sections = [{"type": "se_e2_a"}, {"type": "se_e2_a", "exclude_types": [[0, 1]]}]
    script = {"descriptor": {"type": "hybrid", "list": sections}}
    parts = (Recipe(), Recipe(excluded=((0, 1),)))
    first, second = load(Recipe(parts=parts, script=script)).descriptors
    assert all(g is not None for row in first.embedding for g in row)
    assert second.embedding[0][1] is None
    script["descriptor"]["list"].reverse()
    assert "filter_type_0_1/matrix_1_1 is missing" in refusal(
        deep_potential(Recipe(parts=parts, script=script))
    )


def test_first_release_calls_the_parts_of_se_ar_a_and_nothing() -> None:
    angular = Recipe(environment="DescrptSeA")
    parts = (Recipe(kind="r", environment="DescrptSeR", neuron=(2, 6)), angular)
    recipe = Recipe(parts=parts, suffixes=("", "_a"))
    model = load(recipe)
    assert [d.kind for d in model.descriptors] == ["se_e2_a", "se_e2_r"]
    assert model.provenance["trainer"] == "deepmd-kit 1"


def test_descriptors_of_different_types_are_refused() -> None:
    parts = (Recipe(), Recipe(sel=(2, 2, 2), type_map=b"A B C"))
    assert "[2, 3] types" in refusal(deep_potential(Recipe(parts=parts)))


def test_two_energies_are_refused() -> None:
    graph = deep_potential(Recipe())
    inputs = ("t_coord", "descrpt_attr/t_avg/read", "descrpt_attr/t_std/read")
    graph.op("second", "ProdEnvMatA", *inputs)
    assert "linear model" in refusal(graph)


def parametrised(**extra: object) -> Recipe:
    counts = {"dfparam": np.array(2, "i4"), "daparam": np.array(1, "i4")}
    statistics = {
        "t_fparam_avg": np.array([1.0, 2.0]),
        "t_fparam_istd": np.array([4.0, 5.0]),
        "t_aparam_avg": np.array([3.0]),
        "t_aparam_istd": np.array([0.5]),
    }
    named = counts | statistics | extra
    given = {f"fitting_attr/{k}": v for k, v in named.items() if v is not None}
    return Recipe(n_parameters=3, extra=given)


def test_parameters() -> None:
    model = load(parametrised())
    assert model.fparam is not None
    assert model.aparam is not None
    assert model.fparam.mean.tolist() == [1, 2]
    assert model.fparam.scale.tolist() == [4, 5]
    assert (model.aparam.mean, model.aparam.scale) == (3, 0.5)
    assert model.fparam.default is None


def test_parameters_of_the_first_release_come_as_they_are() -> None:
    extra = {"fitting_attr/dfparam": np.array(2, "i4")}
    model = load(Recipe(n_parameters=2, extra=extra))
    assert model.fparam is not None
    assert model.fparam.mean.tolist() == [0, 0]
    assert model.fparam.scale.tolist() == [1, 1]
    assert model.aparam is None


@pytest.mark.parametrize("old", [False, True])
def test_atom_ener_keeps_parameters_in_the_vacuum(old: bool) -> None:
    graph = deep_potential(parametrised())
    take_vacuum_off(graph, -7.5 if old else None)
    model = read(graph.data(), "m")
    np.testing.assert_array_equal(model.bias, [0, -7.5 if old else 0])
    assert model.vacuum[0] is None
    assert isinstance(model.vacuum[1], Net)
    p = np.array([[0.3, -0.2, 1.1]])
    expected = model.fitting[1](np.hstack([np.zeros((1, 8)), p]))
    np.testing.assert_allclose(model.vacuum[1](p), expected, rtol=1e-14)


def with_pair_table(
    recipe: Recipe,
    biased: bool,
    source: str = "ProdEnvMatA",
    op: str = "PairTab",
    switch_source: str = "",
) -> tuple[Writer, np.ndarray]:
    graph = deep_potential(recipe)
    values = np.random.default_rng(2).normal(size=(2, 2, 7, 4))
    graph.const("model_attr/t_tab_info", np.array([0.1, 0.05, 7, 2]))
    graph.const("model_attr/t_tab_data", values)
    listed = graph.op("o_nlist", "Identity", f"{source}:3")
    attrs = b"".join(
        float_attribute(key, value)
        for key, value in (("alpha", 0.1), ("rmin", 0.3), ("rmax", 1.7))
    )
    near = f"{switch_source}:3" if switch_source else listed
    graph.op("SoftMinSwitch", "SoftMinSwitch", "t", "rij", near, "n", attrs=attrs)
    table = ("model_attr/t_tab_info", "model_attr/t_tab_data")
    graph.op("PairTab", op, *table, "t", "rij", listed, "n", "SoftMinSwitch")
    for name in ("t", "rij", "n"):
        graph.op(name, "Placeholder")
    if biased:
        graph.op("with_bias", "AddV2", "PairTab", "n")
    graph.op("forces", "AddV2", "n", "PairTab:1")
    return graph, values


@pytest.mark.parametrize("biased", [False, True])
def test_pair_table(biased: bool) -> None:
    energies = {"fitting_attr/t_bias_atom_e": np.array([-3.0, -5.0])}
    graph, values = with_pair_table(Recipe(extra=energies), biased)
    table = read(graph.data(), "m").pair_table
    assert table is not None
    assert (table.start, table.step, table.rcut, table.switch_rcut) == (
        *(0.1, 0.05),
        *(4.1, 4.1),
    )
    np.testing.assert_array_equal(table.coefficients, values[..., ::-1])
    assert table.inner == float(np.float32(0.3))
    assert table.width == float(np.float32(1.7) - np.float32(0.3))
    assert table.alpha == float(np.float32(0.1))
    assert table.bias.tolist() == ([-3, -5] if biased else [0, 0])


def test_pair_table_of_the_first_release_takes_the_difference_in_float64() -> None:
    recipe = Recipe(environment="DescrptSeA")
    graph, _ = with_pair_table(recipe, False, "DescrptSeA", "TabInter")
    table = read(graph.data(), "m").pair_table
    assert table is not None
    assert table.width == float(np.float32(1.7)) - float(np.float32(0.3))
    assert table.width != float(np.float32(1.7) - np.float32(0.3))


def test_pair_table_uses_the_list_of_its_descriptor() -> None:
    parts = (Recipe(rcut=3.0), Recipe(kind="r", rcut=4.5, sel=(4, 5)))
    graph, _ = with_pair_table(Recipe(parts=parts), True, "ProdEnvMatR_1")
    table = read(graph.data(), "m").pair_table
    assert table is not None
    assert table.rcut == table.switch_rcut == 4.5
    assert table.sel == parts[1].sel
    graph, _ = with_pair_table(Recipe(), True, "t_coord")
    assert "neighbours from t_coord" in refusal(graph)


def test_pair_table_and_its_switch_of_two_lists() -> None:
    parts = (Recipe(rcut=3.0), Recipe(kind="r", rcut=4.5))
    sources = {"source": "ProdEnvMatR_1", "switch_source": "ProdEnvMatA_0"}
    graph, _ = with_pair_table(Recipe(parts=parts), True, **sources)
    assert "neighbours from two lists" in refusal(graph)


def test_pair_table_of_another_shape() -> None:
    graph, values = with_pair_table(Recipe(), True)
    graph.const("model_attr/t_tab_data", values[:, :, 1:])
    assert "7 rows of four" in refusal(graph)
    graph.const("model_attr/t_tab_info", np.array([0.1, 0.05, 1e300, 2]))
    assert "rows of four" in refusal(graph)
    graph.const("model_attr/t_tab_info", np.array([0.1, np.nan, 7, 2]))
    assert "expected start, step" in refusal(graph)
    graph, _ = with_pair_table(Recipe(), True)
    graph.op("other", "SoftMinSwitch")
    assert "2 switches" in refusal(graph)
