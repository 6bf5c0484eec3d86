"""What breaks the layout of our own model file is refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from formats.damage import CHANGES, LENGTHS, quickly, read_damaged
from formats.exchange_models import MODELS, small
from formats.hdf5_changes import attribute, dataset, in_group, no_attribute, without
from hypothesis import given

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model
from dpse_fast.formats.exchange import read, write


def many_types(file: h5py.File) -> None:
    """Pairs of so many types would fill the memory."""
    del file.attrs["type_map"]
    file.attrs["type_map"] = [f"T{t}" for t in range(4000)]


def huge_chunk(file: h5py.File) -> None:
    del file["bias"]
    file.create_dataset("bias", (2,), "f8", maxshape=(None,), chunks=(10**8,))


LAYER, NET = "descriptor/embedding/0_1/0", "/descriptor/embedding/0_1"
REFUSED = {
    "newer": (attribute("/", "version", 2), "version: expected 1, got 2; update"),
    "no version": (no_attribute("/", "version"), "attribute version: is missing"),
    "names": (attribute("/", "type_map", ["O", "O"]), "distinct names"),
    "no sel": (no_attribute("descriptor", "sel"), "/descriptor attribute sel: is miss"),
    "misspelt": (
        attribute("descriptor", "axis", 4),
        "/descriptor attribute 'axis': is not part",
    ),
    "unknown": (dataset("descriptor/mean", 1.0), "/descriptor/mean: is not part of"),
    "sel": (attribute("descriptor", "sel", [5]), "sel: expected 2 counts, got 1"),
    "rcut": (attribute("descriptor", "rcut", "6"), "rcut: expected a number, got '6'"),
    "type": (
        attribute("descriptor", "type", "se_e3"),
        "se_e2_r or an outermost hybrid, got 'se_e3'",
    ),
    "flag": (attribute("descriptor", "switch_float32", 2), "expected true or false"),
    "davg": (without("descriptor/davg"), "/descriptor/davg: is missing"),
    "shape": (dataset("descriptor/dstd", np.ones((2, 4))), "/descriptor: dstd: expec"),
    "integers": (dataset("bias", np.arange(2)), "/bias: expected float32 or float64"),
    "names in bias": (dataset("bias", "x"), "/bias: expected a dataset of real numb"),
    "empty": (dataset("bias", h5py.Empty("f8")), "/bias: expected a dataset of real"),
    "group": (in_group("bias"), "/bias: expected a dataset, got a group"),
    "no group": (dataset("descriptor/embedding", 1.0), "expected a group, got a data"),
    "excluded": (dataset("descriptor/excluded", [[0.5, 1.0]]), "excluded: expected"),
    "pairs": (dataset("descriptor/excluded", [[0, 5]]), "no such type pair (0, 5)"),
    "missing net": (without(NET), f"{NET}: is missing"),
    "extra net": (dataset("fitting/2", 1.0), "/fitting/2: is not part of the format"),
    "kind": (
        attribute(NET, "kind", "nett"),
        "net, table, gated or dropped, got 'nett'",
    ),
    "table": (attribute(NET, "kind", "table"), f"{NET}/0: is not part of"),
    "dropped": (attribute(NET, "kind", "dropped"), f"{NET}/0: is not part of"),
    "beyond": (attribute(NET, "beyond", "clamp"), "attribute 'beyond': is not part"),
    "no layers": (lambda file: file[NET].clear(), f"{NET}: net: has no layers"),
    "gap": (lambda file: file[NET].move("0", "7"), f"{NET}/7: is not part"),
    "weight": (without(f"{LAYER}/weight"), f"/{LAYER}/weight: is missing"),
    "width": (dataset(f"{LAYER}/bias", np.ones(9)), f"/{LAYER}: layer bias: expected"),
    "nan": (dataset(f"{LAYER}/bias", np.full(3, np.nan)), "holds NaN"),
    "skip": (attribute(LAYER, "skip", "identity"), "'identity' does not fit a 1 to 3"),
    "act": (attribute(LAYER, "activation", "sin"), "unknown activation 'sin'"),
    "matrix": (attribute("/", "version", np.eye(2)), "a number, a text or a list"),
    "JSON": (attribute("/", "provenance", "{"), "provenance: expected a JSON object"),
    "link": (
        lambda file: dataset("bias", h5py.ExternalLink("other.h5", "x"))(file),
        "/bias: is a link to elsewhere",
    ),
    "soft link": (dataset("bias", h5py.SoftLink("/scale")), "/bias: is a link to else"),
    "many types": (many_types, "/descriptor/embedding/0_2: is missing"),
    "huge chunk": (huge_chunk, "/bias: the datasets claim more than 4 times"),
    "huge": (
        lambda file: file[LAYER].create_dataset("idt", (10**7, 10**7), "f8"),
        f"/{LAYER}/idt: the datasets claim more than 4 times",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_breaks_the_layout_is_named(name: str, tmp_path: Path) -> None:
    change, words = REFUSED[name]
    path = tmp_path / "model.h5"
    write(small(), path)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ModelFileError, match=re.escape(words)):
        read_model(path)


def test_datasets_stored_in_another_file_are_refused(tmp_path: Path) -> None:
    path, other = tmp_path / "model.h5", tmp_path / "other"
    other.write_bytes(bytes(16))
    write(small(), path)
    with h5py.File(path, "r+") as file:
        del file["bias"]
        file.create_dataset("bias", (2,), "f8", external=[(str(other), 0, 16)])
    with pytest.raises(ModelFileError, match="/bias: keeps its values in another file"):
        read_model(path)


def test_other_hdf5_files_are_sent_to_read_model(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    h5py.File(path, "w").close()
    with pytest.raises(ModelFileError, match=r"read_model"):
        read(path)


def test_texts_whose_length_is_damaged(tmp_path: Path) -> None:
    """HDF5 itself would fill four gigabytes before it notices."""
    path = tmp_path / "model.h5"
    write(small(), path)
    data = bytearray(path.read_bytes())
    reference = b"\x04\x00\x00\x00" + data.index(b"GCOL").to_bytes(8, "little")
    data[data.index(reference) + 3] = 0xF0
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="a text has another length"):
        read_model(path)


def test_heaps_that_do_not_add_up(tmp_path: Path) -> None:
    """HDF5 itself would never return."""
    path = tmp_path / "model.h5"
    write(small(), path)
    data = bytearray(path.read_bytes())
    data[data.index(b"GCOL") + 16 + 15] = 0x80
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="a heap object does not fit"):
        read_model(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "name",
    ["two-sided", "hybrid", "mixed, gated", "type embedding", "vacuum", "pair table"],
)
def test_damaged_files(name: str, packed: bool, tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    write(MODELS[name], file, packed=packed)

    @quickly
    @given(LENGTHS, CHANGES)
    def check(length: float, changes: list[tuple[float, int]]) -> None:
        read_damaged(file, length, changes)

    check()
