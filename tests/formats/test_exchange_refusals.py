"""What breaks the layout of our own model file, of any family, is refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from formats.damage import read_many_damaged
from formats.exchange_models import MODELS, small
from formats.hdf5_changes import attribute, dataset, in_group, no_attribute, without
from formats.refusal import assert_refused

from dpse_fast.errors import ModelFileError
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
    "misspelt": (attribute("descriptor", "axis", 4),
        "/descriptor attribute 'axis': is not part"),
    "unknown": (dataset("descriptor/mean", 1.0), "/descriptor/mean: is not part of"),
    "sel": (attribute("descriptor", "sel", [5]), "sel: expected 2 counts, got 1"),
    "rcut": (attribute("descriptor", "rcut", "6"), "rcut: expected a number, got '6'"),
    "type": (attribute("descriptor", "type", "se_e3"),
        "se_e2_r or an outermost hybrid, got 'se_e3'"),
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
    "kind": (attribute(NET, "kind", "nett"),
        "net, table, gated or dropped, got 'nett'"),
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
    "link": (lambda file: dataset("bias", h5py.ExternalLink("other.h5", "x"))(file),
        "/bias: is a link to elsewhere"),
    "soft link": (dataset("bias", h5py.SoftLink("/scale")), "/bias: is a link to else"),
    "many types": (many_types, "/descriptor/embedding/0_2: is missing"),
    "huge chunk": (huge_chunk, "/bias: the datasets claim more than 2.5 times"),
    "huge": (lambda file: file[LAYER].create_dataset("idt", (10**7, 10**7), "f8"),
        f"/{LAYER}/idt: the datasets claim more than 2.5 times"),
}  # fmt: skip


def mixed_without_mean(file: h5py.File) -> None:
    file["descriptor"].attrs.update(mixed=True, sel=[9])
    file["descriptor/davg"][...] = 0


GATED = "/descriptor/embedding/0_0"
SHARED = "/descriptor/embedding/shared"
REFUSED_OF_FAMILIES = {
    "hybrid in hybrid": ("hybrid", attribute("descriptor/1", "type", "hybrid"),
        "/descriptor/1 attribute type: expected se_e2_a, se_e2_r or an outermost"),
    "hybrid of itself": ("hybrid",
        lambda file: dataset("descriptor/1", file["descriptor"])(file),
        "attribute type: expected se_e2_a, se_e2_r or an outermost hybrid"),
    "hybrid of one missing": ("hybrid", without("descriptor/1"),
        "/descriptor/2: is not part of the format; expected 0, 1"),
    "hybrid of nothing": ("hybrid", lambda file: file["descriptor"].clear(),
        "/descriptor/0: is missing; a hybrid descriptor has parts 0, 1, …"),
    "hybrid with sel": ("hybrid", attribute("descriptor", "sel", [1, 2]),
        "/descriptor attribute 'sel': is not part of the format; expected type"),
    "axis of se_e2_r": ("se_e2_r", attribute("descriptor", "axis_neuron", 4),
        "/descriptor attribute 'axis_neuron': is not part"),
    "normalisation of se_e2_r": ("se_e2_r", no_attribute("descriptor", "normalisation"),
        "/descriptor attribute normalisation: is missing"),
    "four numbers of se_e2_r": ("se_e2_r",
        dataset("descriptor/davg", np.zeros((2, 2, 4))),
        "/descriptor: davg: expected shape (2, 2, 1), got (2, 2, 4)"),
    "mixed se_e2_r": ("se_e2_r", mixed_without_mean,
        "/descriptor: mixed: se_e2_r has slots of each type"),
    "mixed sel": ("mixed", attribute("descriptor", "sel", [4, 5, 6]),
        "/descriptor: sel: expected 1 counts, got 3"),
    "no padding": ("mixed, padding", without("descriptor/padding"),
        "/descriptor: padding: slots that all types share need it"),
    "padding of one type": ("mixed, padding", without("descriptor/padding/1"),
        "/descriptor/padding/1: is missing"),
    "dropped padding": ("mixed, padding",
        attribute("descriptor/padding/1", "kind", "dropped"),
        "padding/1 attribute kind: expected net, table or gated, got 'dropped'"),
    "no gate": ("gated", without(f"{GATED}/gate"), f"{GATED}/gate: is missing"),
    "no radial": ("gated", without(f"{GATED}/radial"), "radial: is missing"),
    "gate": ("gated", dataset(f"{GATED}/gate", np.ones(5)),
        f"{GATED}: gate: expected shape (6), got (5,)"),
    "smooth": ("gated", no_attribute(GATED, "smooth"), "smooth: is missing"),
    "cubic": ("gated", lambda file: file[GATED].attrs.update(smooth=False, cubic=True),
        f"{GATED}: gated embedding: cubic, not smooth"),
    "gate of a gate": ("gated",
        lambda file: dataset(f"{GATED}/radial", file[GATED])(file),
        f"{GATED}/radial attribute kind: expected net or table, got 'gated'"),
    "gated fitting net": ("gated", lambda file: dataset("fitting/0", file[GATED])(file),
        "attribute 'cubic': is not part of the format; expected kind"),
    "fitting table": ("gated", attribute("fitting/0", "kind", "table"),
        "/fitting/0 attribute kind: expected net, got 'table'"),
    "gates": ("mixed, gated", dataset(f"{SHARED}/gate", np.ones((3, 6))),
        f"{SHARED}/gate: expected shape (2, any) or (2, 2, any), got (3, 6)"),
    "gates of another width": ("mixed, gated",
        dataset(f"{SHARED}/gate", np.ones((2, 2, 5))),
        f"{SHARED}: gate: expected shape (6), got (5,)"),
    "biases": ("type embedding", dataset(f"{SHARED}/0/bias", np.ones((2, 3, 3))),
        f"{SHARED}/0/bias: expected shape (3, any) or (3, 3, any), got (2, 3, 3)"),
    "biases of another width": ("type embedding",
        dataset(f"{SHARED}/0/bias", np.ones((3, 4))),
        f"{SHARED}/0: layer bias: expected shape (3), got (4,)"),
    "biases of a fitting net": ("type embedding",
        dataset("fitting/shared/0/bias", np.ones((3, 3, 5))),
        "/fitting/shared/0/bias: expected shape (3, any), got (3, 3, 5)"),
    "no shared layers": ("type embedding", lambda file: file["fitting/shared"].clear(),
        "/fitting/shared: net: has no layers"),
    "shared and others": ("type embedding",
        lambda file: dataset("fitting/0", file["fitting/shared"])(file),
        "/fitting/0: is not part of the format; expected shared"),
    "shared, dropped": ("mixed, gated", attribute(SHARED, "kind", "dropped"),
        f"{SHARED} attribute kind: expected net, table or gated, got 'dropped'"),
    "parameters": ("aparam", without("aparam/mean"), "/aparam/mean: is missing"),
    "parameter counts": ("aparam", dataset("aparam/scale", np.ones(2)),
        "/aparam: parameters scale: expected shape (3), got (2,)"),
    "parameters of the net": ("aparam", without("fparam"),
        "fitting: net of type 0 maps 22 to 1 values, expected 21 to 1"),
    "parameter attribute": ("aparam", attribute("aparam", "std", 1.0),
        "/aparam attribute 'std': is not part of the format; expected none"),
    "vacuum of no such type": ("vacuum", lambda file: file["vacuum"].move("1", "2"),
        "/vacuum/2: is not part of the format; expected 0, 1"),
    "vacuum width": ("vacuum",
        lambda file: dataset("vacuum/0", file["fitting/0"])(file),
        "vacuum: net of type 0 maps 20 to 1 values, expected 2 to 1"),
    "emptied": ("emptied", dataset("emptied", [[0, 2]]), "emptied: no such type pair"),
    "emptied, odd": ("emptied", dataset("emptied", [0, 1]),
        "/emptied: expected (n, 2)"),
    "pair table number": ("pair table", no_attribute("pair_table", "alpha"),
        "/pair_table attribute alpha: is missing"),
    "pair table step": ("pair table", attribute("pair_table", "step", 0.0),
        "/pair_table: pair table: expected a positive step, got 0.0"),
    "pair table sel": ("pair table", attribute("pair_table", "sel", [1, 2, 3]),
        "/pair_table: pair table: expected 0, 1 or 2 counts in sel, got [1, 2, 3]"),
    "pair table types": ("pair table",
        dataset("pair_table/coefficients", np.ones((3, 3, 2, 4))),
        "/pair_table: pair table bias: expected shape (3), got (2,)"),
    "pair table pairs": ("pair table", dataset("pair_table/excluded", [[0.5, 1]]),
        "/pair_table/excluded: expected (n, 2) integers"),
    "pair table extra": ("pair table", dataset("pair_table/rows", np.ones(3)),
        "/pair_table/rows: is not part of the format; expected bias, coefficients"),
}  # fmt: skip

CASES = {
    **{name: ("two-sided", *refused) for name, refused in REFUSED.items()},
    **REFUSED_OF_FAMILIES,
}


@pytest.mark.parametrize("name", CASES)
def test_what_breaks_the_layout_is_named(name: str, tmp_path: Path) -> None:
    family, change, words = CASES[name]
    path = tmp_path / "model.h5"
    write(MODELS[family], path)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ModelFileError, match=re.escape(words)):
        read(path)
    assert_refused(path, words)


def test_datasets_stored_in_another_file_are_refused(tmp_path: Path) -> None:
    path, other = tmp_path / "model.h5", tmp_path / "other"
    other.write_bytes(bytes(16))
    write(small(), path)
    with h5py.File(path, "r+") as file:
        del file["bias"]
        file.create_dataset("bias", (2,), "f8", external=[(str(other), 0, 16)])
    assert_refused(path, "/bias: keeps its values in another file")


def test_other_hdf5_files_are_sent_to_read_model(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    h5py.File(path, "w").close()
    with pytest.raises(ModelFileError, match="read_model"):
        read(path)


def test_texts_whose_length_is_damaged(tmp_path: Path) -> None:
    """HDF5 itself would fill four gigabytes before it notices."""
    path = tmp_path / "model.h5"
    write(small(), path)
    data = bytearray(path.read_bytes())
    reference = b"\x04\x00\x00\x00" + data.index(b"GCOL").to_bytes(8, "little")
    data[data.index(reference) + 3] = 0xF0
    path.write_bytes(data)
    assert_refused(path, "a text has another length")


def test_heaps_that_do_not_add_up(tmp_path: Path) -> None:
    """HDF5 itself would never return."""
    path = tmp_path / "model.h5"
    write(small(), path)
    data = bytearray(path.read_bytes())
    data[data.index(b"GCOL") + 16 + 15] = 0x80
    path.write_bytes(data)
    assert_refused(path, "a heap object does not fit")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "name",
    ["two-sided", "hybrid", "mixed, gated", "type embedding", "vacuum", "pair table"],
)
def test_damaged_files(name: str, packed: bool, tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    write(MODELS[name], file, packed=packed)
    read_many_damaged(file)
