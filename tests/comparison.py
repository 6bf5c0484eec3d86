"""Results of the engine next to those of the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Backend

import dpse_fast


def compare(result: dpse_fast.Result, expected: Any, backend: Backend) -> None:
    """Equal within the backend's limits, for numbers of the order of ten."""
    assert result.energy == pytest.approx(float(np.sum(result.atomic_energies)))
    for name in ("atomic_energies", "forces", "virial", "atomic_virials"):
        got, want = getattr(result, name), getattr(expected, name)
        limit = backend.energy if name == "atomic_energies" else backend.force
        limit *= max(1.0, np.abs(want).max() / 10)
        limit *= 3 if "virial" in name else 1  # forces times several Å
        np.testing.assert_allclose(got, want, rtol=0, atol=limit, err_msg=name)
