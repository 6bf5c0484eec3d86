"""What breaks the layout of a hybrid, gated, parametrised… model is refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from formats.exchange_models import MODELS
from formats.hdf5_changes import attribute, dataset, no_attribute, without

from dpse_fast.errors import ModelFileError
from dpse_fast.formats.exchange import read, write


def mixed_without_mean(file: h5py.File) -> None:
    file["descriptor"].attrs.update(mixed=True, sel=[9])
    file["descriptor/davg"][...] = 0


GATED = "/descriptor/embedding/0_0"
SHARED = "/descriptor/embedding/shared"
REFUSED = {
    "hybrid in hybrid": (
        "hybrid",
        attribute("descriptor/1", "type", "hybrid"),
        "/descriptor/1 attribute type: expected se_e2_a, se_e2_r or an outermost",
    ),
    "hybrid of itself": (
        "hybrid",
        lambda file: dataset("descriptor/1", file["descriptor"])(file),
        "attribute type: expected se_e2_a, se_e2_r or an outermost hybrid",
    ),
    "hybrid of one missing": (
        "hybrid",
        without("descriptor/1"),
        "/descriptor/2: is not part of the format; expected 0, 1",
    ),
    "hybrid of nothing": (
        "hybrid",
        lambda file: file["descriptor"].clear(),
        "/descriptor/0: is missing; a hybrid descriptor has parts 0, 1, …",
    ),
    "hybrid with sel": (
        "hybrid",
        attribute("descriptor", "sel", [1, 2]),
        "/descriptor attribute 'sel': is not part of the format; expected type",
    ),
    "axis of se_e2_r": (
        "se_e2_r",
        attribute("descriptor", "axis_neuron", 4),
        "/descriptor attribute 'axis_neuron': is not part",
    ),
    "normalisation of se_e2_r": (
        "se_e2_r",
        no_attribute("descriptor", "normalisation"),
        "/descriptor attribute normalisation: is missing",
    ),
    "four numbers of se_e2_r": (
        "se_e2_r",
        dataset("descriptor/davg", np.zeros((2, 2, 4))),
        "/descriptor: davg: expected shape (2, 2, 1), got (2, 2, 4)",
    ),
    "mixed se_e2_r": (
        "se_e2_r",
        mixed_without_mean,
        "/descriptor: mixed: se_e2_r has slots of each type",
    ),
    "mixed sel": (
        "mixed",
        attribute("descriptor", "sel", [4, 5, 6]),
        "/descriptor: sel: expected 1 counts, got 3",
    ),
    "no padding": (
        "mixed, padding",
        without("descriptor/padding"),
        "/descriptor: padding: slots that all types share need it",
    ),
    "padding of one type": (
        "mixed, padding",
        without("descriptor/padding/1"),
        "/descriptor/padding/1: is missing",
    ),
    "dropped padding": (
        "mixed, padding",
        attribute("descriptor/padding/1", "kind", "dropped"),
        "padding/1 attribute kind: expected net, table or gated, got 'dropped'",
    ),
    "no gate": ("gated", without(f"{GATED}/gate"), f"{GATED}/gate: is missing"),
    "no radial": ("gated", without(f"{GATED}/radial"), "radial: is missing"),
    "gate": (
        "gated",
        dataset(f"{GATED}/gate", np.ones(5)),
        f"{GATED}: gate: expected shape (6), got (5,)",
    ),
    "smooth": ("gated", no_attribute(GATED, "smooth"), "smooth: is missing"),
    "cubic": (
        "gated",
        lambda file: file[GATED].attrs.update(smooth=False, cubic=True),
        f"{GATED}: gated embedding: cubic, not smooth",
    ),
    "gate of a gate": (
        "gated",
        lambda file: dataset(f"{GATED}/radial", file[GATED])(file),
        f"{GATED}/radial attribute kind: expected net or table, got 'gated'",
    ),
    "gated fitting net": (
        "gated",
        lambda file: dataset("fitting/0", file[GATED])(file),
        "attribute 'cubic': is not part of the format; expected kind",
    ),
    "fitting table": (
        "gated",
        attribute("fitting/0", "kind", "table"),
        "/fitting/0 attribute kind: expected net, got 'table'",
    ),
    "gates": (
        "mixed, gated",
        dataset(f"{SHARED}/gate", np.ones((3, 6))),
        f"{SHARED}/gate: expected shape (2, any) or (2, 2, any), got (3, 6)",
    ),
    "gates of another width": (
        "mixed, gated",
        dataset(f"{SHARED}/gate", np.ones((2, 2, 5))),
        f"{SHARED}: gate: expected shape (6), got (5,)",
    ),
    "biases": (
        "type embedding",
        dataset(f"{SHARED}/0/bias", np.ones((2, 3, 3))),
        f"{SHARED}/0/bias: expected shape (3, any) or (3, 3, any), got (2, 3, 3)",
    ),
    "biases of another width": (
        "type embedding",
        dataset(f"{SHARED}/0/bias", np.ones((3, 4))),
        f"{SHARED}/0: layer bias: expected shape (3), got (4,)",
    ),
    "biases of a fitting net": (
        "type embedding",
        dataset("fitting/shared/0/bias", np.ones((3, 3, 5))),
        "/fitting/shared/0/bias: expected shape (3, any), got (3, 3, 5)",
    ),
    "no shared layers": (
        "type embedding",
        lambda file: file["fitting/shared"].clear(),
        "/fitting/shared: net: has no layers",
    ),
    "shared and others": (
        "type embedding",
        lambda file: dataset("fitting/0", file["fitting/shared"])(file),
        "/fitting/0: is not part of the format; expected shared",
    ),
    "shared, dropped": (
        "mixed, gated",
        attribute(SHARED, "kind", "dropped"),
        f"{SHARED} attribute kind: expected net, table or gated, got 'dropped'",
    ),
    "parameters": ("aparam", without("aparam/mean"), "/aparam/mean: is missing"),
    "parameter counts": (
        "aparam",
        dataset("aparam/scale", np.ones(2)),
        "/aparam: parameters scale: expected shape (3), got (2,)",
    ),
    "parameters of the net": (
        "aparam",
        without("fparam"),
        "fitting: net of type 0 maps 22 to 1 values, expected 21 to 1",
    ),
    "parameter attribute": (
        "aparam",
        attribute("aparam", "std", 1.0),
        "/aparam attribute 'std': is not part of the format; expected none",
    ),
    "vacuum of no such type": (
        "vacuum",
        lambda file: file["vacuum"].move("1", "2"),
        "/vacuum/2: is not part of the format; expected 0, 1",
    ),
    "vacuum width": (
        "vacuum",
        lambda file: dataset("vacuum/0", file["fitting/0"])(file),
        "vacuum: net of type 0 maps 20 to 1 values, expected 2 to 1",
    ),
    "emptied": ("emptied", dataset("emptied", [[0, 2]]), "emptied: no such type pair"),
    "emptied, odd": (
        "emptied",
        dataset("emptied", [0, 1]),
        "/emptied: expected (n, 2)",
    ),
    "pair table number": (
        "pair table",
        no_attribute("pair_table", "alpha"),
        "/pair_table attribute alpha: is missing",
    ),
    "pair table step": (
        "pair table",
        attribute("pair_table", "step", 0.0),
        "/pair_table: pair table: expected a positive step, got 0.0",
    ),
    "pair table sel": (
        "pair table",
        attribute("pair_table", "sel", [1, 2, 3]),
        "/pair_table: pair table: expected 0, 1 or 2 counts in sel, got [1, 2, 3]",
    ),
    "pair table types": (
        "pair table",
        dataset("pair_table/coefficients", np.ones((3, 3, 2, 4))),
        "/pair_table: pair table bias: expected shape (3), got (2,)",
    ),
    "pair table pairs": (
        "pair table",
        dataset("pair_table/excluded", [[0.5, 1]]),
        "/pair_table/excluded: expected (n, 2) integers",
    ),
    "pair table extra": (
        "pair table",
        dataset("pair_table/rows", np.ones(3)),
        "/pair_table/rows: is not part of the format; expected bias, coefficients",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_breaks_the_layout_is_named(name: str, tmp_path: Path) -> None:
    family, change, words = REFUSED[name]
    path = tmp_path / "model.h5"
    write(MODELS[family], path)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ModelFileError, match=re.escape(words)):
        read(path)
