"""Hostile binary files are refused in little memory, before what they claim is built.

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

import h5py
import numpy as np
import pytest
from formats.graphdef import const_def, item, node_def
from formats.memory_bounds import (
    EXPANSION,
    GOLDEN,
    SIZE,
    assert_refused_within_bounds,
    repeated,
)
from formats.refusal import assert_refused
from traced_memory import traced_peak

from dpse_fast import formats
from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model

FEW = 300_000


needs_holes = pytest.mark.skipif(
    not hasattr(os, "SEEK_HOLE"), reason="the system does not tell holes of files"
)


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
