"""MatPL's scripted Deep Potential against a transcription of its formula."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats.refusal import assert_refused
from formats.scripted import Scripted, save
from formats.stored_numbers import assert_equal_to_stored
from golden_frames import GOLDEN, case

from dpse_fast.formats import read_model


@pytest.mark.parametrize("name", ["matpl", "matpl_typed"])
def test_equal_to_the_formula(name: str) -> None:
    golden = case(f"{name}.pt")
    model = read_model(golden.file)
    assert model.type_map == ("O", "H")
    frames = ("orthorhombic", "triclinic", "tiny", "overflow")
    assert_equal_to_stored(model, golden, frames)


def test_it_says_which_runs_it_stands_for() -> None:
    provenance = read_model(GOLDEN / "matpl.pt").provenance
    assert provenance["trainer"] == "MatPL"
    assert provenance["elements"] == "energies of runs that list all 2 elements"


def layer(n_in: int, n_out: int, step: bool = False) -> Scripted:
    members: dict[str, Any] = {"weight": np.ones((n_in, n_out)) / 9}
    members["bias"] = np.full((1, n_out), 0.1)
    members["resnet_dt"] = np.full((1, n_out), 0.5) if step else None
    return Scripted("src.model.dp_embedding.LayerModule", members)


def listed(items: list[Scripted]) -> Scripted:
    members = {str(k): item for k, item in enumerate(items)}
    return Scripted("torch.nn.ModuleList", members)


def net(layers: list[Scripted], step: bool = False, bias: bool = True) -> Scripted:
    members = {"bias_flag": bias, "resnet_dt_flag": step, "layers": listed(layers)}
    return Scripted("src.model.dp_embedding.Net", members)


def tree(**changes: Any) -> Scripted:
    members = {
        "atom_type": [29],
        "M2": 2,
        "Rmax": 5.0,
        "Rmin": 0.5,
        "maxNeighborNum": 4,
        "davg": np.zeros((1, 16)),
        "dstd": np.ones((1, 16)),
        "compress_tab": None,
        "embedding_net": listed([net([layer(1, 3), layer(3, 3)])]),
        "fitting_net": listed([net([layer(6, 5), layer(5, 5), layer(5, 1)])]),
    }
    return Scripted("src.model.dp_dp_script.DP", {**members, **changes})


def skips(nets: Any) -> list[tuple[str, bool]]:
    return [(part.skip, part.idt is not None) for part in nets.layers]


def test_time_steps_count_where_a_layer_adds_its_input(tmp_path: Path) -> None:
    parts = [layer(1, 3, True), layer(3, 3, True), layer(3, 6, True)]
    stepped = listed([net(parts, step=True)])
    file = save(tree(embedding_net=stepped, M2=1), tmp_path / "model.pt")
    embedding = read_model(file).descriptors[0].embedding[0][0]
    assert skips(embedding) == [("none", False), ("identity", True), ("double", True)]
    unflagged = tree(embedding_net=listed([net(parts)]), M2=1)
    embedding = read_model(save(unflagged, file)).descriptors[0].embedding[0][0]
    assert skips(embedding) == [("none", False), ("identity", False), ("double", False)]


def test_a_net_without_biases(tmp_path: Path) -> None:
    parts = listed([net([layer(1, 3)], bias=False)])
    model = read_model(save(tree(embedding_net=parts), tmp_path / "model.pt"))
    embedding: Any = model.descriptors[0].embedding[0][0]
    assert not embedding.layers[0].bias.any()


def test_a_compressed_file_says_that_its_table_is_left_aside(tmp_path: Path) -> None:
    found = read_model(save(tree(compress_tab=np.ones((1, 1, 1))), tmp_path / "m.pt"))
    assert "nets" in found.provenance["compressed"]


def kind(name: str) -> Callable[[], Scripted]:
    return lambda: Scripted(name, tree().members)


WIDER = listed([net([layer(6, 5), layer(5, 4), layer(4, 1)])])
REFUSED: dict[str, tuple[Callable[[], Scripted], str]] = {
    "NEP": (kind("src.model.nep_net.NEP"), "the MatPL model 'NEP' is not supported"),
    "elements": (lambda: tree(atom_type=[0]), "atom_type: expected distinct atomic"),
    "repeated": (lambda: tree(atom_type=[29, 29]), "expected distinct atomic numbers"),
    "nets": (lambda: tree(atom_type=[29, 8]), "fitting_net: expected 2 nets"),
    "pairs": (
        lambda: tree(embedding_net=listed([net([layer(1, 3)])] * 2)),
        "embedding_net: expected 1 nets",
    ),
    "widths": (lambda: tree(fitting_net=WIDER), "as many outputs as inputs"),
    "slots": (lambda: tree(maxNeighborNum=0), "maxNeighborNum: expected 1 to"),
    "statistics": (lambda: tree(davg=np.zeros((1, 12))), "davg: expected shape"),
    "vector": (lambda: tree(M2="2"), "M2: expected an integer"),
    "weight": (
        lambda: tree(
            embedding_net=listed([net([Scripted("L", {"weight": np.ones(3)})])])
        ),
        "weight: expected a matrix",
    ),
    "types": (
        lambda: Scripted("src.model.x.TypeDP", {**tree().members, "type_vector": {}}),
        "type_vector: expected finite numbers of element 29",
    ),
    "type net": (
        lambda: Scripted(
            "src.model.x.TypeDP",
            tree(embedding_net=listed([net([layer(1, 3)])] * 2)).members,
        ),
        "a net for the type embedding itself is not supported",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str, tmp_path: Path) -> None:
    make, words = REFUSED[name]
    assert_refused(save(make(), tmp_path / "model.pt"), words)


def test_its_name_does_not_matter(tmp_path: Path) -> None:
    data = io.BytesIO((GOLDEN / "matpl.pt").read_bytes())
    assert zipfile.is_zipfile(data)
    copy = tmp_path / "model.bin"
    copy.write_bytes(data.getvalue())
    assert read_model(copy).digest() == read_model(GOLDEN / "matpl.pt").digest()
