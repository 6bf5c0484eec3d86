"""Results of the engine next to those of the oracle, and reports next to reports."""

from __future__ import annotations

from typing import Any

import naive
import numpy as np
import pytest
from conftest import Backend
from families import parameters
from random_model import Structure

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


def check(
    model: Any, s: Structure, backend: Backend, **options: Any
) -> dpse_fast.Result:
    """Evaluate a structure, with parameters if the model takes some.

    Parameters
    ----------
    options : of `load`; the oracle takes ``sel_overflow`` too
    """
    given = parameters(model, len(s.positions))
    result = compute(backend.load(model, **options), s, **given)
    overflow = {name: options[name] for name in ("sel_overflow",) if name in options}
    compare(result, naive.evaluate(model, *s, **overflow, **given), backend)
    return result


def compute(pot: dpse_fast.Potential, s: Structure, **given: Any) -> dpse_fast.Result:
    """All that there is of a structure."""
    return pot.compute(*s[:3], pbc=s.pbc, atomic=True, **given)


def same_report(found: dpse_fast.Report, expected: dpse_fast.Report) -> None:
    assert found.summary() == expected.summary()
    assert (found.atoms is None) == (expected.atoms is None)
    if found.atoms is None or expected.atoms is None:
        return
    assert found.atoms.sel_excess.keys() == expected.atoms.sel_excess.keys()
    for name, values in expected.atoms.sel_excess.items():
        np.testing.assert_array_equal(found.atoms.sel_excess[name], values)
    for name in ("close_neighbours", "unseen_neighbours", "non_finite"):
        got, want = getattr(found.atoms, name), getattr(expected.atoms, name)
        np.testing.assert_array_equal(got, want)
    for own, others in zip(found.atoms.counts, expected.atoms.counts, strict=True):
        for a, b in zip(own, others, strict=True):
            np.testing.assert_array_equal(a, b)
