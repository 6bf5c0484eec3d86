"""Hostile files are refused in little memory, before what they claim is built.

The limit is four times the file and what any file may take. Before it was enforced,
these files took 10 to 60 times their size.
"""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from formats.graphdef import const_def, item, node_def
from formats.refusal import assert_refused
from traced_memory import traced_peak

from dpse_fast import formats
from dpse_fast.errors import ModelFileError
from dpse_fast.formats import native_values, native_yaml, read_model
from dpse_fast.formats.tensorflow import text

GOLDEN = Path(__file__).parents[1] / "golden"
SIZE = 2_000_000
FEW = 300_000
ANY_FILE = 32 * 2**20
EXPANSION = 4
needs_holes = pytest.mark.skipif(
    not hasattr(os, "SEEK_HOLE"), reason="the system does not tell holes of files"
)


def assert_refused_within_bounds(
    file: Path, words: str, any_file: int = ANY_FILE
) -> None:
    with traced_peak() as peak:
        assert_refused(file, words)
    assert peak() < EXPANSION * file.stat().st_size + any_file


@pytest.fixture
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What any file may take is little, so that small files show what is allowed."""
    monkeypatch.setattr(native_yaml, "FEWEST_VALUES", 5000)
    monkeypatch.setattr(text, "_FEWEST_STEPS", 5000)


def repeated(start: bytes, unit: bytes, end: bytes, size: int = 2 * SIZE) -> bytes:
    return start + unit * (size // len(unit)) + end


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


def nodes(count: int, padding: int) -> bytes:
    blank = item(5, bytes(padding))
    return b"".join(
        node_def(f"n{k:09}", "Identity", (f"n{max(k - 1, 0):09}",)) + b""
        if not padding
        else item(1, item(1, f"n{k:09}") + item(2, "Identity") + blank)
        for k in range(count)
    )


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (lambda: nodes(60_000, 34), "too many nodes for its size"),
        (lambda: const_def("a", b"") + b"\x18\x01" * SIZE, "too many fields"),
        (
            lambda: item(1, item(1, "a") + item(2, "b") + b"\x48\x01" * SIZE),
            "too many fields",
        ),
        (
            lambda: item(1, item(1, "a") + item(2, "b") + item(3, "a") * 500_000),
            "too many fields",
        ),
        (lambda: item(1, item(1, "Ü") + item(2, "b")), "not a model file"),
        (
            lambda: const_def("a", b"") + item(1, item(1, "Ü") + item(2, "b")),
            "a node is called",
        ),
    ],
    ids=["nodes", "fields", "fields of a node", "inputs", "first name", "name"],
)
def test_graphs_are_refused_within_bounds(
    graph: Callable[[], bytes], words: str, tmp_path: Path
) -> None:
    file = tmp_path / "model.pb"
    file.write_bytes(graph())
    assert_refused_within_bounds(file, words)


@needs_holes
@pytest.mark.parametrize(
    "name", ["plain.pb", "plain.dp", "plain.pth", "hybrid.json", "one_type.yaml"]
)
def test_a_sparse_file_is_not_read(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes((GOLDEN / name).read_bytes())
    os.truncate(file, 2**33)
    assert_refused_within_bounds(file, f"of its {2**33} bytes were ever written")


@needs_holes
def test_a_dataset_that_was_never_written_is_not_read(tmp_path: Path) -> None:
    options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    options.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    options.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple((2**28,))
    with h5py.File(tmp_path / "model.dp", "w") as file:
        file.attrs["json"] = json.dumps({"model": {}})
        h5py.h5d.create(file.id, b"d", h5py.h5t.NATIVE_DOUBLE, space, options)
    assert_refused(tmp_path / "model.dp", "bytes were ever written")


def test_small_holes_are_read_as_zeros(tmp_path: Path) -> None:
    file = tmp_path / "plain.dp"
    file.write_bytes((GOLDEN / "plain.dp").read_bytes())
    os.truncate(file, 4 * 2**20)
    assert read_model(file).digest() == read_model(GOLDEN / "plain.dp").digest()


def test_a_file_that_changes_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(bytes(100))
    assert formats._content(file, 100) == bytes(100)
    for size in (99, 101):
        with pytest.raises(ModelFileError, match="changes while it is read"):
            formats._content(file, size)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    assert_refused(Path("/dev/zero"), "not a regular file")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert_refused(tmp_path / "s", "not a regular file")


def damaged_hdf5(file: Path, heaps: bytes) -> Path:
    with h5py.File(file, "w", libver="earliest") as opened:
        opened.attrs["x"] = 1
    data = file.read_bytes()
    file.write_bytes(data + bytes(-len(data) % 8) + heaps)
    return file


HEAP = b"GCOL\x01\x00\x00\x00"


def test_heaps_are_not_kept(tmp_path: Path) -> None:
    many = (HEAP + struct.pack("<Q", 16)) * 60_000
    file = damaged_hdf5(tmp_path / "a.h5", many)
    with traced_peak() as peak:
        assert_refused(file, "without a model")
    assert peak() < EXPANSION * len(many)


def test_heaps_inside_of_heaps_are_not_read_again(tmp_path: Path) -> None:
    """Each of them would reach to the end of the file: n² / 2 objects."""
    count = 30_000
    file = damaged_hdf5(tmp_path / "a.h5", b"")
    end = file.stat().st_size + 16 + 32 * count
    inner = b"".join(
        struct.pack("<HHIQ", 1, 0, 0, 16) + HEAP + struct.pack("<Q", 32 * left - 16)
        for left in range(count, 0, -1)
    )
    file.write_bytes(
        file.read_bytes() + HEAP + struct.pack("<Q", 16 + 32 * count) + inner
    )
    assert file.stat().st_size == end
    assert_refused(file, "without a model")


def references(data: bytearray, length: int) -> list[int]:
    """Where an attribute refers to a text of this length in a heap."""
    word = struct.pack("<I", length)
    found = [match.start() for match in re.finditer(re.escape(word), data)]
    heaps = [int.from_bytes(data[at + 4 : at + 12], "little") for at in found]
    return [
        at
        for at, heap in zip(found, heaps, strict=True)
        if data[heap : heap + len(HEAP)] == HEAP
    ]


def test_many_references_to_one_text(tmp_path: Path) -> None:
    """Three thousand names that are the same two megabytes."""
    file, count = tmp_path / "model.dp", 3000
    with h5py.File(file, "w", libver="earliest") as opened:
        opened.attrs["long"] = "b" * SIZE
        names = np.array(["c"] * count, dtype=object)
        opened.attrs.create("json", names, dtype=h5py.string_dtype())
    data = bytearray(file.read_bytes())
    long, *_ = references(data, SIZE)
    short = references(data, 1)
    assert len(short) == count
    for place in short:
        data[place : place + 16] = data[long : long + 16]
    file.write_bytes(data)
    with h5py.File(file) as opened:
        assert opened.attrs.get_id("json").shape == (count,)
    assert_refused_within_bounds(file, "claim more than 2.5 times the bytes")


def archive(file: Path, pickle: bytes) -> Path:
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("m/data.pkl", pickle)
    return file


def test_a_wide_text_in_a_pickle(tmp_path: Path) -> None:
    wide = b"a" * 2 * SIZE + "\U0001f600".encode()
    pickle = b"\x80\x02X" + struct.pack("<I", len(wide)) + wide + b"."
    file = archive(tmp_path / "model.pt", pickle)
    with traced_peak() as peak:
        assert_refused(file, "its texts need more room")
    assert peak() < EXPANSION * len(wide)


def test_an_archive_that_is_a_list_of_members(tmp_path: Path) -> None:
    member = struct.pack("<4s24xHHH12x", b"PK\x01\x02", 1, 0, 0) + b"a"
    count = SIZE // len(member)
    size = count * len(member)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, size, 60, 0)
    file = tmp_path / "model.pt"
    file.write_bytes(b"PK\x03\x04" + bytes(56) + member * count + end)
    assert_refused_within_bounds(file, "list of members has more than")


@pytest.mark.parametrize("unit", [b"[],", b'{"a":0},'])
def test_the_dictionary_of_a_program(unit: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.pt2"
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("m/extra/model.json", repeated(b'{"model":[', unit, b"0]}"))
    assert_refused_within_bounds(file, "extra/model.json: the text has far more lists")


def test_the_training_script_of_a_graph(tmp_path: Path) -> None:
    script = repeated(b'{"model":[', b"[],", b"0]}")
    tensor = item(1, 7) + item(8, script)
    file = tmp_path / "model.pb"
    file.write_bytes(const_def("train_attr/training_script", tensor))
    with traced_peak() as peak:
        assert_refused(file, "the training script is not JSON")
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
