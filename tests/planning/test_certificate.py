"""The certificate holds on structures that nobody looked at before."""

from __future__ import annotations

import importlib
from pathlib import Path

import ase.io
import numpy as np
import pytest
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.plan import PRECISIONS
from dpse_fast.plan.accuracy import Accuracy
from dpse_fast.plan.neighbour_counts import neighbours_of
from dpse_fast.planning.choose_plan import choose
from dpse_fast.planning.make_plan import make_plan
from dpse_fast.planning.structures import sample_structures

WATER = Path(__file__).parents[2] / "examples" / "water.xyz"
GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def waters() -> dict[str, dpse_fast.Potential]:
    """The default model in every precision, its types named."""
    return {
        name: dpse_fast.load(precision=name, sel_overflow="truncate", threads=1)
        for name in PRECISIONS
    }


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("shaken", [0.0, 0.01])
def test_on_frames_of_water(
    waters: dict[str, dpse_fast.Potential], precision: str, shaken: float
) -> None:
    exact = dpse_fast.load(tol=0, sel_overflow="truncate", threads=1)
    rng = np.random.default_rng(7)
    plan = waters[precision].plan
    assert plan is not None
    certificate = plan.certificate
    assert certificate is not None
    for atoms in ase.io.read(WATER, index=":2"):
        positions = atoms.positions + rng.normal(0.0, shaken + 1e-12, (len(atoms), 3))
        given = (positions, atoms.get_chemical_symbols(), atoms.cell.array)
        one, other = (p.compute(*given) for p in (waters[precision], exact))
        assert one.report.close_pairs == 0
        forces = one.forces - other.forces
        n = len(atoms)
        assert np.abs(forces).max() <= certificate.force
        assert np.sqrt(np.mean(forces**2)) <= 3 * certificate.force_rms
        assert abs(one.energy - other.energy) / n <= certificate.energy
        assert np.abs(one.virial - other.virial).max() / n <= certificate.virial


def test_somewhat_closer_than_trained(waters: dict[str, dpse_fast.Potential]) -> None:
    """Vibrations go a little beyond any training data."""
    exact = dpse_fast.load(tol=0, sel_overflow="truncate", threads=1)
    atoms = ase.io.read(WATER, index=0)
    rng = np.random.default_rng(7)
    positions = atoms.positions + rng.normal(0.0, 0.05, (len(atoms), 3))
    given = (positions, atoms.get_chemical_symbols(), atoms.cell.array)
    one, other = (p.compute(*given) for p in (waters["double"], exact))
    assert one.report.close_pairs > 3
    assert np.abs(one.forces - other.forces).max() < 2e-5


@pytest.mark.parametrize("name", ["trained.pb", "trained_hybrid-compressed.pb"])
def test_on_trained_models(name: str) -> None:
    pot = dpse_fast.load(GOLDEN / name, sel_overflow="truncate", threads=1)
    exact = dpse_fast.load(GOLDEN / name, tol=0, sel_overflow="truncate", threads=1)
    assert pot.plan is not None
    assert pot.plan.certificate is not None
    rng = np.random.default_rng(2)
    s = random_structure("cubic", pot.model.n_types)
    for scale in (1.0, 1.1):
        positions = scale * s.positions + rng.normal(0.0, 0.05, s.positions.shape)
        given = (positions, s.types, scale * s.cell)
        one, other = pot.compute(*given), exact.compute(*given)
        difference = np.abs(one.forces - other.forces).max()
        assert difference <= pot.plan.certificate.force


def test_a_tolerance_is_kept_where_it_is_measured(
    waters: dict[str, dpse_fast.Potential],
) -> None:
    plan = waters["double"].plan
    assert plan is not None
    assert plan.certificate is not None
    assert 0 < plan.certificate.force <= plan.tolerance
    assert plan.certificate.force_rms < plan.certificate.force
    assert plan.certificate.n_atoms > 500


def test_forms_that_do_not_keep_the_tolerance_are_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = random_model(2, embedding=(6, 12, 24), axis=5)
    module = importlib.import_module("dpse_fast.planning.choose_plan")
    monkeypatch.setattr(module, "SHARES", (1e3,))
    plan = make_plan(model, tolerance=1e-4)
    assert plan.certificate is not None
    assert plan.certificate.force <= 1e-4


def test_precisions_are_told_apart() -> None:
    model = dpse_fast.load(GOLDEN / "trained.pb", tol=0).model
    types = frozenset(range(model.n_types))
    found = choose(model, 0.0, types, "double", tuple(PRECISIONS)).certificates
    assert found["double"].force < 1e-8 < found["mixed"].force
    assert found["mixed"].force <= 2 * found["single"].force


def test_differences_add_up() -> None:
    one = Accuracy(1.0, 0.5, 2.0, 1.0, 3.0, 1.5, 4)
    both = one + one
    assert both == Accuracy(2.0, 1.0, 4.0, 2.0, 6.0, 3.0, 4)
    assert both.summary()["virial_max_ev_per_atom"] == 6.0


def test_sampled_structures() -> None:
    """As many neighbours as the statistics tell, no atoms on each other, all types."""
    model = dpse_fast.load().model
    counts = neighbours_of(model, [0, 1])
    assert 60 < counts.sum() < 120  # water within 6 Å has 89
    for structure in sample_structures(model, [0, 1]):
        assert set(structure.types) == {0, 1}
        d = structure.positions[:, None] - structure.positions[None]
        edge = structure.cell[0, 0]
        d -= edge * np.round(d / edge)
        r = np.linalg.norm(d, axis=2)[np.triu_indices(len(d), 1)]
        assert r.min() > 0.5
