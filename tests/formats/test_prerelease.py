"""TorchScript of deepmd-kit's own PyTorch code of early 2024, before the release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats.families import zbl
from formats.native_dict import version3_model
from formats.refusal import assert_refused
from formats.scripted import Scripted, current_tree, save, scripted
from formats.scripted_changes import kind, member

from dpse_fast.formats import read_model
from dpse_fast.model import Model

Change = Callable[[Scripted], None]
DESCRIPTOR = ("descriptor", "sea")


def drop(*path: str) -> Change:
    """Take a member of an object out, as if its time had not come."""

    def change(tree: Scripted) -> None:
        for key in path[:-1]:
            tree = tree.members[key]
        tree.members.pop(path[-1])

    return change


def model(**options: Any) -> Model:
    """A model without what the code of then did not store."""
    return replace(version3_model(**options), min_distance=None)


def its_own_atomic_model(tree: Scripted) -> Scripted:
    """The model with the members of its atomic model, which it was until March 2024."""
    atomic = tree.members["atomic_model"].members
    left_out = ("out_bias", "out_std")
    members = {key: value for key, value in atomic.items() if key not in left_out}
    return Scripted("deepmd.pt.model.model.ener_model.EnergyModel", members)


def module_lists(tree: Scripted) -> None:
    """Fitting nets as ResidualDeep, whose members are lists of layers."""
    fitting = tree.members["fitting_net"].members
    nets = fitting["filter_layers"].members["networks"].members
    found = {}
    for key, net in nets.items():
        *hidden, last = net.members["layers"].members.values()
        members = {str(k): layer for k, layer in enumerate(hidden)}
        found[key] = Scripted(
            "deepmd.ResidualDeep",
            {"deep_layers": Scripted("L", members), "final_layer": last},
        )
    fitting["filter_layers"] = Scripted("L", found)


def old_module_lists(tree: Scripted) -> None:
    module_lists(tree)
    fitting = tree.members["fitting_net"].members
    fitting["filter_layers_old"] = fitting["filter_layers"]
    fitting["filter_layers"] = None


CHANGES: dict[str, Change] = {
    "as it was in March": lambda tree: None,
    "no exclusions by descriptors": drop(*DESCRIPTOR, "emask"),
    "no exclusions by fittings": drop("fitting_net", "emask"),
    "no exclusions by models": drop("atom_excl"),
    "no excluded pairs": drop("pair_excl"),
    "no protection": drop(*DESCRIPTOR, "env_protection"),
    "no option of sides": drop(*DESCRIPTOR, "type_one_side"),
    "no mixed types": drop("fitting_net", "mixed_types"),
    "no vacuum": drop("fitting_net", "remove_vaccum_contribution"),
    "no parameters": drop("fitting_net", "numb_aparam"),
    "energies in vacuum without effect": member("fitting_net", atom_ener=[-1.0, None]),
    "a wrapped fitting": kind("fitting_net", name="deepmd.output_def.wrapper"),
}


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("name", CHANGES)
def test_what_is_absent_follows_from_the_rest(
    name: str, one_sided: bool, tmp_path: Path
) -> None:
    expected = model(one_sided=one_sided, idt=True, fitting=(8, 8))
    tree = its_own_atomic_model(current_tree(expected))
    CHANGES[name](tree)
    found = read_model(save(tree, tmp_path / "model.pth"))
    assert found.digest() == replace(expected, bias=found.bias).digest()
    constants = 1  # out_bias of the tree, which had not come
    np.testing.assert_array_equal(found.bias, expected.bias - constants)
    assert "before its release" in found.provenance["trainer"]


@pytest.mark.parametrize("change", [module_lists, old_module_lists])
def test_lists_of_layers_neither_double_nor_skip_at_first(
    change: Change, tmp_path: Path
) -> None:
    tree = its_own_atomic_model(current_tree(model(fitting=(12, 24, 24))))
    change(tree)
    found = read_model(save(tree, tmp_path / "model.pth"))
    skips = [layer.skip for layer in found.fitting[0].layers]
    assert skips == ["none", "none", "identity", "none"]


@pytest.mark.parametrize("own", [False, True])
def test_types_that_the_fitting_excludes_have_constants_only(
    own: bool, tmp_path: Path
) -> None:
    tree = current_tree(model())
    if own:
        tree = its_own_atomic_model(tree)
    atomic = (tree if own else tree.members["atomic_model"]).members
    mask = Scripted("deepmd.AtomExcludeMask", {"type_mask": np.array([1, 0], "i4")})
    atomic["fitting_net"].members["emask"] = mask
    found = read_model(save(tree, tmp_path / "model.pth"))
    assert found.scale.tolist() == [1, 0]
    assert found.bias[1] == (0 if own else 1)  # out_bias of the tree


REFUSED: dict[str, tuple[Change, str]] = {
    "gelu": (
        member("fitting_net", "filter_layers", "networks", "0", "layers", "0",
               "activate", activation="gelu"),
        "gelu of the PyTorch code before March 2024",
    ),
    "se_e2_r": (kind("descriptor", name="deepmd.DescrptSeR"), "mean of means over 10"),
    "zbl": (kind(name="deepmd.DPZBLModel"), "a zbl model of the PyTorch code before"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_had_another_meaning_is_refused(name: str, tmp_path: Path) -> None:
    change, words = REFUSED[name]
    tree = its_own_atomic_model(current_tree(model()))
    change(tree)
    assert_refused(save(tree, tmp_path / "model.pth"), words)


def test_a_zbl_model_of_today_is_read(tmp_path: Path) -> None:
    assert read_model(save(scripted(zbl()), tmp_path / "model.pth")).pair_table
