"""Many systems in one evaluation on the device."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from comparison import same_report
from families import family, parameters
from random_model import Structure, random_structure

import dpse_fast
from dpse_fast.evaluation.batch_session import BatchSession
from dpse_fast.results import Result
from tests.cuda.test_pipeline import TINY
from tests.evaluation.test_batch_session import PARTS


def load(model: Any, device: str) -> dpse_fast.Potential:
    return dpse_fast.load(model, device=device, tol=0.0)


def given_to(model: Any, s: Structure, seed: int) -> tuple[Any, ...]:
    own = parameters(model, len(s.positions), seed)
    return *s, own["fparam"], own["aparam"]


def same(found: list[Result], expected: list[Result]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.energy == pytest.approx(other.energy, abs=1e-10)
        np.testing.assert_allclose(one.forces, other.forces, rtol=0, atol=1e-9)
        limit = 1e-9 * max(1.0, np.abs(other.virial).max())
        np.testing.assert_allclose(one.virial, other.virial, rtol=0, atol=limit)
        same_report(one.report, other.report)


@pytest.mark.parametrize("name", ["aparam", "pair_table", "hybrid"])
def test_many_systems(name: str) -> None:
    """Each with parameters of its own; one has virtual atoms, one nothing else."""
    model = family(name)
    kinds, rng = ("wire", "open", "open"), np.random.default_rng(2)
    systems = [random_structure(kind, 2, 3, 4) for kind in kinds]
    systems[1].types[::2] = -1
    systems[2].types[:] = -1
    session = load(model, "cuda").batch_session(skin=0.8)
    cpu = load(model, "cpu")
    assert isinstance(session, BatchSession)
    for step in range(3):
        given = [given_to(model, s, 10 * step + k) for k, s in enumerate(systems)]
        found = session.compute(given, atomic=True)
        expected = [
            cpu.compute(*g[:3], pbc=g[3], atomic=True, fparam=g[4], aparam=g[5])
            for g in given
        ]
        same(found, expected)
        for s in systems:
            s.positions[...] += rng.normal(scale=0.01, size=s.positions.shape)
    assert session.list_builds < 3 * len(kinds)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("hybrid", {"sel": (1, 2), "hybrid": PARTS}),
        ("mixed", {"sel": (2,)}),
        ("table_sel", {"sel": (9, 0), "table_sel": (1, 1)}),
    ],
)
def test_reports_are_those_of_each(name: str, options: dict[str, Any]) -> None:
    """Short pairs, types without training and full tables, of one system each."""
    model = family(name, **TINY | options)
    close = np.array([[0, 0, 0], [0.3, 0, 0.0], [1.0, 0.2, 0], [2.0, 0, 0.1]])
    line = np.array([[0, 0, 0], [0, 0, 1.2], [0, 0.4, 2.3], [0.1, 0, 3.4]])
    alone, types = np.array([[0, 0, 0], [0, 0, 9.0]]), [0, 1, 1, 0]
    given: list[tuple[Any, ...]] = [(line, types), (alone, [0, 1])]
    if model.pair_table is None:  # which would refuse it
        given.append((close, types))
    given.append((line[:2], [1, 0]))
    found = load(model, "cuda").compute_batch(given, atomic=True)
    cpu = load(model, "cpu")
    same(found, [cpu.compute(*one, atomic=True) for one in given])
    reports = [one.report for one in found]
    assert reports[0].sel_overflow is not None
    assert not reports[1]
    if name == "table_sel":
        assert "pair table" in reports[0].sel_overflow.types
        assert reports[-1].unseen_pairs == {("O", "H"): 1}
    else:
        assert [one.short_pairs for one in reports] == [0, 0, 1, 0]
