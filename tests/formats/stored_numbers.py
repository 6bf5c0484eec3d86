"""A model against numbers that another program stored beside its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from naive.evaluation import evaluate

from dpse_fast.model import Model

GOLDEN = Path(__file__).parents[1] / "golden"


def assert_equal_to_stored(
    model: Model, file: Path, frames: tuple[str, ...], limit: float = 1e-13
) -> None:
    """Compare the oracle's energies (eV) and forces (eV/Å) with FILE.npz."""
    with np.load(file.with_name(f"{file.name}.npz")) as stored:
        for frame in frames:
            found = evaluate(
                model,
                *(stored[f"{frame}/{key}"] for key in ("positions", "types", "cell")),
            )
            for quantity in ("atomic_energies", "forces"):
                np.testing.assert_allclose(
                    getattr(found, quantity),
                    stored[f"{frame}/{quantity}"],
                    rtol=0,
                    atol=limit,
                )
