"""TorchScript archives: the model in them, and that nothing of them runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats.native_dict import version3_model
from formats.refusal import assert_refused
from formats.scripted import Scripted, View, current_tree, save
from formats.scripted_changes import kind, member

from dpse_fast.formats import read_model


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"one_sided": True, "idt": True},
        {"n_types": 3, "fitting": (12, 12, 24), "activation": "silu"},
        {"dtype": np.float32},
        {"excluded": frozenset({(0, 1), (1, 0)}), "env_protection": 0.1},
    ],
    ids=["two-sided", "one-sided", "three types", "float32", "excluded"],
)
def test_current_model_is_exact(
    options: dict[str, Any], order: str, tmp_path: Path
) -> None:
    model = replace(version3_model(**options), min_distance=None)
    found = read_model(save(current_tree(model), tmp_path / "model.pth", order))
    assert found.digest() == model.digest()
    assert found.descriptors[0].one_sided == model.descriptors[0].one_sided


def test_shortest_distance_and_vacuum(tmp_path: Path) -> None:
    model = version3_model()
    tree = current_tree(model)
    tree.members["min_nbor_dist"] = np.array(0.9)
    fitting = tree.members["atomic_model"].members["fitting_net"].members
    fitting["remove_vaccum_contribution"] = [False, True]
    found = read_model(save(tree, tmp_path / "model.pth"))
    assert found.min_distance == 0.9
    net = model.fitting[1]
    vacuum = net(np.zeros((1, net.n_in)))[0, 0]
    np.testing.assert_allclose(
        found.bias, model.bias - np.array([0, vacuum]), rtol=0, atol=1e-14
    )


def first_layer(tree: Scripted) -> dict[str, Any]:
    sea = tree.members["atomic_model"].members["descriptor"].members["sea"]
    nets = sea.members["filter_layers"].members["networks"]
    layers: Scripted = nets.members["0"].members["layers"]
    found: dict[str, Any] = layers.members["0"].members
    return found


def test_offsets_and_strides_are_respected(tmp_path: Path) -> None:
    model = replace(version3_model(), min_distance=None)
    tree = current_tree(model)
    layer = first_layer(tree)
    weight, bias = layer["matrix"], layer["bias"]
    spread = np.full(1 + 2 * weight.size, np.nan)
    spread[1::2] = weight[0]
    layer["matrix"] = View(spread, 1, weight.shape, (7, 2))
    layer["bias"] = View(np.concatenate([[np.nan] * 5, bias]), 5, bias.shape, (1,))
    found = read_model(save(tree, tmp_path / "model.pth"))
    assert found.digest() == model.digest()


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (1, 4), (3, 1)),
        (1, (1, 3), (3, 1)),
        (0, (1, 3), (3, 2)),
        (-1, (1, 3), (3, 1)),
        (2, (1, 3), (3, -1)),
        (0, (10**9, 3), (0, 0)),
        (0, (1, 3), (3,)),
        (0, (1,) * 40, (1,) * 40),
    ],
)
def test_tensors_beyond_their_storage(
    offset: int, size: tuple[int, ...], stride: tuple[int, ...], tmp_path: Path
) -> None:
    tree = current_tree(version3_model())
    layer = first_layer(tree)
    layer["matrix"] = View(layer["matrix"], offset, size, stride)
    assert_refused(
        save(tree, tmp_path / "model.pth"), "does not fit its 3 stored values"
    )


REFUSED = {
    "dpa1": (kind("atomic_model", "descriptor", name="a.DescrptDPA1"),
        "descriptor: expected named values, got None"),
    "dpa2": (kind("atomic_model", "descriptor", name="a.DescrptDPA2"), "'dpa2' is not"),
    "new": (kind("atomic_model", "descriptor", name="a.DescrptX"), "'DescrptX' is not"),
    "dipole": (kind(name="a.DipoleModel"), "a dipole model is not supported"),
    "spin": (kind(name="a.SpinEnergyModel"), "a spin model is not supported"),
    "linear": (kind("atomic_model", name="a.LinearEnergyAtomicModel"),
        "'linear' is not supported"),
    "fitting": (kind("atomic_model", "fitting_net", name="a.DOSFittingNet"),
        "a dos model is not supported: it gives dens"),
    "fparam": (member("atomic_model", "fitting_net", numb_fparam=1),
        "fparam_avg: expected"),
    "pairs": (member("atomic_model", pair_excl=Scripted("a.P", {})),
        "pair_exclude_types.type_mask: is missing"),
    "mask": (member("atomic_model", "descriptor", "sea", "emask", type_mask=np.ones(4)),
        "expected 9 flags, got 4"),
    "vacuum": (member("atomic_model", "fitting_net", remove_vaccum_contribution=[1]),
        "true or false"),
    "number": (member("atomic_model", out_bias="x"), "expected a tensor, got 'x'"),
    "types": (member("atomic_model", out_bias=np.ones(3)), "one energy for each of 2"),
    "distance": (member(min_nbor_dist=np.ones(2)), "expected one number"),
    "nets": (member("atomic_model", "fitting_net", "filter_layers", networks=[]),
        "networks: expected a list"),
    "early": (lambda tree: tree.members.pop("atomic_model"), "type_map: is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str, tmp_path: Path) -> None:
    change, words = REFUSED[name]
    tree = current_tree(version3_model())
    change(tree)
    assert_refused(save(tree, tmp_path / "model.pth"), words)
