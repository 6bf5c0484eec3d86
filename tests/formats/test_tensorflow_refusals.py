"""Graphs that are something else: one sentence that names what and why."""

from __future__ import annotations

import numpy as np
import pytest
from formats.deep_graphs import Recipe, deep_potential, refusal
from formats.graphdef import Graph, item

from dpse_fast.formats.tensorflow import looks_like_graph


@pytest.mark.parametrize(
    ("op", "what"),
    [
        ("Descrpt", "loc_frame"),
        ("DescrptSeAMask", "se_a_mask"),
        ("DescrptSeAEf", "se_a_ef"),
        ("ProdEnvMatAEf", "se_a_ef"),
        ("DprcPairwiseIdx", "DPRc"),
        ("MapAparam", "atomic parameters"),
        ("TabulateFusionSeT", "se_e3"),
        ("MulFltNvnmd", "NVNMD"),
    ],
)
def test_operations_of_other_models(op: str, what: str) -> None:
    graph = deep_potential(Recipe())
    graph.op("other", op)
    message = refusal(graph)
    assert what in message
    assert "se_e2_a" in message


@pytest.mark.parametrize(
    ("node", "what"),
    [
        ("spin_attr/ntypes_spin", "pair_style deepspin"),
        ("modifier_attr/type", "fix dplr"),
        ("attention_layer_0/c_query/matrix", "attention layers"),
        ("filter_type_all/matrix_1_0_1", "se_e3"),
        ("share_a_type_0/matrix", "shared"),
    ],
)
def test_nodes_of_other_models(node: str, what: str) -> None:
    graph = deep_potential(Recipe())
    graph.const(node, np.array(1.0))
    assert what in refusal(graph)


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("dipole", "deepmd.infer.DeepDipole"),
        ("polar", "deepmd.infer.DeepPolar"),
        ("global_polar", "deepmd.infer.DeepGlobalPolar"),
        ("wfc", "deepmd.infer.DeepWFC"),
        ("dos", "deepmd.infer.DeepDOS"),
        ("property", "deepmd.infer.DeepProperty"),
        ("ener_spin", "pair_style deepspin"),
    ],
)
def test_models_of_other_quantities(kind: str, advice: str) -> None:
    graph = deep_potential(Recipe())
    graph.const("model_attr/model_type", kind.encode())
    by_script = deep_potential(Recipe(script={"fitting_net": {"type": kind}}))
    for message in (refusal(graph), refusal(by_script)):
        assert advice in message
        assert "train" not in message


def test_a_graph_with_an_ewald_sum() -> None:
    graph = deep_potential(Recipe())
    graph.op("ewald", "EwaldRecp")
    assert "kspace_style pppm/dplr" in refusal(graph)


@pytest.mark.parametrize(
    ("extra", "what"),
    [
        ({"dfparam": np.array(2, "i4")}, "maps 8 to 1 values, expected 10"),
        ({"dfparam": np.array(-1, "i4")}, "expected a number of parameters"),
        ({"dfparam": np.array(1.5)}, "expected a number of parameters"),
        ({"dfparam": np.array(np.nan)}, "expected a number of parameters"),
        ({"dfparam": np.array(np.inf)}, "expected a number of parameters"),
        ({"dfparam": np.array(1, "i4"), "t_fparam_avg": np.zeros(1)}, "only one of"),
        ({"dfparam": np.array(1, "i4"), "t_fparam_avg": np.zeros(2)}, "expected 1"),
        ({"daparam": np.array(1, "i4")}, "use_aparam_as_mask"),
    ],
)
def test_parameters(extra: dict, what: str) -> None:
    extra = {f"fitting_attr/{name}": value for name, value in extra.items()}
    assert what in refusal(deep_potential(Recipe(extra=extra)))


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ({"descriptor": {"type": "se_e3"}}, "se_e3"),
        ({"fitting_net": {"type": "dipole"}}, "dipole"),
        ({"type": "linear_ener"}, "linear_ener"),
        ({"fitting_net": {"use_aparam_as_mask": True}}, "use_aparam_as_mask"),
        ({"descriptor": {"type": "hybrid", "list": [{"type": "se_a_3be"}]}}, "3be"),
        ({"spin": {"use_spin": [True]}}, "spin"),
        ({"fitting_net": {"tot_ener_zero": True}}, "tot_ener_zero"),
        ({"descriptor": {"exclude_types": [[0, 7]]}}, "exclude_types"),
        ({"descriptor": {"exclude_types": "all"}}, "exclude_types"),
    ],
)
def test_scripts(script: dict, what: str) -> None:
    assert what in refusal(deep_potential(Recipe(script=script)))


