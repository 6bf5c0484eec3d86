"""Models of many types are planned for the types that come."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import naive
import numpy as np
import pytest
import random_model as source
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.planning import planner
from dpse_fast.planning.structures import ATOMS, sample_structures

NAMES = ("O", "H", "Cu", "Mo", "C", "N", "Na", "Cl", "Si", "Al")


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> dpse_fast.Model:
    monkeypatch.setattr(source, "SYMBOLS", NAMES)
    return random_model(10, mixed=True, mean=0.0, gated="smooth", sel=(80,))


def test_types_are_planned_when_they_come(many: dpse_fast.Model) -> None:
    pot = dpse_fast.load(many, tol=0)
    assert pot.plan is None
    assert pot.describe()["plan"]["made"].startswith("for the types")
    structure = random_structure("cubic")
    for types in (2 * structure.types + 3, structure.types, 9 - structure.types):
        given = (structure.positions, types, structure.cell)
        result = pot.compute(*given, pbc=structure.pbc, atomic=True)
        expected = naive.evaluate(many, *given, structure.pbc)
        np.testing.assert_allclose(result.forces, expected.forces, rtol=0, atol=1e-9)
        np.testing.assert_allclose(
            result.atomic_energies, expected.atomic_energies, rtol=0, atol=1e-11
        )
    assert pot.plan is not None
    assert list(pot.plan.species) == [0, 1, 3, 5, 8, 9]
    assert len(pot.plan.tables[0]) == 36


def test_a_session_follows_new_types(many: dpse_fast.Model) -> None:
    pot = dpse_fast.load(many)
    session = pot.session()
    positions = np.diag([1.0, 2.2, 3.1])
    first = session.compute(positions, ["Cu", "Cu", "O"])
    second = session.compute(positions, ["Al", "Cu", "O"])
    assert first.energy != second.energy
    assert second.energy == pot.compute(positions, ["Al", "Cu", "O"]).energy


def test_a_type_without_any_pair_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "MOST_AT_LOAD", 1)
    model = random_model(dropped=frozenset({(0, 0)}))
    result = dpse_fast.load(model, tol=0).compute([[0, 0, 0], [1, 0, 0]], [0, 0])
    expected = naive.evaluate(model, [[0, 0, 0], [1, 0, 0]], [0, 0])
    assert result.energy == pytest.approx(expected.energy, abs=1e-11)
    assert not result.forces.any()


def test_an_interrupt_of_planning_leaves_nothing_behind(
    many: dpse_fast.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    pot = dpse_fast.load(many)
    positions = np.diag([1.0, 2.2, 3.1])
    pot.compute(positions, ["O", "H", "O"])

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(planner, "make_plan", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pot.compute(positions, ["Cu", "H", "O"])
    found = pot.compute(positions, ["Cu", "H", "O"])
    assert found.energy == dpse_fast.load(many).compute(positions, [2, 1, 0]).energy


def test_a_thread_waits_for_the_plan_of_all_types(
    many: dpse_fast.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    pot = dpse_fast.load(many)
    positions = 2.2 * np.arange(30.0).reshape(10, 3)
    pot.compute(positions[:2], [0, 1])
    planning, go_on = threading.Event(), threading.Event()
    make_plan = planner.make_plan

    def slow(*given: Any, **named: Any) -> Any:
        planning.set()
        assert go_on.wait(60)
        return make_plan(*given, **named)

    monkeypatch.setattr(planner, "make_plan", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(pot.session().compute, positions, range(10))
        assert planning.wait(60)
        second = pool.submit(pot.session().compute, positions, range(10))
        wait([second], 0.2)
        go_on.set()
        assert first.result().energy == second.result().energy


def test_few_types_are_planned_at_load() -> None:
    assert dpse_fast.load(random_model(3)).plan is not None


@pytest.mark.filterwarnings("ignore::dpse_fast.UnseenTypesWarning")
def test_types_that_no_atom_has_a_slot_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sampled structures are made of these types all the same."""
    monkeypatch.setattr(planner, "MOST_AT_LOAD", 1)
    model = random_model(3, sel=(0, 0, 30), embedding=(4, 8), fitting=(6,))
    s = random_structure("cubic")
    result = dpse_fast.load(model, sel_overflow="truncate").compute(*s[:3])
    expected = naive.evaluate(model, *s)
    assert result.energy == pytest.approx(expected.energy, abs=1e-11)


def test_more_types_than_a_sampled_structure_has_atoms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = tuple(f"X{t}" for t in range(ATOMS + 6))
    monkeypatch.setattr(source, "SYMBOLS", names)
    model = random_model(
        len(names),
        one_sided=True,
        mixed=True,
        mean=0.0,
        embedding=(2,),
        axis=1,
        fitting=(2,),
    )
    for structure in sample_structures(model, range(3, len(names))):
        assert set(structure.types) == set(range(3, len(names)))
