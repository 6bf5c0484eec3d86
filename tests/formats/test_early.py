"""TorchScript files of the PyTorch code that preceded deepmd-kit v3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats.native_dict import version3_model
from formats.refusal import assert_refused
from formats.scripted import Pickler, Raw, Scripted, early_tree, save
from formats.scripted_changes import kind, member
from formats.stored_numbers import assert_equal_to_stored
from golden_frames import case

from dpse_fast.formats import read_model


@pytest.mark.parametrize("name", ["early_atten", "early_hybrid"])
def test_equal_to_the_old_code(name: str) -> None:
    golden = case(f"{name}.pth")
    model = read_model(golden.file)
    assert all(part.mixed and part.padding for part in model.descriptors)
    assert_equal_to_stored(model, golden, ("orthorhombic", "triclinic", "tiny"))


def test_se_e2_a_is_exact(tmp_path: Path) -> None:
    model = version3_model(one_sided=True, idt=True, fitting=(8, 8), n_types=3)
    model = replace(model, min_distance=None)
    found = read_model(save(early_tree(model), tmp_path / "model.pth"))
    assert found.digest() == model.digest()


def test_fitting_nets_neither_double_nor_skip_at_first(tmp_path: Path) -> None:
    model = version3_model(one_sided=True, fitting=(12, 24), embedding=(3, 6))
    found = read_model(save(early_tree(model), tmp_path / "model.pth"))
    skips = [[layer.skip for layer in m.fitting[0].layers] for m in (model, found)]
    assert skips == [["identity", "double", "none"], ["none", "none", "none"]]


def mixed_tree(**changes: Any) -> Scripted:
    """One type with a type embedding of one number, and no mean."""
    layer = Scripted("R", {"matrix": np.ones((3, 2)), "bias": np.zeros((1, 2))})
    last = {"matrix": np.ones((3, 1)), "bias": np.zeros((1, 1))}
    last["activate"] = Scripted("A", {"activation": "Linear"})
    nets = {"deep_layers": Scripted("L", {"0": layer}), "tebd_dim": 1}
    block = {
        "rcut": 4.0, "rcut_smth": 0.5, "sel": [3], "axis_neuron": 1, "attn_layer": 0,
        "mean": np.zeros((1, 3, 4)), "stddev": np.ones((1, 3, 4)),
        "filter_layers": Scripted("L", {"0": Scripted("TypeFilter", nets)}),
    }  # fmt: skip
    hidden = Scripted("S", {**last, "matrix": np.ones((3, 3)), "bias": np.ones(3)})
    fitting = {"deep_layers": Scripted("L", {"0": hidden})}
    fitting["final_layer"] = Scripted("S", last)
    members = {
        "type_map": ["Cu"],
        "type_embedding": Scripted(
            "T", {"embedding": Scripted("E", {"weight": np.array([[0.5], [0.0]])})}
        ),
        "descriptor": Scripted("a.DescrptSeAtten", block),
        "fitting_net": Scripted(
            "a.EnergyFittingNet",
            {
                "bias_atom_e": np.array([-1.0], np.float32),
                "use_tebd": True,
                "filter_layers": Scripted("L", {"0": Scripted("D", fitting)}),
            },
        ),
    }
    return Scripted("deepmd_pt.EnergyModel", {**members, **changes})


def test_types_become_nets(tmp_path: Path) -> None:
    model = read_model(save(mixed_tree(), tmp_path / "model.pth"))
    (part,) = model.descriptors
    assert part.mixed
    assert not part.padding
    embedding: Any = part.embedding[0][0]
    assert embedding.layers[0].bias.tolist() == [1.0, 1.0]
    assert model.fitting[0].n_in == 2
    assert model.fitting[0].layers[0].bias.tolist() == [1.5, 1.5, 1.5]


WEIGHT = ("type_embedding", "embedding")
SEQUENTIAL = {"hybrid_mode": "sequential", "descriptor_list": []}
REFUSED: dict[str, tuple[Callable[[Scripted], None], str]] = {
    "combination": (member(combination=True), "combination: a model with this option"),
    "fitting": (member(fitting_type="dipole"), "fitting_type: expected ener"),
    "gelu": (
        member("fitting_net", "filter_layers", "0", "final_layer", "activate",
               activation="gelu"),
        "gelu of this old code",
    ),
    "spin": (kind(name="deepmd.SpinEnergyModel"), "a spin model is not supported"),
    "direct": (
        kind("fitting_net", name="a.EnergyFittingNetDirect"),
        "the fitting direct_force_ener is not supported",
    ),
    "uni": (kind("descriptor", name="a.DescrptSeUni"), "'DescrptSeUni' is not support"),
    "attention": (member("descriptor", attn_layer=2), "attn_layer: attention between"),
    "mode": (
        member("descriptor", "filter_layers", "0", "deep_layers", "0",
               matrix=np.ones((1, 2))),
        "expected one net that takes the distance and both types",
    ),
    "rows": (member(*WEIGHT, weight=np.ones((3, 1))), "expected 2 rows for 1 types"),
    "no rows": (member(type_embedding=None), "descriptor: the model has no type embed"),
    "nets": (
        member("fitting_net", "filter_layers", **{"1": Scripted("D", {})}),
        "deep_layers: is missing",
    ),
    "sequential": (
        member(descriptor=Scripted("a.DescrptHybrid", SEQUENTIAL)),
        "hybrid_mode: descriptors that feed one another",
    ),
    "bias": (member("fitting_net", bias_atom_e=np.ones(2)), "one energy for each of 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str, tmp_path: Path) -> None:
    change, words = REFUSED[name]
    tree = mixed_tree()
    change(tree)
    assert_refused(save(tree, tmp_path / "model.pth"), words)


def test_a_type_embedding_in_se_e2_a_is_refused(tmp_path: Path) -> None:
    tree = early_tree(version3_model(one_sided=True))
    filters = tree.members["descriptor"].members["filter_layers"]
    filters.members["0"].members["tebd_dim"] = 8
    assert_refused(
        save(tree, tmp_path / "model.pth"), "type embedding is not supported"
    )


def test_one_layer_repeated_without_end_is_refused(tmp_path: Path) -> None:
    """20,000 layers of the file are one object, whose numbers are two."""
    tree = mixed_tree()
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nDoubleStorage\nX\x01\x00\x00\x000"
        b"X\x03\x00\x00\x00cpuK\x02tQ"
    )
    one = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x01K\x01\x86"
    number = Raw(one + b"K\x01K\x01\x86tR")
    layer = Pickler().code(Scripted("R", {"matrix": number, "bias": number}))
    again = {str(k): Raw(b"h\x01") for k in range(1, 20000)}
    filters = tree.members["descriptor"].members["filter_layers"]
    filters.members["0"].members["deep_layers"] = Scripted(
        "L", {"0": Raw(layer + b"q\x01"), **again}
    )
    assert_refused(
        save(tree, tmp_path / "model.pth"), "claim more than 4 times the bytes"
    )


def tree_of_many_types(n: int) -> Scripted:
    tree = mixed_tree(type_map=[f"X{k}" for k in range(n)])
    member(*WEIGHT, weight=np.zeros((n + 1, 1)))(tree)
    statistics = {"mean": np.zeros((n, 3, 4)), "stddev": np.ones((n, 3, 4))}
    member("descriptor", **statistics)(tree)
    return tree


def test_more_types_than_elements_are_refused(tmp_path: Path) -> None:
    tree = tree_of_many_types(300)
    assert_refused(save(tree, tmp_path / "model.pth"), "300 types, more than the 256")


def test_wide_nets_of_many_pairs_are_refused(tmp_path: Path) -> None:
    width, tree = 1000, tree_of_many_types(200)
    wide = {"matrix": np.ones((3, width)), "bias": np.zeros(width)}
    layers = Scripted("L", {"0": Scripted("R", wide)})
    member("descriptor", "filter_layers", "0", deep_layers=layers)(tree)
    assert_refused(
        save(tree, tmp_path / "model.pth"), "40000 pairs of types with 1000 channels"
    )