@pytest.mark.parametrize("text", [b"{", b"[" * 100000, b"\xff", b"1" * 5000])
def test_script_that_is_no_json(text: bytes) -> None:
    graph = deep_potential(Recipe())
    graph.const("train_attr/training_script", text)
    assert "training script" in refusal(graph)


def test_graph_of_another_program() -> None:
    graph = Graph()
    graph.const("weights", np.ones(3))
    assert looks_like_graph(graph.data())
    assert "not a Deep Potential" in refusal(graph)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x0a",
        b"PK\x03\x04rest",
        b"\x89HDF\r\n\x1a\n",
        b"\x0a\x02\x0a\x00",
        bytes(64),
        item(1, item(1, b"\xff\xfe") + item(2, "Const")),
    ],
)
def test_not_a_graph(data: bytes) -> None:
    assert not looks_like_graph(data)
    assert "not a TensorFlow graph" in refusal(data)


def test_git_lfs_pointer() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"
    assert not looks_like_graph(pointer)
    assert "git lfs pull" in refusal(pointer)


@pytest.mark.parametrize(
    "name",
    [
        "filter_type_0/matrix_2_1",
        "filter_type_1/bias_1_0",
        "filter_type_0/truediv/y",
        "layer_0_type_1/matrix",
        "layer_1_type_0/bias/read",
        "final_layer_type_0/matrix",
        "descrpt_attr/t_avg",
        "descrpt_attr/t_std/read",
    ],
)
def test_missing_node_is_named(name: str) -> None:
    graph = deep_potential(Recipe())
    del graph.nodes[name]
    message = refusal(graph)
    assert f"node {name}" in message
    assert "missing" in message


def test_missing_net_is_named() -> None:
    graph = deep_potential(Recipe())
    for name in [n for n in graph.nodes if n.startswith("final_layer_type_1/")]:
        del graph.nodes[name]
    assert "final_layer_type_1/matrix" in refusal(graph)


def test_statistics_must_not_vary_within_a_type() -> None:
    graph = deep_potential(Recipe())
    average = np.zeros((2, 20))
    average[1, 4] = 0.1
    graph.const("descrpt_attr/t_avg", average)
    assert "the slots of neighbour type 0 differ" in refusal(graph)
    graph.const("descrpt_attr/t_avg", np.full((2, 20), np.nan))
    assert "NaN" in refusal(graph)
    graph.const("descrpt_attr/t_avg", np.zeros((2, 16)))
    assert "(2, 5, 4)" in refusal(graph)


def test_type_map_of_another_length() -> None:
    graph = deep_potential(Recipe())
    graph.const("model_attr/tmap", b"O H Na")
    assert "3 types" in refusal(graph)


def test_different_axis_of_two_types() -> None:
    graph = deep_potential(Recipe())
    graph.const("filter_type_1/axis/size", np.array([-1, -1, 3], "i4"))
    assert "axis_neuron" in refusal(graph)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e300, 0.5])
def test_counts_are_whole_numbers(number: float) -> None:
    graph = deep_potential(Recipe())
    graph.const("filter_type_1/axis/size", np.array([-1, -1, number]))
    assert "axis/size: expected whole numbers" in refusal(graph)


def test_range_of_a_table_is_checked() -> None:
    for bad in ([-1, 0, 2, 1e-300, 0.5, -1], [-1, 0, 2, 0, 0.5, -1], [0, -1, 2, 1, 1]):
        graph = deep_potential(Recipe(tables="TabulateFusionSeA"))
        graph.const("filter_type_0/t0/info", np.array(bad, "f8"))
        refusal(graph)


def test_fitting_net_of_a_surplus_type() -> None:
    graph = deep_potential(Recipe())
    graph.const("layer_0_type_2/matrix", np.ones((8, 5)))
    assert "3 types" in refusal(graph)


def test_every_pair_excluded() -> None:
    pairs = tuple((c, t) for c in range(2) for t in range(2))
    message = refusal(deep_potential(Recipe(one_sided=True, excluded=pairs)))
    assert "no pair of types has a net" in message
    assert "train with fewer exclusions" in message


def test_shared_layers_name_their_option() -> None:
    graph = deep_potential(Recipe())
    graph.const("share_a_type_0/matrix", np.ones((2, 2)))
    assert "train without layer_name" in refusal(graph)
