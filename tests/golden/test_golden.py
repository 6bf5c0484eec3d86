"""The engine, through the readers, against what deepmd-kit computed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from golden_frames import CASES, GOLDEN, OUTPUTS, Case, inputs

import dpse_fast
from dpse_fast.errors import ModelFileError

REFUSED = {
    "null_networks.dp": "compressed .pb; open that .pb itself",
    "attention.dp": "attn_layer",
    "off_centre.dp": "set_davg_zero",
    "hybrid_excluded.dp": "shorter cutoff",
    "zbl_constants.dp": "give the .pth file",
    "three_body.dp": "se_e3",
    "dipole.dp": "dipole",
    "spin.dp": "spin",
}


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
@pytest.mark.filterwarnings("ignore::dpse_fast.ShortDistanceWarning")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equal_to_deepmd_kit(case: Case) -> None:
    pot = dpse_fast.load(case.file, tol=0, head=case.head)
    single = pot.model.dtype == np.float32
    energy_limit, force_limit = (2e-6, 3e-5) if single else (1e-11, 1e-9)
    for name, frame in case.frames().items():
        result = pot.compute(**inputs(frame), atomic=True)
        compared = [quantity for quantity in OUTPUTS if quantity in frame]
        assert {"atomic_energies", "forces"} <= set(compared)
        for quantity in compared:
            expected = frame[quantity]
            limit = energy_limit if quantity.endswith("energies") else force_limit
            if quantity == "energy":
                limit = energy_limit * len(frame["types"])
            np.testing.assert_allclose(
                getattr(result, quantity),
                expected,
                rtol=0,
                atol=limit * max(1.0, np.abs(expected).max() / 10),
                err_msg=f"{name} {quantity}",
            )


def test_every_kind_of_file_is_there() -> None:
    kinds = {case.file.suffix for case in CASES}
    assert kinds == {".dp", ".yaml", ".json", ".pth", ".pt", ".pte", ".pt2", ".pb"}
    assert {file.name for file in (GOLDEN / "refused").iterdir()} == set(REFUSED)


def test_the_table_of_golden_models_is_complete() -> None:
    table = (GOLDEN / "README.md").read_text()
    for case in CASES:
        assert case.file.stem.removesuffix("-compressed") in table, case


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name_with_a_remedy(name: str) -> None:
    file: Path = GOLDEN / "refused" / name
    with pytest.raises(ModelFileError, match=re.escape(REFUSED[name])) as caught:
        dpse_fast.load(file)
    assert str(caught.value).count("\n") == 0
