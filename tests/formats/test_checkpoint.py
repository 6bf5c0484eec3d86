"""Checkpoints of the PyTorch trainer: each branch, and what is asked of the user."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats.refusal import assert_refused
from formats.scripted import Pickler, Raw
from formats.stored_numbers import assert_equal_to_frame, assert_equal_to_stored
from golden_frames import GOLDEN, Case, inputs

import dpse_fast
from dpse_fast.errors import InputError
from dpse_fast.formats import read_model

BRANCHES = [
    *(
        Case(GOLDEN / f"{name}.pt", "Default")
        for name in ("checkpoint", "checkpoint_zbl")
    ),
    *(Case(GOLDEN / "checkpoint_heads.pt", head) for head in ("water", "ice")),
]
FRAMES = ("orthorhombic", "triclinic", "tiny", "overflow")
QUANTITIES = ("atomic_energies", "forces", "virial")


@pytest.mark.parametrize("branch", BRANCHES, ids=str)
def test_equal_to_the_trainer(branch: Case) -> None:
    model = read_model(branch.file, head=branch.head)
    assert_equal_to_stored(model, branch, FRAMES, 1e-12, QUANTITIES)


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
@pytest.mark.parametrize("branch", BRANCHES, ids=str)
def test_the_engine_evaluates_a_branch(branch: Case) -> None:
    potential = dpse_fast.load(branch.file, head=branch.head, tol=0)
    frame = branch.frames()["triclinic"]
    found = potential.compute(**inputs(frame), atomic=True)
    assert_equal_to_frame(found, frame, QUANTITIES, 1e-10)


def test_the_only_branch_needs_no_name() -> None:
    file = GOLDEN / "checkpoint.pt"
    model = read_model(file)
    assert model.digest() == read_model(file, head="Default").digest()
    assert model.provenance["format"] == "PyTorch checkpoint (.pt), branch Default"
    assert [d.kind for d in model.descriptors] == ["se_e2_a", "se_e2_r"]


def test_branches_share_their_descriptor() -> None:
    water, ice = (
        read_model(GOLDEN / "checkpoint_heads.pt", head=head)
        for head in ("water", "ice")
    )
    for a, b in zip(
        water.descriptors[0].distinct_embeddings(),
        ice.descriptors[0].distinct_embeddings(),
        strict=True,
    ):
        np.testing.assert_array_equal(a(np.ones((1, 1))), b(np.ones((1, 1))))  # type: ignore[operator]
    assert water.fitting[0].widths == (6, 6, 1)
    assert ice.fitting[0].widths == (5, 1)


@pytest.mark.parametrize(
    ("file", "head", "words"),
    [
        ("checkpoint_heads.pt", None, "several models; name one with head: water, ice"),
        ("checkpoint_heads.pt", "steam", "has no branch 'steam', only water, ice"),
        ("checkpoint.pt", "water", "of one model has no branch 'water'; leave head"),
        ("plain.pth", "water", "a frozen model has no branches"),
        ("plain.dp", "water", "only a checkpoint (.pt) has branches"),
        ("plain.pb", "water", "only a checkpoint (.pt) has branches"),
    ],
)
def test_the_branch_is_chosen_by_name(file: str, head: str | None, words: str) -> None:
    assert_refused(GOLDEN / file, words, head=head)


def test_a_head_is_a_name() -> None:
    with pytest.raises(InputError, match="head: expected a name, got int"):
        read_model(GOLDEN / "checkpoint.pt", head=1)  # type: ignore[arg-type]


def linear(n_in: int, n_out: int) -> dict[str, Any]:
    return {"matrix": np.ones((n_in, n_out)), "bias": np.zeros(n_out)}


def small_state() -> dict[str, Any]:
    """One type, one layer in each net; most options are left to their defaults."""
    options = {
        "type_map": ["Cu"],
        "descriptor": {"type": "se_e2_a", "rcut": 4.0, "sel": [3], "axis_neuron": 2},
        "fitting_net": {},
    }
    tensors = {
        "out_bias": np.full((1, 1, 1), -2.0),
        "descriptor.sea.mean": np.zeros((1, 3, 4)),
        "descriptor.sea.stddev": np.ones((1, 3, 4)),
        "fitting_net.bias_atom_e": np.full((1, 1), -1.0),
    }
    for place, layers in (
        ("descriptor.sea", [linear(1, 4)]),
        ("fitting_net", [linear(8, 5), linear(5, 1)]),
    ):
        for k, layer in enumerate(layers):
            path = f"{place}.filter_layers.networks.0.layers.{k}"
            tensors |= {f"{path}.{key}": value for key, value in layer.items()}
    state = {f"model.Default.atomic_model.{key}": v for key, v in tensors.items()}
    return {"_extra_state": {"model_params": options}, **state}


def save(value: Any, file: Path) -> Path:
    pickler = Pickler()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", pickler.dump(value))
        archive.writestr("m/byteorder", "little")
        for key, storage in enumerate(pickler.storages):
            archive.writestr(f"m/data/{key}", storage)
    return file


def test_defaults_of_the_training_input(tmp_path: Path) -> None:
    model = read_model(save({"model": small_state()}, tmp_path / "a.pt"))
    assert model.type_map == ("Cu",)
    assert model.bias.tolist() == [-3.0]
    assert model.descriptors[0].rcut_smth == 0.5
    assert [layer.activation for layer in model.fitting[0].layers] == ["tanh", "linear"]
    bare = read_model(save(small_state(), tmp_path / "b.pt"))
    assert bare.digest() == model.digest()


def option(*path: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        place = state["_extra_state"]["model_params"]
        for key in path:
            place = place[key]
        place.update(values)

    return change


def without(word: str) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        for key in [key for key in state if word in key]:
            del state[key]

    return change


def early(state: dict[str, Any]) -> None:
    for key in [key for key in state if "atomic_model." in key]:
        state[key.replace("atomic_model.", "")] = state.pop(key)


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "spin": (option(spin={"use_spin": [True]}), "spin"),
    "linear": (option(type="linear_ener"), "linear_ener"),
    "dpa2": (option("descriptor", type="dpa2"), "dpa2"),
    "dipole": (option("fitting_net", type="dipole"), "dipole"),
    "attention": (option("descriptor", type=3), "descriptor.type: expected printable"),
    "sel": (option("descriptor", sel="auto"), "descriptor.sel: expected a list"),
    "branches": (option(model_dict={"a": {}, "b": {}}), "name one with head: a, b"),
    "tensors": (without("model."), "without tensors of the branch 'Default'"),
    "net": (without("fitting_net.filter"), "filter_layers: is missing from the file"),
    "matrix": (without("layers.1.matrix"), "layers.1.matrix: is missing"),
    "early": (early, "PyTorch code that preceded deepmd-kit v3 is not read; freeze it"),
    "table": (option(use_srtab="t.txt"), "models: is missing from the file"),
    "options": (lambda state: state.update(_extra_state=1), "holds no training"),
    "nested": (
        lambda state: state.update({"model.Default.a": 1.0, "model.Default.a.b": 1.0}),
        "'model.Default.a.b': stands inside another tensor",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str, tmp_path: Path) -> None:
    change, words = REFUSED[name]
    state = small_state()
    change(state)
    assert_refused(save({"model": state}, tmp_path / "model.pt"), words)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "holds no training of deepmd-kit; give a checkpoint"),
        ({"weight": np.ones(3)}, "holds no training of deepmd-kit; give a checkpoint"),
        ({"json_file": {}, "state_dict": {}}, "a checkpoint of MatPL (PWMLFF)"),
    ],
)
def test_other_checkpoints(value: Any, words: str, tmp_path: Path) -> None:
    assert_refused(save(value, tmp_path / "model.pt"), words)


def test_arrays_of_numpy_are_records(tmp_path: Path) -> None:
    array = Raw(
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        b"c_codecs\nencode\nX\x01\x00\x00\x00bX\x06\x00\x00\x00latin1\x86R\x87R"
        b"(K\x01K\x01\x85cnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87RNtb"
    )
    value = {"json_file": {}, "davg": array, "state_dict": {}}
    assert_refused(save(value, tmp_path / "model.ckpt"), "a checkpoint of MatPL")


def test_shared_options_stand_by_their_names(tmp_path: Path) -> None:
    state = small_state()
    options = state["_extra_state"]["model_params"]
    shared = {"types": options.pop("type_map"), "sea": options.pop("descriptor")}
    options |= {
        "shared_dict": shared,
        "model_dict": {
            "copper": {
                "type_map": "types",
                "descriptor": "sea:1",
                "fitting_net": options.pop("fitting_net"),
            }
        },
    }
    renamed = {k.replace("Default", "copper"): v for k, v in state.items()}
    model = read_model(save(renamed, tmp_path / "a.pt"))
    plain = read_model(save(small_state(), tmp_path / "b.pt"))
    assert model.digest() == plain.digest()
