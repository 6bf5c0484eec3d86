"""Frozen graphs: what becomes of each part of deepmd-kit's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from formats.deep_graphs import Recipe, deep_potential, load, take_vacuum_off
from formats.stored_numbers import assert_equal_to_stored
from golden_frames import GOLDEN, Case

from dpse_fast.errors import ModelFileError
from dpse_fast.formats.tensorflow import looks_like_graph, read
from dpse_fast.model import EmbeddingTable, Model, Net

GRAPHS = sorted(GOLDEN.glob("*.pb"))


def net(model: Model, c: int, t: int) -> Net:
    found = model.descriptors[0].embedding[c][t]
    assert isinstance(found, Net)
    return found


def test_there_are_golden_graphs() -> None:
    assert "plain.pb" in {path.name for path in GRAPHS}


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_golden_graph_gives_the_reference_energies(path: Path) -> None:
    data = path.read_bytes()
    assert looks_like_graph(data)
    model = read(data, path.name)
    tolerance = 1e-12 if model.dtype == np.float64 else 2e-6
    if path.stem == "gelu":
        tolerance = 1e-8  # TensorFlow's own gelu rounds its coefficient to float32
    assert_equal_to_stored(
        model, Case(path, None), limit=tolerance, quantities=("atomic_energies",)
    )


def test_geometry_statistics_and_shapes() -> None:
    recipe = Recipe()
    model = load(recipe)
    d = model.descriptors[0]
    assert (d.rcut, d.rcut_smth, d.sel, d.axis_neuron) == (4.1, 1.8, (3, 2), 2)
    assert d.normalisation == 5
    assert d.switch_float32
    assert d.env_protection == 0
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(d.davg[..., 0], rng.uniform(0.01, 0.1, (2, 2)))
    np.testing.assert_array_equal(d.dstd[..., :2], rng.uniform(0.1, 0.2, (2, 2, 2)))
    assert model.type_map == ("O", "H")
    assert model.min_distance is None
    assert model.provenance["format"] == "TensorFlow frozen graph"
    assert not d.one_sided


def test_skips_follow_the_rules_of_each_net() -> None:
    model = load(Recipe(neuron=(1, 2, 3, 3), fitting=(6, 6, 12), axis=2))
    skips = [layer.skip for layer in net(model, 0, 1).layers]
    assert skips == ["identity", "double", "none", "identity"]
    fitting = [layer.skip for layer in model.fitting[1].layers]
    assert fitting == ["none", "identity", "none", "none"]  # never doubled


def test_time_steps_are_read_where_they_are() -> None:
    model = load(Recipe(idt=True, neuron=(3, 6, 6)))
    steps = [layer.idt is not None for layer in net(model, 1, 0).layers]
    assert steps == [False, True, True]
    assert [k.idt is not None for k in model.fitting[0].layers] == [False, True, False]


@pytest.mark.parametrize(
    ("op", "name"),
    [
        ("Tanh", "tanh"),
        ("Relu", "relu"),
        ("Relu6", "relu6"),
        ("Softplus", "softplus"),
        ("Sigmoid", "sigmoid"),
        ("GeluCustom", "gelu"),
        ("Gelu", "gelu"),
        ("silu", "silu"),
        ("linear", "linear"),
    ],
)
def test_activation_comes_from_the_graph(op: str, name: str) -> None:
    model = load(Recipe(activation=op, script={"descriptor": {"type": "se_a"}}))
    assert {layer.activation for layer in net(model, 0, 0).layers} == {name}
    assert [k.activation for k in model.fitting[0].layers] == [name, name, "linear"]


def test_unknown_activation_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"activation .*Elu"):
        load(Recipe(activation="Elu"))


def test_one_sided_rows_are_one_object() -> None:
    d = load(Recipe(one_sided=True)).descriptors[0]
    assert d.one_sided
    assert d.embedding[0][1] is d.embedding[1][1]
    assert d.embedding[0][0] is not d.embedding[0][1]


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("with_script", [False, True])
def test_excluded_pairs_have_no_embedding(one_sided: bool, with_script: bool) -> None:
    script = {"descriptor": {"exclude_types": [[0, 1]]}} if with_script else None
    recipe = Recipe(one_sided=one_sided, excluded=((0, 1),), script=script)
    rows = load(recipe).descriptors[0].embedding
    assert [[g is None for g in row] for row in rows] == [[False, True], [True, False]]


def test_a_lost_net_is_not_taken_for_an_exclusion() -> None:
    recipe = Recipe(excluded=((0, 1),), script={"descriptor": {}})
    with pytest.raises(ModelFileError, match=r"node filter_type_0/matrix_1_1 is miss"):
        load(recipe)


def test_exclusions_of_a_one_sided_script_need_their_mask() -> None:
    script = {"descriptor": {"exclude_types": [[0, 1]]}}
    with pytest.raises(ModelFileError, match="mask of the pairs is not found"):
        load(Recipe(one_sided=True, script=script))


def test_type_without_slots() -> None:
    d = load(Recipe(sel=(3, 0))).descriptors[0]
    assert d.sel == (3, 0)
    assert d.normalisation == 3
    np.testing.assert_array_equal(d.dstd[:, 1], np.ones((2, 4)))


@pytest.mark.parametrize(
    ("op", "dtype"), [("TabulateFusion", "f8"), ("TabulateFusionSeA", "f4")]
)
@pytest.mark.parametrize("one_sided", [False, True])
def test_compressed_graph(op: str, dtype: str, one_sided: bool) -> None:
    recipe = Recipe(
        sel=(3, 0, 2), type_map=b"A B C", tables=op, dtype=dtype, one_sided=one_sided
    )
    model = load(recipe)
    rows = model.descriptors[0].embedding
    assert all((g is None) == (t == 1) for row in rows for t, g in enumerate(row))
    table = rows[2][0]
    assert isinstance(table, EmbeddingTable)
    assert table.coefficients.shape == (14, 4, 6)
    numbers = (table.lower, table.upper, table.maximum, table.stride0, table.stride1)
    assert numbers == (-1.0, 0.0, 2.0, 0.1, 0.5)
    assert table.beyond == "clamp"
    assert model.provenance["compressed"] == "yes"
    assert model.dtype == np.dtype(dtype)


def test_tables_of_new_graphs_extrapolate() -> None:
    shift = {"model_attr/model_attr/t_out_bias": np.zeros((1, 2, 1))}
    table = (
        load(Recipe(tables="TabulateFusionSeA", extra=shift)).descriptors[0].embedding
    )
    assert isinstance(table[0][0], EmbeddingTable)
    assert table[0][0].beyond == "linear"


def test_energies_of_each_type() -> None:
    extra = {
        "fitting_attr/t_bias_atom_e": np.array([-3.0, -5.0]),
        "model_attr/model_attr/t_out_bias": np.array([[[0.5], [0.25]]]),
        "model_attr/model_attr/t_out_std": np.array([[[2.0], [4.0]]]),
    }
    model = load(Recipe(extra=extra))
    np.testing.assert_array_equal(model.scale, [2, 4])
    np.testing.assert_array_equal(model.bias, [-5.5, -19.75])


@pytest.mark.parametrize("old", [False, True])
def test_atom_ener_takes_the_net_at_zero_away(old: bool) -> None:
    graph = deep_potential(Recipe())
    take_vacuum_off(graph, -7.5 if old else None)
    model = read(graph.data(), "model.pb")
    last = model.fitting[1](np.zeros((1, 8)))[0, 0]
    np.testing.assert_array_equal(model.bias, [0.0, (-7.5 if old else 0.0) - last])


def test_divisor_of_the_graph_counts() -> None:
    graph = deep_potential(Recipe())
    for c in range(2):
        inverse = graph.const(f"filter_type_{c}/mul/y", np.array(1 / 300))
        graph.nodes.pop(f"filter_type_{c}/truediv")
        total = f"filter_type_{c}/AddN"
        graph.op(f"filter_type_{c}/truediv", "Mul", total, inverse)
    assert read(graph.data(), "m").descriptors[0].normalisation == 300


def test_axis_from_the_script_and_original_sel() -> None:
    script = {"descriptor": {"axis_neuron": 2}}
    graph = deep_potential(Recipe(script=script))
    for c in range(2):
        graph.nodes.pop(f"filter_type_{c}/Slice_axis")
    graph.const("descrpt_attr/original_sel", np.array([6, 4], "i4"))
    d = read(graph.data(), "m").descriptors[0]
    assert (d.axis_neuron, d.normalisation) == (2, 10)


def test_empty_type_map_gets_placeholders() -> None:
    model = load(Recipe(type_map=b""))
    assert model.type_map == ("type_0", "type_1")
    assert "type_map" in model.provenance


def test_shortest_distance_and_first_release() -> None:
    extra = {"train_attr/min_nbor_dist": np.array(0.75)}
    model = load(Recipe(environment="DescrptSeA", extra=extra))
    assert model.min_distance == 0.75
    assert model.provenance["trainer"] == "deepmd-kit 1"
