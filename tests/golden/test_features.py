"""Descriptors, last layers and type embeddings against deepmd-kit's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from golden_frames import GOLDEN, Case, inputs

import dpse_fast
from dpse_fast.formats import read_model

NUMBERS = sorted((GOLDEN / "features").glob("*.npz"))


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
@pytest.mark.parametrize("numbers", NUMBERS, ids=lambda path: path.stem)
def test_equal_to_deepmd_kit(numbers: Path) -> None:
    case = Case(GOLDEN / numbers.stem, None)
    pot, frames = dpse_fast.load(case.file, device="cpu", tol=0), case.frames()
    limit = 2e-6 if pot.model.dtype == np.float32 else 1e-11
    with np.load(numbers) as stored:
        expected = {name: stored[name] for name in stored.files}
    shown = expected.pop("type_embedding", None)
    if shown is None:
        assert not pot.model.type_embeddings
    else:
        np.testing.assert_allclose(pot.type_embedding(), shown, rtol=0, atol=limit)
    assert expected
    for key, values in expected.items():
        frame, quantity = key.split("/")
        given = inputs(frames[frame])
        found = getattr(pot.features(**given), quantity)
        real = np.asarray(given["types"]) >= 0
        if quantity != "structural_feature":
            # deepmd-kit gives virtual atoms the numbers of a lone atom of type 0.
            assert not found[~real].any()
            found, values = found[real], values[real]
        bound = limit * max(1.0, np.abs(values).max())
        np.testing.assert_allclose(found, values, rtol=0, atol=bound, err_msg=key)


def test_every_kind_of_descriptor_is_there() -> None:
    suffixes = {path.stem.rpartition(".")[2] for path in NUMBERS}
    assert suffixes == {"dp", "pb"}
    kinds = {
        descriptor.kind
        for path in NUMBERS
        for descriptor in read_model(GOLDEN / path.stem).descriptors
    }
    assert kinds == {"se_e2_a", "se_e2_r"}
