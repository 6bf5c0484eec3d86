"""Numbers of the engine next to those of the oracle."""

from __future__ import annotations

from typing import Any

import naive
import numpy as np

import dpse_fast

NAMES = ("energy", "forces", "virial")


def differ(found: Any, expected: Any, limit: float) -> str | None:
    """What differs by more than a limit, for numbers of the order of ten; or None."""
    for name in NAMES:
        got, want = (np.asarray(getattr(x, name)) for x in (found, expected))
        if got.shape != want.shape:
            return f"{name}: shape {got.shape} instead of {want.shape}"
        allowed = limit * max(1.0, np.abs(want).max(initial=0.0) / 10)
        gap = np.abs(got - want).max(initial=0.0)
        if not gap <= allowed:
            return f"{name}: {gap:.1e} from the expected numbers"
    return None


def naive_numbers(model: dpse_fast.Model, meaning: dict[str, Any]) -> Any:
    """Of the oracle; pbc None is along all axes if there is a cell."""
    given = dict(meaning)
    pbc = given.pop("pbc")
    cell = given.pop("cell")
    if pbc is None:
        pbc = cell is not None
    pbc = tuple(bool(axis) for axis in np.broadcast_to(pbc, 3))
    return naive.evaluate(model, cell=cell, pbc=pbc, **given)
