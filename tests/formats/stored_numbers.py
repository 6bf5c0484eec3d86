"""Results against the numbers that another program stored beside a golden file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from golden_frames import Case, Frame, inputs
from naive.evaluation import evaluate

from dpse_fast.model import Model


def assert_equal_to_frame(
    found: Any, frame: Frame, quantities: Iterable[str], limit: float
) -> None:
    for quantity in quantities:
        np.testing.assert_allclose(
            *(getattr(found, quantity), frame[quantity]),
            rtol=0,
            atol=limit,
            err_msg=quantity,
        )


def assert_equal_to_stored(
    model: Model,
    case: Case,
    frames: tuple[str, ...] = (),
    limit: float = 1e-13,
    quantities: tuple[str, ...] = ("atomic_energies", "forces"),
) -> None:
    """Compare the oracle's energies (eV), forces (eV/Å)… of frames, or of all."""
    stored = case.frames()
    assert stored
    for name in frames or stored:
        found = evaluate(model, **inputs(stored[name]))
        assert_equal_to_frame(found, stored[name], quantities, limit)
