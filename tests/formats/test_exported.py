"""Exported PyTorch programs: the dictionary inside them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import naive
import pytest
from formats.damage import read_many_damaged
from formats.families import mixed_model, se_atten
from formats.native_dict import as_lists, native_dict, version3_model
from formats.refusal import assert_refused
from random_model import random_structure

import dpse_fast
from dpse_fast.errors import InputError
from dpse_fast.formats import read_model
from dpse_fast.plan.pair_functions import padding_of

MODEL, METADATA = "model/extra/model.json", "model/extra/metadata.json"


def exported(root: Any, path: Path, **files: Any) -> Path:
    """An archive as deepmd-kit writes it; `files` are further members, by name."""
    content = {
        "model/archive_format": "pt2",
        "model/data/aotinductor/model/a.wrapper.so": "\x7fELF",
        METADATA: {"lower_input_kind": "nlist"},
        MODEL: as_lists(root),
        **files,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name, value in content.items():
            text = value if isinstance(value, str) else json.dumps(value)
            file.writestr(name, text)
    return path


@pytest.mark.parametrize("folder", ["model/extra/", "a/extra/", "extra/"])
def test_the_model_is_exact(folder: str, tmp_path: Path) -> None:
    model = version3_model(fparam=1)
    file = tmp_path / "model.pt2"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            f"{folder}model.json", json.dumps(as_lists(native_dict(model)))
        )
        archive.writestr("a/models/model.json", "{}")
    found = read_model(file)
    assert found.digest() == model.digest()
    assert found.provenance["format"] == "exported PyTorch program (.pt2, .pte)"


def test_a_program_on_pairs_has_no_empty_slots(tmp_path: Path) -> None:
    root = mixed_model([se_atten("strip", mean=0.1)])
    listed = read_model(exported(root, tmp_path / "a.pt2")).descriptors[0]
    metadata = {METADATA: {"lower_input_kind": "graph"}}
    paired = read_model(exported(root, tmp_path / "b.pt2", **metadata)).descriptors[0]
    assert listed.padding
    assert not listed.keeps_all
    assert paired.keeps_all
    assert not padding_of(paired, frozenset({0, 1})).any()


def test_a_program_on_pairs_has_no_sel(tmp_path: Path) -> None:
    """More neighbours than it count, and what to do about them has no effect."""
    root = mixed_model([se_atten("strip", mean=0.1)])
    metadata = {METADATA: {"lower_input_kind": "graph"}}
    file = exported(root, tmp_path / "a.pt2", **metadata)
    s = random_structure("cubic")
    s = s._replace(positions=0.6 * s.positions, cell=0.6 * s.cell)
    result = dpse_fast.load(file, tol=0.0).compute(*s[:3])
    expected = naive.evaluate(read_model(file), *s)
    assert result.report.sel_overflow is None
    assert result.energy == pytest.approx(expected.energy, abs=1e-10)
    few = naive.evaluate(read_model(exported(root, tmp_path / "b.pt2")), *s)
    assert abs(few.energy - expected.energy) > 1e-3
    for option in ("truncate", "error"):
        with pytest.raises(InputError, match="sel_overflow"):
            dpse_fast.load(file, sel_overflow=option)
    assert dpse_fast.load(file, sel_overflow="all").sel_overflow == "all"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({MODEL: "{"}, "not valid JSON"),
        ({MODEL: "[]"}, "model: is missing"),
        ({METADATA: {"lower_input_kind": 3}}, "lower_input_kind: expected printable"),
        ({"other/extra/model.json": "{}"}, "more than once"),
    ],
)
def test_refused(files: dict[str, Any], words: str, tmp_path: Path) -> None:
    file = exported(native_dict(version3_model()), tmp_path / "a.pt2", **files)
    assert_refused(file, words)


def test_a_program_of_something_else(tmp_path: Path) -> None:
    file = tmp_path / "a.pt2"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/archive_format", "pt2")
    assert_refused(file, "without the model of deepmd-kit")
    exported(native_dict(version3_model()), file)
    assert_refused(file, "has no branches", head="water")


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    """A few bytes could otherwise become gigabytes."""
    file = tmp_path / "a.pt2"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("extra/model.json", " " * 10**7)
    assert_refused(file, "is compressed")


def test_damaged_files(tmp_path: Path) -> None:
    file = exported(native_dict(version3_model(fitting=(4,))), tmp_path / "a.pt2")
    read_many_damaged(file)
