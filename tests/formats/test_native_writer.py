"""Writing deepmd-kit's native file: the same energies, or a refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from formats.native_dict import version3_model
from naive import evaluate
from random_model import random_model, random_structure

from dpse_fast.errors import InputError
from dpse_fast.formats import read_model
from dpse_fast.formats.native_writer import write
from dpse_fast.model import EmbeddingTable, Gated, Model, Net, Parameters

EXACT: dict[str, dict[str, Any]] = {
    "two-sided": {},
    "one-sided": {"one_sided": True, "idt": True},
    "three types": {"n_types": 3, "fitting": (12, 12, 24)},
    "se_e2_r": {"kind": "se_e2_r", "one_sided": True},
    "hybrid": {"hybrid": ({"kind": "se_e2_r", "one_sided": True, "rcut": 3.1},)},
    "parameters": {"fparam": 2, "aparam": 1, "defaults": True, "vacuum": True},
    "excluded": {"excluded": frozenset({(0, 1), (1, 0)}), "env_protection": 0.1},
    "emptied": {"emptied": frozenset({(0, 0)})},
    "without atoms": {"silent": (1,)},
}


@pytest.mark.parametrize("name", EXACT)
def test_what_deepmd_can_say_comes_back(name: str, tmp_path: Path) -> None:
    model = version3_model(**EXACT[name])
    assert write(model, tmp_path / "model.dp") == []
    found = read_model(tmp_path / "model.dp")
    assert found.digest() == model.digest()
    assert found.dtype == model.dtype


def test_float32_stays_where_it_holds_every_number(tmp_path: Path) -> None:
    model = version3_model(dtype=np.float32)
    write(model, tmp_path / "model.dp")  # its statistics need double precision
    sharp = read_model(tmp_path / "model.dp")
    assert sharp.descriptors[0].distinct_embeddings()[0].dtype == np.float64
    np.testing.assert_array_equal(sharp.descriptors[0].dstd, model.descriptors[0].dstd)
    d = model.descriptors[0]
    davg, dstd = d.davg.astype(np.float32), d.dstd.astype(np.float32)
    model = replace(model, descriptors=(replace(d, davg=davg, dstd=dstd),))
    write(model, tmp_path / "model.dp")
    assert read_model(tmp_path / "model.dp").digest() == model.digest()


FOLDED: dict[str, dict[str, Any]] = {
    "scale and normalisation": {},
    "radial": {"kind": "se_e2_r", "one_sided": True},
    "hybrid": {"hybrid": ({"kind": "se_e2_r", "one_sided": True}, {"rcut": 3.0})},
    "a dropped block": {"dropped": frozenset({(0, 1)}), "activation": "sigmoid"},
    "dropped neighbours": {
        "dropped": frozenset({(0, 1), (1, 1)}),
        "one_sided": True,
        "embedding": (2, 4),
        "axis": 2,
    },
    "vacuum": {"fparam": 1, "vacuum": True},
}


@pytest.mark.parametrize("name", FOLDED)
def test_what_can_be_folded_keeps_energies_and_forces(
    name: str, tmp_path: Path
) -> None:
    model = random_model(2, **FOLDED[name])
    differences = write(model, tmp_path / "model.dp")
    assert all("atoms with more neighbours" in text for text in differences)
    found = read_model(tmp_path / "model.dp")
    assert found.scale.tolist() == [1, 1]
    x, t, cell, pbc = random_structure("triclinic")
    fparam = [0.4] if "fparam" in FOLDED[name] else None
    one, other = (evaluate(m, x, t, cell, pbc, fparam=fparam) for m in (model, found))
    np.testing.assert_allclose(other.atomic_energies, one.atomic_energies, atol=1e-12)
    np.testing.assert_allclose(other.forces, one.forces, atol=1e-12)


def test_a_last_layer_that_is_not_linear_gets_one_behind_it(tmp_path: Path) -> None:
    model = version3_model(n_types=1)
    *hidden, last = model.fitting[0].layers
    net = Net((*hidden, replace(last, activation="tanh")))
    scaled = replace(model, fitting=(net,), scale=np.array([3.0]))
    write(scaled, tmp_path / "model.dp")
    found = read_model(tmp_path / "model.dp").fitting[0]
    x = np.ones((1, net.n_in))
    np.testing.assert_allclose(found(x), 3 * net(x), rtol=1e-14)


@pytest.mark.parametrize(
    ("rcut", "rcut_smth", "exact"), [(6.0, 0.5, True), (6.1, 1.8, False)]
)
def test_a_switch_of_single_precision(
    rcut: float, rcut_smth: float, exact: bool, tmp_path: Path
) -> None:
    """Exact where the difference of the rounded radii needs no rounding."""
    model = version3_model(rcut=rcut, rcut_smth=rcut_smth, switch_float32=True)
    differences = write(model, tmp_path / "model.dp")
    assert [d for d in differences if "switching function" in d] == differences
    assert (not differences) == exact
    d = read_model(tmp_path / "model.dp").descriptors[0]
    assert (d.rcut, d.rcut_smth) == (np.float32(rcut), np.float32(rcut_smth))


def test_other_differences_are_told(tmp_path: Path) -> None:
    model = version3_model(aparam=1, activation="gelu_float32")
    default = Parameters(model.aparam.mean, model.aparam.scale, np.zeros(1))
    found = write(replace(model, aparam=default), tmp_path / "model.dp")
    assert len(found) == 2
    assert "gelu" in found[0]
    assert "atomic parameters" in found[1]


def with_embedding(change: Callable[[Any], Any]) -> Model:
    model = version3_model(n_types=1)
    d = model.descriptors[0]
    g = change(d.embedding[0][0])
    return replace(model, descriptors=(replace(d, embedding=((g,),)),))


TABLE = EmbeddingTable(np.ones((6, 6, 6)), -1.0, 1.0, 5.0, 0.5, 2.0)
FIRST_SKIPS = {"fitting": (36,), "embedding": (3, 6), "axis": 3}
REFUSED: dict[str, tuple[Callable[[], Model], str]] = {
    "tables": (lambda: with_embedding(lambda g: TABLE), "from before the compression"),
    "gates": (lambda: with_embedding(lambda g: Gated(g, np.ones(6), smooth=False)),
        "gates of type pairs"),
    "mixed": (lambda: random_model(2, mixed=True, mean=0.0), "dp convert-backend"),
    "pair table": (lambda: random_model(2, pair_table=True),
        "combines a pair table with se_atten only"),
    "one order": (lambda: version3_model(excluded=frozenset({(0, 1)})),
        "holds types (0, 1) and not (1, 0)"),
    "two-sided radial": (lambda: version3_model(kind="se_e2_r"),
        "se_e2_r with nets by centre type"),
    "no slots": (lambda: version3_model(kind="se_e2_r", one_sided=True, sel=(4, 0)),
        "without slots for a type gives NaN"),
    "added descriptor": (lambda: random_model(1, **FIRST_SKIPS),
        "the first fitting layer adds the descriptor"),
    "other vacuum": (
        lambda: replace(
            version3_model(fparam=1),
            vacuum=version3_model(fparam=1, vacuum=True, seed=1).vacuum,
        ),
        "is not that of the fitting net",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str, tmp_path: Path) -> None:
    make, words = REFUSED[name]
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        write(make(), tmp_path / "model.dp")
    assert str(caught.value).startswith("deepmd-kit's native file cannot hold")
    assert list(tmp_path.iterdir()) == []


def test_every_array_is_a_dataset_and_the_script_says_the_form(tmp_path: Path) -> None:
    model = version3_model(one_sided=True, idt=True)
    write(model, tmp_path / "model.dp")
    with h5py.File(tmp_path / "model.dp") as file:
        root = json.loads(file.attrs["json"])
        assert all(isinstance(item, h5py.Dataset) for item in file.values())
        names = set(file)
    script = root["model_def_script"]
    assert script["descriptor"]["type_one_side"]
    assert script["descriptor"]["neuron"] == [3, 6]
    assert script["fitting_net"]["neuron"] == [12, 12, 24]
    assert root["@variables"]["min_nbor_dist"].strip("/") in names


def test_an_unknown_shortest_distance_is_left_out(tmp_path: Path) -> None:
    """deepmd-kit takes what is there for a number."""
    write(replace(version3_model(), min_distance=None), tmp_path / "model.dp")
    with h5py.File(tmp_path / "model.dp") as file:
        assert json.loads(file.attrs["json"])["@variables"] == {}
    assert read_model(tmp_path / "model.dp").min_distance is None


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write(version3_model(), tmp_path / "nowhere" / "model.dp")
