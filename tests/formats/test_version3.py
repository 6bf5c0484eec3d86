"""Families of deepmd-kit v3, from the native dictionary and from TorchScript."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats.families import (
    AXIS,
    N_TYPES,
    SLOTS,
    TEBD,
    WIDTH,
    mixed_model,
    se_atten,
    type_vectors,
    zbl,
)
from formats.native_dict import native_dict, save, version3_model
from formats.refusal import assert_refused
from formats.scripted import save as save_scripted
from formats.scripted import scripted

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model
from dpse_fast.formats.tree import Tree
from dpse_fast.formats.version3 import members
from dpse_fast.formats.version3.electrons import electron_vector
from dpse_fast.formats.version3.networks import networks
from dpse_fast.model import Gated, Model, Net, SeE2A

Read = Callable[[Any], Model]


@pytest.fixture(params=["dp", "json", "pth"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Read:
    """Write a dictionary as a file of each kind, and read it."""

    def through_file(root: Any) -> Model:
        file = tmp_path / f"model.{request.param}"
        if request.param == "pth":
            return read_model(save_scripted(scripted(root), file))
        return read_model(save(root, file))

    return through_file


FAMILIES: dict[str, dict[str, Any]] = {
    "se_e2_r": {"kind": "se_e2_r", "one_sided": True},
    "se_e2_r excluded": {
        "kind": "se_e2_r",
        "one_sided": True,
        "excluded": frozenset({(0, 1), (1, 0)}),
    },
    "hybrid": {"hybrid": ({"rcut": 3.0}, {"kind": "se_e2_r", "one_sided": True})},
    "frame parameters": {"fparam": 2, "defaults": True},
    "both parameters": {"fparam": 1, "aparam": 3, "vacuum": True},
    "without pairs": {"emptied": frozenset({(1, 1)})},
    "without atoms": {"silent": (0,)},
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_family_is_exact(name: str, read: Read) -> None:
    model = version3_model(**FAMILIES[name])
    root = native_dict(model)
    found = read(root)
    assert [d.kind for d in found.descriptors] == [d.kind for d in model.descriptors]
    object.__setattr__(found, "min_distance", model.min_distance)  # not in every file
    assert found.digest() == model.digest()


def test_nested_hybrids_are_side_by_side(read: Read) -> None:
    model = version3_model(hybrid=({"rcut": 3.0}, {"rcut": 3.5}))
    root = native_dict(model)
    one, *others = root["model"]["descriptor"]["list"]
    inner = {"@class": "Descriptor", "type": "hybrid", "list": others}
    root["model"]["descriptor"]["list"] = [one, inner]
    assert [d.rcut for d in read(root).descriptors] == [4.3, 3.0, 3.5]


@pytest.mark.parametrize("kind", ["se_e2_a", "se_e2_r"])
def test_masks_beyond_a_cutoff_are_refused(kind: str, read: Read) -> None:
    pairs = frozenset({(0, 1), (1, 0)})
    part = {"kind": kind, "one_sided": True, "rcut": 3.0, "excluded": pairs}
    with pytest.raises(ModelFileError, match=r"part 1 of the hybrid .* set_davg_zero"):
        read(native_dict(version3_model(hybrid=(part,))))
    for change in ({"mean": 0.0}, {"rcut": 5.0}):
        model = version3_model(hybrid=(part | change,))
        assert read(native_dict(model)).descriptors[1].excluded == pairs


def embedded(model: Model, centre: int, neighbour: int, x: float) -> Any:
    net = model.descriptors[0].embedding[centre][neighbour]
    assert isinstance(net, Net)
    return net(np.array([[x]]))[0]


def stored_net(collection: Any) -> Net:
    """The one network of a collection, built by the rules of v3."""
    tree = Tree(collection, "", lambda value, where: np.asarray(value), members)
    return networks(tree)[0]


@pytest.mark.parametrize("one_sided", [False, True])
def test_concatenated_type_embedding(one_sided: bool, read: Read) -> None:
    descriptor = se_atten(one_sided=one_sided)
    model = read(mixed_model([descriptor]))
    d = model.descriptors[0]
    assert (d.mixed, d.sel, d.one_sided) == (True, (SLOTS,), one_sided)
    net, types = stored_net(descriptor["embeddings"]), type_vectors(descriptor)
    for c, t in itertools.product(range(N_TYPES), repeat=2):
        behind = types[t] if one_sided else np.r_[types[t], types[c]]
        expected = net(np.r_[0.4, behind][None])[0]
        np.testing.assert_allclose(embedded(model, c, t, 0.4), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("one_sided", "smooth", "mean"),
    [(False, True, 0.0), (True, False, 0.0), (False, True, 0.1)],
)
def test_stripped_type_embedding(
    one_sided: bool, smooth: bool, mean: float, read: Read
) -> None:
    descriptor = se_atten("strip", one_sided, smooth, mean=mean)
    d = read(mixed_model([descriptor])).descriptors[0]
    net, types = stored_net(descriptor["embeddings_strip"]), type_vectors(descriptor)
    for c, t in itertools.product(range(N_TYPES), repeat=2):
        g = d.embedding[c][t]
        assert isinstance(g, Gated)
        assert g.smooth == smooth
        behind = types[t] if one_sided else np.r_[types[t], types[c]]
        np.testing.assert_allclose(g.gate, net(behind[None])[0], atol=1e-14)
    assert len(d.padding) == (N_TYPES if mean else 0)
    assert all(isinstance(g, Net) for g in d.padding)


def test_se_atten_v2_is_stripped_and_smooth(tmp_path: Path) -> None:
    descriptor = se_atten("strip")
    descriptor["type"] = "se_atten_v2"
    for key in ("tebd_input_mode", "smooth_type_embedding"):
        del descriptor[key]
    found = read_model(save(mixed_model([descriptor]), tmp_path / "model.dp"))
    g = found.descriptors[0].embedding[0][1]
    assert isinstance(g, Gated)
    assert g.smooth


@pytest.mark.parametrize("count", [1, 2])
def test_types_behind_descriptors_are_fixed_by_centre(count: int, read: Read) -> None:
    parts = [se_atten(seed=k) for k in range(count)]
    root = mixed_model(parts)
    model = read(root)
    net = stored_net(root["model"]["fitting"]["nets"])
    x = np.random.default_rng(1).normal(size=(count, WIDTH * AXIS))
    for t in range(N_TYPES):
        full = [np.r_[d, type_vectors(p)[t]] for d, p in zip(x, parts, strict=True)]
        expected = net(np.concatenate(full)[None])
        found = model.fitting[t](x.reshape(1, -1))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_vacuum_of_a_shared_net_has_no_type(read: Read) -> None:
    root = mixed_model([se_atten()])
    plain = read(root)
    root["model"]["fitting"]["atom_ener"] = [None, -1.0]
    net = stored_net(root["model"]["fitting"]["nets"])
    empty = net(np.zeros((1, net.n_in)))[0, 0]
    np.testing.assert_allclose(plain.bias - read(root).bias, empty, atol=1e-14)


def test_vacuum_of_a_shared_net_with_parameters(read: Read) -> None:
    root = mixed_model([se_atten()], numb_fparam=1, atom_ener=[-1.0, None])
    variables = root["model"]["fitting"]["@variables"]
    variables |= {"fparam_avg": np.array([0.3]), "fparam_inv_std": np.array([2.0])}
    model = read(root)
    net = stored_net(root["model"]["fitting"]["nets"])
    for vacuum in model.vacuum:
        assert vacuum is not None
        expected = net(np.r_[np.zeros(WIDTH * AXIS + TEBD), 0.7][None])
        np.testing.assert_allclose(vacuum(np.array([[0.7]])), expected, atol=1e-14)


def test_the_branch_of_a_multi_task_training_is_an_input(read: Read) -> None:
    model = version3_model(fparam=3)
    root = native_dict(model)
    fitting = root["model"]["fitting"]
    variables = fitting["@variables"]
    variables["case_embd"] = np.array([0.0, 1.0])
    fitting |= {"numb_fparam": 1, "dim_case_embd": 2}
    for key in ("fparam_avg", "fparam_inv_std"):
        variables[key] = variables[key][:1]
    found = read(root).fitting[1]
    x = np.random.default_rng(2).normal(size=(4, found.n_in))
    expected = model.fitting[1](np.c_[x, np.zeros(4), np.ones(4)])
    np.testing.assert_allclose(found(x), expected, rtol=0, atol=1e-13)


def test_electrons_of_the_elements(tmp_path: Path) -> None:
    """H has one 1s electron; Cr fills 3d by half and keeps one 4s electron."""
    signs = np.sign(electron_vector("H"))
    assert signs.tolist() == [-1, 1] + 116 * [-1]
    chromium = (electron_vector("Cr") > 0).nonzero()[0]
    assert chromium.tolist() == [*range(18), 19, 21, 23, 25, 27, 29]
    assert {(electron_vector(e) > 0).sum() for e in ("Pd", "Og")} == {46, 118}
    descriptor = se_atten()
    types = descriptor["type_embedding"]
    types["use_econf_tebd"] = True
    (layer,) = types["embedding"]["layers"]
    layer["@variables"]["w"] = weight = np.random.default_rng(3).normal(size=(118, 2))
    model = read_model(save(mixed_model([descriptor]), tmp_path / "model.dp"))
    vectors = np.array([electron_vector(e) @ weight for e in ("O", "H")])
    net = stored_net(descriptor["embeddings"])
    x = np.r_[0.4, vectors[1] + layer["@variables"]["b"]]
    x = np.r_[x, vectors[0] + layer["@variables"]["b"]]
    np.testing.assert_allclose(embedded(model, 0, 1, 0.4), net(x[None])[0], atol=1e-13)
    types["type_map"] = ["O", "Xx"]
    assert_refused(
        save(mixed_model([descriptor]), tmp_path / "model.dp"), "'Xx' is no element"
    )


def test_pair_table(read: Read) -> None:
    root = zbl()
    root["model"]["pair_exclude_types"] = [[0, 1]]
    model = read(root)
    table = model.pair_table
    assert table is not None
    stored = root["model"]["models"][1]["tab"]["@variables"]["tab_data"]
    np.testing.assert_array_equal(table.coefficients, stored[..., ::-1])
    assert (table.start, table.step, table.alpha) == (0.01, 0.1, 0.1)
    assert (table.inner, table.width) == (0.9, pytest.approx(0.7))
    assert (table.rcut, table.switch_rcut) == (3.0, 3.0)
    assert table.sel == (SLOTS,)
    assert model.emptied == table.excluded == {(0, 1), (1, 0)}
    deep = root["model"]["models"][0]["fitting"]["@variables"]["bias_atom_e"][:, 0]
    np.testing.assert_allclose(table.bias, [0.5, -0.25])
    np.testing.assert_allclose(model.bias - deep, [0.5, -0.25])


def test_the_longer_list_decides_the_switch(read: Read) -> None:
    table = read(zbl(sel=SLOTS - 1)).pair_table
    assert table is not None
    assert (table.rcut, table.switch_rcut) == (3.0, 4.0)
    assert table.sel == ()


def test_types_without_energy_in_both_parts(read: Read) -> None:
    root = zbl()
    root["model"]["atom_exclude_types"] = [1]
    model = read(root)
    table = model.pair_table
    assert table is not None
    assert model.scale.tolist() == [1, 0]
    assert model.bias[1] == table.bias[1] == 0
    assert not table.coefficients[1].any()
    assert table.coefficients[0].all()


def test_parts_with_types_in_another_order(read: Read) -> None:
    plain, turned = read(zbl()), read(zbl(["H", "O"]))
    assert turned.type_map == ("H", "O")
    assert plain.pair_table is not None
    assert turned.pair_table is not None
    np.testing.assert_array_equal(
        turned.pair_table.coefficients, plain.pair_table.coefficients[::-1, ::-1]
    )
    np.testing.assert_array_equal(
        embedded(turned, 0, 1, 0.3), embedded(plain, 1, 0, 0.3)
    )
    x = np.ones((1, plain.n_descriptor))
    np.testing.assert_array_equal(turned.fitting[0](x), plain.fitting[1](x))


def test_parts_with_more_types_than_the_whole(read: Read) -> None:
    root = zbl(["H"])
    root["model"]["@variables"]["out_bias"] = np.zeros((1, 1, 1))
    model = read(root)
    d = model.descriptors[0]
    assert (model.type_map, d.n_types, d.sel) == (("H",), 1, (SLOTS,))
    (vectors,) = (one.vectors for one in model.type_embeddings)
    (whole,) = (one.vectors for one in read(zbl()).type_embeddings)
    np.testing.assert_array_equal(vectors, whole[1:])
    assert isinstance(d, SeE2A)


def test_constants_of_the_parts_count_in_pytorch_only(tmp_path: Path) -> None:
    root = zbl()
    for part, energy in zip(root["model"]["models"], (1.0, 2.0), strict=True):
        part["@variables"]["out_bias"] = np.full((1, N_TYPES, 1), energy)
    plain = read_model(save(zbl(), tmp_path / "plain.dp"))
    found = read_model(save_scripted(scripted(root), tmp_path / "model.pth"))
    assert plain.pair_table is not None
    assert found.pair_table is not None
    np.testing.assert_allclose(found.bias - plain.bias, 1.0)
    np.testing.assert_allclose(found.pair_table.bias - plain.pair_table.bias, 2.0)
    assert_refused(
        save(root, tmp_path / "model.dp"), "constants in one part of a zbl model"
    )
