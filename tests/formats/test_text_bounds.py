"""Hostile texts are refused in little memory, before what they claim is built.

The limit is four times the file and what any file may take. Before it was enforced,
these files took 10 to 60 times their size.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from formats.memory_bounds import (
    ANY_FILE,
    EXPANSION,
    GOLDEN,
    assert_refused_within_bounds,
    repeated,
)
from formats.refusal import assert_refused
from traced_memory import traced_peak

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import native_values, native_yaml, read_model
from dpse_fast.formats.tensorflow import text

FEW = 300_000


@pytest.fixture
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What any file may take is little, so that small files show what is allowed."""
    monkeypatch.setattr(native_yaml, "FEWEST_VALUES", 5000)
    monkeypatch.setattr(text, "_FEWEST_STEPS", 5000)


JSON_UNITS = {
    "empty lists": b"[],",
    "empty dictionaries": b"{},",
    "dictionaries": b'{"a":0},',
    "nested lists": b"[[[]]],",
    "rows of one": b"[1],",
    "ragged rows": b"[1],[1,2],",
    "numbers and texts": b'1,"a",',
    "texts": b'"ab",',
    "nulls": b"null,",
    "arrays": b'{"value":[1,2]},',
}


@pytest.mark.parametrize("key", ["", "value"])
@pytest.mark.parametrize("name", JSON_UNITS)
def test_json_is_refused_before_it_is_parsed(
    name: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(*_: Any, **__: Any) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(native_values.json, "loads", parsed)
    start = b'{"model":{"%s":[' % key.encode()
    file = tmp_path / "model.json"
    file.write_bytes(repeated(start, JSON_UNITS[name], b"0]}}"))
    assert_refused_within_bounds(file, "far more lists, names and short values")


@pytest.mark.parametrize(
    "content",
    [
        repeated(b'{"model":"', b"a", '\U0001f600"}'.encode()),
        repeated(b'{"model":"', b"a", b'\\ud83d\\ude00"}'),
        repeated(b'{"model":', b"[", b""),
        b'{"model":{' + b",".join(b'"%07d":0' % k for k in range(300_000)) + b"}}",
    ],
    ids=["wide text", "escaped wide text", "depth", "names"],
)
def test_other_json_is_refused_within_bounds(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_bytes(content)
    with traced_peak() as peak, pytest.raises(ModelFileError):
        read_model(file)
    assert peak() < EXPANSION * len(content) + ANY_FILE


YAML_UNITS = {
    "empty lists": b" - []\n",
    "names": b" - a\n",
    "quoted": b" - ''\n",
    "aliases": b" - *a\n",
    "anchors": b" - &b 1\n",
    "tags": b" - !a b\n",
    "keys": b" ? a\n",
    "documents": b"---\n",
    "rows": b" - [1]\n",
}


@pytest.mark.parametrize("name", YAML_UNITS)
@pytest.mark.usefixtures("low_limits")
def test_yaml_is_refused_within_bounds(name: str, tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_bytes(repeated(b"x: &a 1\nmodel:\n", YAML_UNITS[name], b"", FEW))
    assert_refused_within_bounds(file, "short values, more than a model", FEW)


@pytest.mark.usefixtures("low_limits")
@pytest.mark.parametrize("unit", [b"[],", b"{},", b"a,", b"[1],", b"a: 1,"])
def test_yaml_in_brackets_is_refused_within_bounds(unit: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_bytes(repeated(b"model: [", unit, b"]\n", FEW))
    assert_refused_within_bounds(file, "short values, more than a model", FEW)


@pytest.mark.parametrize(
    "content",
    [
        repeated(b"model: |\n", b" aaaaaaa\n", " \U0001f600\n".encode()),
        repeated(b"model: ", b"a", b"\n"),
        repeated(b'model: "', b"\\n", b'"\n'),
        repeated(b"model:\n", b"#\n", b" a: 1\n"),
    ],
    ids=["block", "plain", "quoted", "remarks"],
)
def test_long_texts_of_yaml_are_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_bytes(content)
    assert_refused_within_bounds(file, "a name, a text or a remark of more than")


TENSOR = b"node { name: 'a' op: 'Const' attr { key: 'value' value { tensor { "
GRAPH_TEXTS: dict[str, tuple[bytes, bytes, bytes, str]] = {
    "nodes": (b"", b"node{}", b"", "too many names and values"),
    "keys": (b"node{attr{", b"key:''", b"}}", "too many names and values"),
    "inputs": (b"node{", b"input:'a'", b"}", "too many names and values"),
    "dimensions": (b"node{attr{value{shape{", b"dim{}", b"}}}}", "too many names"),
    "skipped": (b"node{", b"x:1 ", b"}", "too many names and values"),
    "semicolons": (b"node{", b";", b"}", "too many names and values"),
    "numbers": (TENSOR, b"float_val:1 ", b"}}}}", "too many names and values"),
    "lists": (TENSOR + b"float_val:[1", b",1", b"]}}}}", "too many names and values"),
    "pieces": (TENSOR + b"tensor_content:", b"''", b"}}}}", "too many names"),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPH_TEXTS)
@pytest.mark.usefixtures("low_limits")
def test_graphs_as_text_are_refused_within_bounds(name: str, tmp_path: Path) -> None:
    start, unit, end, words = GRAPH_TEXTS[name]
    file = tmp_path / "model.pbtxt"
    file.write_bytes(repeated(start, unit, end, FEW))
    assert_refused_within_bounds(file, words, FEW)


def test_numbers_of_a_graph_need_no_more_room_than_the_text(tmp_path: Path) -> None:
    """A negative integer takes three bytes of the text and ten of the graph."""
    file = tmp_path / "model.pbtxt"
    file.write_bytes(repeated(b"node{attr{value{list{i:[0", b",-1", b"]}}}}", FEW))
    assert_refused_within_bounds(file, "more room than the text", FEW)


@pytest.mark.parametrize("unit", [b"\\001", b"a", b"a\\n"])
def test_one_long_text_in_a_graph_takes_its_size(unit: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.pbtxt"
    file.write_bytes(repeated(TENSOR + b"tensor_content:'", unit, b"'}}}}"))
    with traced_peak() as peak:
        assert_refused(file, "not a Deep Potential")
    assert peak() < EXPANSION * file.stat().st_size


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("dump", ["json", "yaml"])
def test_a_large_model_takes_little_more_than_its_text(
    dump: str, indent: int | None, tmp_path: Path
) -> None:
    tree = json.loads((GOLDEN / "hybrid.json").read_text())
    numbers = np.random.default_rng(0).normal(size=(600, 100)).tolist()
    tree["unused"] = {"value": numbers}
    file = tmp_path / "model"
    if dump == "json":
        file.write_text(json.dumps(tree, indent=indent))
    else:
        file.write_text(yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False))
    with traced_peak() as peak:
        model = read_model(file)
    assert model.digest() == read_model(GOLDEN / "hybrid.json").digest()
    assert peak() < 2 * file.stat().st_size + 2**21
