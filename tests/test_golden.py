"""The engine, through the readers, against what deepmd-kit computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dpse_fast

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(
    p for p in GOLDEN.iterdir() if p.suffix in {".dp", ".yaml", ".pth", ".pb"}
)


def frames(file: Path) -> dict[str, dict[str, Any]]:
    """The stored frames of a model file; a .pb has its own numbers."""
    own = file.with_name(f"{file.name}.npz")
    found: dict[str, dict[str, Any]] = {}
    with np.load(own if own.exists() else file.with_suffix(".npz")) as stored:
        for key in stored.files:
            frame, quantity = key.split("/")
            found.setdefault(frame, {})[quantity] = stored[key]
    return found


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
@pytest.mark.filterwarnings("ignore::dpse_fast.ShortDistanceWarning")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_equal_to_deepmd_kit(file: Path) -> None:
    pot = dpse_fast.load(file, tol=0)
    single = pot.model.dtype == np.float32
    energy_limit, force_limit = (2e-6, 3e-5) if single else (1e-11, 1e-9)
    for name, frame in frames(file).items():
        cell = frame["cell"] if frame["cell"].size else None
        result = pot.compute(frame["positions"], frame["types"], cell, atomic=True)
        for quantity, expected in frame.items():
            if quantity in ("positions", "cell", "types"):
                continue
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
