"""How rows that were left out are evaluated: in parts, in memory of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from families import family, parameters
from ghosts import with_ghosts

import dpse_fast
from dpse_fast.cuda import unreduced_rows
from tests.evaluation.test_unreduced_atoms import SHORT, compute, load, squeezed

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
ARRAYS = ("forces", "virial", "atomic_energies", "atomic_virials")


def evaluator_of(session: Any) -> Any:
    return session._evaluator


def crowded() -> Any:
    """All atoms but two have close neighbours."""
    s = squeezed("wire")
    positions = s.positions.copy()
    positions[2] = positions[5] + [0.3, 0.5, -0.4]
    return s._replace(positions=positions)


@pytest.mark.parametrize("deterministic", [True, False])
def test_in_parts(deterministic: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forces of several parts add up on the same atoms."""
    model, s = family("aparam", **SHORT), crowded()
    given = parameters(model, len(s.positions))
    pot = load(model, "cuda", deterministic=deterministic)
    whole = compute(pot, s, **given)
    g = with_ghosts(*s, reach=model.rcut)
    wanted = {"atomic": True, "pair_gradients": True, **given}
    listed = pot.listed_session().compute(*g.arguments, **wanted)
    monkeypatch.setattr(unreduced_rows, "MOST_ROWS", 2)
    parts = compute(pot, s, **given)
    assert parts.report.unreduced_atoms == whole.report.unreduced_atoms == 4
    for name in ARRAYS:
        got, want = getattr(parts, name), getattr(whole, name)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12, err_msg=name)
    assert parts.report.summary() == whole.report.summary()
    in_parts = pot.listed_session().compute(*g.arguments, **wanted)
    for name in (*ARRAYS, "pair_gradients"):
        got, want = getattr(in_parts, name), getattr(listed, name)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12, err_msg=name)


def test_their_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers at once, tables and nets when they were idle for a while."""
    monkeypatch.setattr(unreduced_rows, "MOST_IDLE", 2)
    model = family("se_e2_a", **SHORT)
    pot = load(model, "cuda")
    session, distances = pot.session(skin=0.6), (0.7, 0.9, 0.75, 0.9, 0.9, 0.9, 0.7)
    there = []
    for distance in distances:
        s = squeezed(distance=distance, n=5)
        found = session.compute(*s[:3])
        alone = pot.compute(*s[:3])
        np.testing.assert_allclose(found.forces, alone.forces, rtol=0, atol=1e-12)
        own = evaluator_of(session)._models[0]._unreduced._pipeline
        there.append(own is not None)
        assert own is None or not own.ready
        assert evaluator_of(session)._models[0].pipeline.ready
    assert there == [True, True, True, True, True, False, True]


def test_memory_that_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model, s = family("se_e2_a", **SHORT), squeezed()
    pot = load(model, "cuda")
    session = pot.session(skin=0.5)
    expected = session.compute(*s[:3])
    device = session._backend.gpu  # type: ignore[attr-defined]

    def short_of_memory(*arguments: Any) -> None:
        raise device.out_of_memory("no more")

    with monkeypatch.context() as patched:
        patched.setattr(unreduced_rows.UnreducedRows, "_evaluate", short_of_memory)
        with pytest.raises(dpse_fast.InputError, match="do not fit into the GPU's"):
            session.compute(*s[:3])
    found = session.compute(*s[:3])
    np.testing.assert_array_equal(found.forces, expected.forces)


def test_stages_are_measured() -> None:
    model, s = family("se_e2_a", **SHORT), squeezed()
    session = load(model, "cuda").session(profile=True)
    session.compute(*s[:3])
    seconds = session.stage_seconds
    assert min(seconds.values()) > 0.0
    own = evaluator_of(session)._models[0]._unreduced
    own._drop()
    assert session.stage_seconds == seconds
