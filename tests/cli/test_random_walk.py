"""The atoms that `dpse-fast bench` moves."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from dpse_fast.cli import random_walk


def on_host(values: Any) -> Any:
    return values.get() if hasattr(values, "get") else values.copy()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_atom_moves_by_the_step(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random_walk, "ATOMS_AT_A_TIME", 700)
    start = np.random.default_rng(0).random((2000, 3))
    walk = random_walk.random_walk(start.copy(), 0.1, device)
    first, second, third = (on_host(p) for p in islice(walk, 3))
    np.testing.assert_array_equal(first, start)
    for moves in (second - first, third - second):
        assert moves.std(axis=0) == pytest.approx(0.1, rel=0.1)
        assert (moves != 0).all()
    assert np.abs(third - 2 * second + first).min() > 0
