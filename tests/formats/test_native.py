"""deepmd-kit's native files: the model in them, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from formats.damage import read_many_damaged
from formats.native_dict import as_lists, native_dict, put, save, version3_model
from formats.refusal import assert_refused

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model
from dpse_fast.formats.native_values import list_values, parse_text
from dpse_fast.formats.statistics import per_neighbour_type

MODELS = {
    "two-sided": {},
    "one-sided": {"one_sided": True},
    "three types": {"n_types": 3, "idt": True, "fitting": (12, 12, 24)},
    "float32": {"dtype": np.float32},
    "no slots": {"sel": (5, 0)},
    "excluded": {"excluded": frozenset({(0, 1), (1, 0)}), "env_protection": 0.1},
    "silut": {"activation": "silut:2.5"},
    "se_e2_r": {"kind": "se_e2_r", "one_sided": True},
    "hybrid": {"hybrid": ({"kind": "se_e2_r", "one_sided": True, "rcut": 3.1},)},
    "parameters": {"fparam": 2, "aparam": 1, "defaults": True, "vacuum": True},
    "without pairs": {"emptied": frozenset({(0, 1), (1, 0)})},
    "without atoms": {"silent": (1,)},
}


def test_golden_files_hold_the_same_model_in_every_format() -> None:
    golden = Path(__file__).parents[1] / "golden"
    pairs = [("plain.dp", "plain.pth"), ("one_type.dp", "one_type.yaml")]
    for one, other in pairs:
        assert read_model(golden / one).digest() == read_model(golden / other).digest()


@pytest.mark.parametrize("suffix", [".dp", ".yaml", ".json"])
@pytest.mark.parametrize("name", MODELS)
def test_the_model_is_exact(name: str, suffix: str, tmp_path: Path) -> None:
    model = version3_model(**MODELS[name])
    if name == "no slots":  # what no neighbour uses is not kept in the file
        sea = model.descriptors[0]
        davg, dstd = sea.davg.copy(), sea.dstd.copy()
        davg[:, 1], dstd[:, 1] = 0, 1
        model = replace(model, descriptors=(replace(sea, davg=davg, dstd=dstd),))
    found = read_model(save(native_dict(model), tmp_path / f"model{suffix}"))
    assert found.digest() == model.digest()
    assert found.dtype == model.dtype
    assert found.descriptors[0].one_sided == model.descriptors[0].one_sided
    assert found.provenance["trainer"] == "deepmd-kit 3.2.0"


def test_vacuum_energies_are_removed_by_type(tmp_path: Path) -> None:
    model = version3_model()
    tree = native_dict(model)
    tree["model"]["fitting"]["atom_ener"] = [-1.5, None]
    found = read_model(save(tree, tmp_path / "model.dp"))
    net = model.fitting[0]
    vacuum = net(np.zeros((1, net.n_in)))[0, 0]
    np.testing.assert_allclose(
        found.bias, model.bias - np.array([vacuum, 0]), rtol=0, atol=1e-14
    )


def test_a_layer_without_bias(tmp_path: Path) -> None:
    tree = native_dict(version3_model())
    layer = tree["model"]["fitting"]["nets"]["networks"][1]["layers"][0]
    layer["@variables"]["b"] = None
    found = read_model(save(tree, tmp_path / "model.dp"))
    assert not found.fitting[1].layers[0].bias.any()


def test_unknown_shortest_distance(tmp_path: Path) -> None:
    tree = native_dict(version3_model())
    for value in (None, -1.0):
        tree["@variables"]["min_nbor_dist"] = value
        assert read_model(save(tree, tmp_path / "model.dp")).min_distance is None


DESCRIPTOR, FITTING = ("model", "descriptor"), ("model", "fitting")
NETWORKS = (*DESCRIPTOR, "embeddings", "networks")
LAYER = (*NETWORKS, 0, "layers", 0)
REFUSED = {
    "se_e3": (put(*DESCRIPTOR, "type", value="se_e3"), "'se_e3' is not supported"),
    "dpa2": (put(*DESCRIPTOR, "type", value="dpa2"), "'dpa2' is not supported"),
    "dipole": (
        put(*FITTING, "type", value="dipole"),
        "a dipole model is not supported",
    ),
    "fparam": (put(*FITTING, "numb_fparam", value=2), "fparam_avg: expected"),
    "case": (put(*FITTING, "dim_case_embd", value=3), "case_embd: is missing"),
    "mixed": (put(*FITTING, "mixed_types", value=True), "nets: expected 1 networks"),
    "mask": (put(*FITTING, "use_aparam_as_mask", value=True), "mask atoms are not sup"),
    "zero": (put(*FITTING, "tot_ener_zero", value=True), "shifted to zero are not"),
    "atoms": (put(*FITTING, "exclude_types", value=[1]), "the fitting excludes"),
    "pairs": (put("model", "pair_exclude_types", value=[[0, 2]]), "pairs of types"),
    "atom": (put("model", "atom_exclude_types", value=[2]), "a list of types"),
    "switch": (put(*DESCRIPTOR, "env_mat", "use_exp_switch", value=True), "exponent"),
    "spin": (put(*DESCRIPTOR, "spin", value={"use_spin": [True]}), "spin models"),
    "zbl": (put("model", "type", value="zbl"), "models: is missing"),
    "linear": (put("model", "type", value="linear"), "'linear' is not supported"),
    "multi-task": (put("model", "model_dict", value={"a": 1}), "dp --pt freeze --head"),
    "compressed": (put(*NETWORKS, 0, value=None), "compressed .pb"),
    "future": (put(*DESCRIPTOR, "@version", value=4), "version 4 of a Descriptor"),
    "input": (put("model", "fitting", value={"neuron": [8]}), "training input"),
    "no model": (lambda tree: tree.pop("model"), "model: is missing"),
    "no rcut": (lambda tree: tree["model"]["descriptor"].pop("rcut"), "rcut: is miss"),
    "text": (put(*DESCRIPTOR, "rcut", value="six"), "expected a number, got 'six'"),
    "sel": (put(*DESCRIPTOR, "sel", value=[5, 2.5]), "sel: expected an integer"),
    "huge": (put(*DESCRIPTOR, "axis_neuron", value=2**40), "axis_neuron: expected"),
    "flag": (put(*LAYER, "resnet", value=1), "resnet: expected true or false, got 1"),
    "activation": (put(*LAYER, "activation_function", value="x"), "unknown activation"),
    "class": (put(*LAYER, "@class", value="LayerNorm"), "expected Layer, got"),
    "shape": (put(*LAYER, "@variables", "w", value=np.zeros((2, 3, 4))), "a matrix"),
    "nan": (put(*LAYER, "@variables", "b", value=np.full(3, np.nan)), "NaN"),
    "names": (put("model", "type_map", value=["O", "O"]), "distinct names"),
    "escape": (put("model", "type_map", value=["O", "\x1b[2J"]), "printable names"),
    "types": (put("model", "type_map", value=["O"]), "expected 2 names, got 1"),
    "excluded": (put(*DESCRIPTOR, "exclude_types", value=[[0, 7]]), "pairs of types"),
    "energies": (put(*FITTING, "atom_ener", value="x"), "atom_ener: expected a list"),
}


@pytest.mark.parametrize("suffix", [".dp", ".yaml"])
@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str, suffix: str, tmp_path: Path) -> None:
    change, words = REFUSED[name]
    tree = native_dict(version3_model())
    change(tree)
    file = save(tree, tmp_path / f"model{suffix}")
    if name == "no model" and suffix == ".yaml":
        words = "a text file without a model"
    assert_refused(file, words)


def test_slots_that_differ_are_refused(tmp_path: Path) -> None:
    tree = native_dict(version3_model())
    tree["model"]["descriptor"]["@variables"]["davg"][0, 2, 0] += 1e-9
    assert_refused(
        save(tree, tmp_path / "model.dp"), "slots of neighbour type 0 differ"
    )


def test_statistics_without_slots() -> None:
    pairs = per_neighbour_type(np.full((2, 3 * 4), 0.5), (3, 0), empty=1.0)
    assert pairs.shape == (2, 2, 4)
    assert (pairs[:, 0] == 0.5).all()
    assert (pairs[:, 1] == 1.0).all()
    with pytest.raises(ModelFileError, match=r"expected shape \(2, 4, 4\)"):
        per_neighbour_type(np.zeros((2, 3, 4)), (3, 1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model: {descriptor: [", "not valid YAML"),
        ("model: " + "[" * 500, "levels deep"),
        ('{"model": ' + "[" * 100_000, "nested too deeply"),
        ('{"model": 1', "not valid JSON"),
        ("model: *missing", "has no anchor"),
        ("model: [1, 2]", "model.type_map: is missing|holds no trained|expected"),
        ("model: 3", "model: expected named values, got 3"),
        ("model: {? [1] : 2}", "no name"),
    ],
)
def test_damaged_text(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(text)
    with pytest.raises(ModelFileError, match=words):
        read_model(file)


def test_nothing_in_yaml_is_constructed() -> None:
    text = b"a: !!python/object/apply:os.system [exit]\nb: {<<: {c: 1}}\nd: 2024-01-01"
    assert parse_text(text) == {"a": ["exit"], "b": {"<<": {"c": 1}}, "d": "2024-01-01"}


def test_aliases_cannot_grow_an_array(tmp_path: Path) -> None:
    """Thirty lists of two references each would be 2³⁰ numbers."""
    tree = native_dict(version3_model())
    tree["model"]["descriptor"]["@variables"]["davg"] = {"value": "BOMB"}
    text = save(tree, tmp_path / "model.yaml").read_text()
    bomb = ["z0: &z0 [0, 0]"]
    bomb += [f"z{k + 1}: &z{k + 1} [*z{k}, *z{k}]" for k in range(30)]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join(bomb) + "\n" + text.replace("BOMB", "*z30"))
    assert_refused(file, "more numbers than the file has bytes")


def test_repeated_objects_are_read_once(tmp_path: Path) -> None:
    tree = as_lists(native_dict(version3_model()))
    collection = tree["model"]["descriptor"]["embeddings"]
    collection["networks"] = collection["networks"][:1] * 4
    file = tmp_path / "model.yaml"
    file.write_text(yaml.safe_dump(tree))
    assert len(read_model(file).descriptors[0].distinct_embeddings()) == 1
    collection["networks"] *= 10_000
    file.write_text(yaml.safe_dump(tree))
    assert_refused(file, "expected 4 embedding networks")


def test_all_arrays_of_a_text_share_its_bytes() -> None:
    to_array = list_values(7)
    assert to_array([[1, 2], [3, 4]], "a").shape == (2, 2)
    with pytest.raises(ModelFileError, match="b: holds more numbers than the file"):
        to_array([[1, 2], [3, 4]], "b")


def test_numbers_kept_elsewhere_are_not_followed(tmp_path: Path) -> None:
    file = save(native_dict(version3_model()), tmp_path / "model.dp")
    with h5py.File(file, "r+") as opened:
        del opened["variable_0000"]
        opened["variable_0000"] = h5py.ExternalLink("/etc/passwd", "x")
    assert_refused(file, "variable_0000: is a link to elsewhere")


def test_datasets_that_claim_too_much(tmp_path: Path) -> None:
    file = save(native_dict(version3_model()), tmp_path / "model.dp")
    with h5py.File(file, "r+") as opened:
        del opened["variable_0000"]
        opened.create_dataset("variable_0000", shape=(10**6, 10**6), dtype="f8")
    assert_refused(file, "claim more than 2.5 times")


def test_the_program_in_an_hlo_file_is_not_looked_at(tmp_path: Path) -> None:
    model = version3_model()
    root = native_dict(model)
    root["constants"] = {"min_nbor_dist": 0.9}
    root["@variables"] = {"stablehlo": "/program"}
    with h5py.File(save(root, tmp_path / "model.hlo"), "r+") as file:
        file["program"] = np.void(b"MLIR")
    assert read_model(tmp_path / "model.hlo").digest() == model.digest()


@pytest.mark.parametrize("suffix", [".dp", ".yaml", ".json"])
def test_damaged_files(suffix: str, tmp_path: Path) -> None:
    file = save(native_dict(version3_model(fitting=(4,))), tmp_path / f"model{suffix}")
    read_many_damaged(file)


def test_a_dictionary_without_what_deepmd_kit_puts_around(tmp_path: Path) -> None:
    tree = native_dict(version3_model())
    del tree["@variables"]  # the shortest distance, which stands around the model
    expected = read_model(save(tree, tmp_path / "model.json"))
    for suffix in (".json", ".yaml", ".dp"):
        found = read_model(save(tree["model"], tmp_path / f"bare{suffix}"))
        assert found.digest() == expected.digest()


@pytest.mark.parametrize("name", ["<f8", "double", "f8", "=f8", "float64"])
def test_names_of_precisions(name: str) -> None:
    to_array = list_values(1000)
    found = to_array({"@class": "np.ndarray", "dtype": name, "value": [1, 2.5]}, "a")
    assert found.dtype == np.float64
    assert found.tolist() == [1, 2.5]


@pytest.mark.parametrize("name", ["complex64", "", "<", "U8", 8, None])
def test_unknown_precisions(name: object) -> None:
    with pytest.raises(ModelFileError, match="expected a dtype of float64"):
        list_values(1000)({"dtype": name, "value": [1.0]}, "a")


def test_two_sided_se_e2_r_is_what_tensorflow_makes_of_it() -> None:
    golden = Path(__file__).parents[1] / "golden"
    for name in ("se_r_two_sided", "se_r_two_sided_excluded"):
        text, graph = (read_model(golden / f"{name}.{s}") for s in ("yaml", "pb"))
        assert text.digest() == graph.digest()


def two_sided_hybrid(**changes: Any) -> Any:
    """Two-sided se_e2_r beside se_e2_a, with a fitting net that v3 would double."""
    parts = ({"kind": "se_e2_r", "rcut": 3.1},)
    excluded = frozenset({(0, 1), (1, 0)})
    model = version3_model(hybrid=parts, fitting=(8, 16, 16), excluded=excluded)
    tree = native_dict(model)
    tree["model"]["@variables"]["out_std"] = np.array([[[2.0], [0.5]]])
    tree["model"]["descriptor"]["list"][1].update(changes)
    return tree


def test_a_hybrid_with_two_sided_se_e2_r(tmp_path: Path) -> None:
    found = read_model(save(two_sided_hybrid(), tmp_path / "model.yaml"))
    assert all(d.switch_float32 and not d.list_size for d in found.descriptors)
    first = found.descriptors[0]
    assert first.embedding[0][1] is first.embedding[1][0] is None
    assert not first.excluded
    skips = [layer.skip for layer in found.fitting[0].layers]
    assert skips == ["none", "none", "identity", "none"]
    assert found.scale.tolist() == [2.0, 0.5]


def test_se_atten_beside_two_sided_se_e2_r_is_refused(tmp_path: Path) -> None:
    tree = two_sided_hybrid()
    tree["model"]["descriptor"]["list"][0]["type"] = "dpa1"
    assert_refused(save(tree, tmp_path / "model.yaml"), "give the .pb file")
