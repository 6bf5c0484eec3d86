"""A caller's list on the device against the processors, and against the oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import naive
import numpy as np
import pytest
from comparison import same_report
from families import FAMILIES, family, parameters
from ghosts import Ghosts, with_ghosts
from random_model import Structure, random_model, random_structure

import dpse_fast
from dpse_fast.evaluation.listed_session import ListedResult
from tests.cuda.test_pipeline import LIMITS, TINY

pytestmark = pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")

SKIN = 0.7  # Å
ARRAYS = ("forces", "virial", "atomic_energies", "atomic_virials", "pair_gradients")
ALL: dict[str, Any] = {"atomic": True, "pair_gradients": True}


def on_device(model: Any, precision: str = "double", **options: Any) -> Any:
    """A session."""
    chosen = {"device": "cuda", "precision": precision, "tol": 0.0, **options}
    return dpse_fast.load(model, **chosen).listed_session()


def on_cpu(model: Any, **options: Any) -> Any:
    return dpse_fast.load(
        model, **{"device": "cpu", "tol": 0.0, **options}
    ).listed_session()


def small(kind: str = "wire", n_atoms: int | None = 5) -> Structure:
    """A few atoms, close enough for forces."""
    s = random_structure(kind, 2, 3, n_atoms)
    cell = None if s.cell is None else 0.8 * s.cell
    return s._replace(positions=0.8 * s.positions, cell=cell)


def ghosts_of(model: Any, s: Structure, local: Any = None) -> Ghosts:
    """With pairs of a skin, and neighbours in random order."""
    return with_ghosts(*s, reach=model.rcut + SKIN, local=local)


def same(
    found: ListedResult, expected: ListedResult, precision: str = "double"
) -> None:
    energy, force = LIMITS[precision]
    assert found.energy == pytest.approx(expected.energy, abs=10 * energy)
    for name in ARRAYS:
        got, want = getattr(found, name), getattr(expected, name)
        assert (got is None) == (want is None), name
        if want is not None:
            limit = (energy if name == "atomic_energies" else force) * 3
            limit *= max(1.0, np.abs(want).max(initial=0.0) / 10)
            np.testing.assert_allclose(got, want, rtol=0, atol=limit, err_msg=name)
    same_report(found.report, expected.report)


def on_both(
    model: Any, *arguments: Any, precision: str = "double", **options: Any
) -> ListedResult:
    """What is found on the device, which is the same on the processors."""
    found = on_device(model, precision).compute(*arguments, **options)
    same(found, on_cpu(model).compute(*arguments, **options), precision)
    return found


def check(model: Any, g: Ghosts, *lists: Any, precision: str = "double") -> None:
    given = parameters(model, len(g.first) - 1)
    arguments = g.positions, g.types, *(lists or g.lists)
    found = on_both(model, *arguments, precision=precision, **ALL, **given)
    assert np.abs(found.pair_gradients).max() > 1e-3


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str) -> None:
    model = family(name)
    check(model, ghosts_of(model, small()))


@pytest.mark.parametrize("name", [n for n in FAMILIES if "table" in n])
def test_pair_tables(name: str) -> None:
    """Pairs where the table takes over from the nets, partly and altogether."""
    model = family(name)
    positions = np.array([[0, 0, 0], [1.2, 0, 0], [0.3, 1.3, 0], [1.5, 1.5, 0.2]])
    s = Structure(positions, np.array([0, 1, 0, 1]), None, (False,) * 3)
    check(model, ghosts_of(model, s))


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("kind", ["tiny", "slab", "open"])
def test_periodic_structures(kind: str, deterministic: bool) -> None:
    """With the ghosts' share on their owners it is the periodic structure."""
    model, s = random_model(**TINY), small(kind, 3 if kind == "tiny" else 6)
    g, n = ghosts_of(model, s), len(s.positions)
    session = on_device(model, deterministic=deterministic)
    found = session.compute(*g.arguments, atomic=True)
    expected = naive.evaluate(model, *s)
    close = {"rtol": 0, "atol": 1e-9 * max(1.0, np.abs(expected.virial).max() / 10)}
    np.testing.assert_allclose(found.atomic_energies, expected.atomic_energies, **close)
    np.testing.assert_allclose(g.onto_owners(found.forces, n), expected.forces, **close)
    np.testing.assert_allclose(found.virial, expected.virial, **close)
    virials = g.onto_owners(found.atomic_virials, n)
    np.testing.assert_allclose(virials, expected.atomic_virials, **close)
    assert found.pair_gradients is None


@pytest.mark.parametrize("precision", ["mixed", "single"])
def test_precisions(precision: str) -> None:
    model = random_model(**TINY)
    check(model, ghosts_of(model, small("slab")), precision=precision)


@pytest.mark.parametrize("name", ["hybrid", "pair_table", "aparam"])
def test_parts_of_a_system_sum_to_the_whole(name: str) -> None:
    model, s = family(name), small("open", 7)
    n = len(s.positions)
    given = parameters(model, n)
    session, energy, forces, virial = on_device(model), 0.0, np.zeros((n, 3)), 0.0
    for local in (np.array([4, 0, 6]), np.array([1, 2, 5, 3])):
        g, own = ghosts_of(model, s, local), dict(given)
        if own["aparam"] is not None:
            own["aparam"] = own["aparam"][local]
        found = session.compute(*g.arguments, **own)
        energy, virial = energy + found.energy, virial + found.virial
        forces += g.onto_owners(found.forces, n)
    expected = naive.evaluate(model, *s, **given)
    assert energy == pytest.approx(expected.energy, abs=1e-10)
    np.testing.assert_allclose(forces, expected.forces, rtol=0, atol=1e-9)
    np.testing.assert_allclose(virial, expected.virial, rtol=0, atol=1e-8)


def chosen_rows(g: Ghosts, rows: Any) -> tuple[Any, Any, Any]:
    """The lists of some rows, in this order."""
    parts = [g.neighbours[g.first[k] : g.first[k + 1]] for k in rows]
    first = np.cumsum([0, *map(len, parts)])
    return first, np.concatenate(parts), np.array(rows)


def test_rows_in_any_order_and_not_of_all_atoms() -> None:
    model = family("aparam")
    g = ghosts_of(model, small("slab", 6))
    lists, given = chosen_rows(g, [4, 0, 3]), parameters(model, 3)
    on_both(model, g.positions, g.types, *lists, **ALL, **given)


def test_types_of_the_caller_and_atoms_that_do_not_exist() -> None:
    model, s = family("pair_table"), random_structure("open", 3, 3, 8)
    s = s._replace(positions=0.7 * s.positions)
    g = ghosts_of(model, s)
    found = on_both(model, *g.arguments, type_map=[1, -1, 0], **ALL)
    assert found.report.virtual_atoms == (s.types == 1).sum()
    assert not found.forces[g.types == 1].any()
    assert not found.pair_gradients[g.types[g.neighbours] == 1].any()
    virtual = np.where(g.types == 1, -1, g.types // 2)
    on_both(model, g.positions, virtual, *g.lists, **ALL)


@pytest.mark.parametrize("positions", [np.zeros((0, 3)), np.eye(3)[:2]])
def test_no_rows(positions: Any) -> None:
    model = random_model(**TINY)
    n = len(positions)
    found = on_both(model, positions, np.zeros(n, int), [0], [], **ALL)
    assert found.forces.shape == (n, 3)


def test_rows_without_neighbours_and_rows_that_do_not_count() -> None:
    model = random_model(**TINY)
    lone = np.eye(3)[:2], [1, 0], [0, 0, 0], []
    nobody = np.eye(3)[:2], [-1, -1], [0, 1, 2], [1, 0]
    for arguments in (lone, nobody):
        session = on_device(model)
        for same_list in (False, True):
            found = session.compute(*arguments, same_list=same_list, **ALL)
            same(found, on_cpu(model).compute(*arguments, **ALL))


@pytest.mark.parametrize("deterministic", [True, False])
def test_steps_with_the_same_list(deterministic: bool) -> None:
    """The second step is recorded, others replay it, until something else is asked."""
    model, s = family("aparam"), small("slab", 4)
    g, reference = ghosts_of(model, s), on_cpu(model)
    session = on_device(model, deterministic=deterministic)
    arrays = [np.array(a) for a in (g.types, *g.lists)]
    rng, positions = np.random.default_rng(5), g.positions
    asked = [{}, {}, {}, ALL, ALL, ALL, {"pair_gradients": True}]
    for step, options in enumerate(asked):
        given = parameters(model, 4, seed=step)
        found = session.compute(
            positions, *arrays, same_list=step > 0, **options, **given
        )
        for values in arrays:
            values[...] = 0  # they are not looked at again
        expected = reference.compute(positions, g.types, *g.lists, **options, **given)
        same(found, expected)
        positions = positions + rng.normal(scale=0.02, size=positions.shape)
    other = ghosts_of(model, small("open", 6))
    given = parameters(model, 6)
    arguments = other.arguments
    same(
        session.compute(*arguments, **ALL, **given),
        reference.compute(*arguments, **ALL, **given),
    )


def test_the_same_bits_in_every_run() -> None:
    model = random_model(**TINY)
    g = ghosts_of(model, small("slab"))
    one, two = (on_device(model).compute(*g.arguments, **ALL) for _ in range(2))
    assert one.energy == two.energy
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_sel_overflow_is_of_rows() -> None:
    model = family("se_e2_r", sel=(2, 3))
    s = small("open", 9)
    g = ghosts_of(model, s._replace(positions=0.6 * s.positions))
    check(model, g)
    check(model, g, *chosen_rows(g, [7, 2, 3, 0]))


@pytest.mark.filterwarnings("ignore::dpse_fast.NonFiniteWarning")
@pytest.mark.parametrize("atomic", [True, False])
def test_numbers_that_are_not_finite_are_reported_of_rows(atomic: bool) -> None:
    model = family("pair_table")
    steep = np.full_like(model.pair_table.coefficients, 1e308)
    table = replace(model.pair_table, coefficients=steep, inner=9.0)
    positions = [[0, 0, 0], [9, 9, 9], [0, 0, 1.5], [0, 0, 30]]
    arguments = positions, [0, 1, 1, 0], [0, 1, 1, 1], [2], [0, 1, 3]
    found, expected = (
        session(replace(model, pair_table=table)).compute(*arguments, atomic=atomic)
        for session in (on_device, on_cpu)
    )
    assert found.report.non_finite_atoms == 1
    same_report(found.report, expected.report)


def test_forces_are_added() -> None:
    model = random_model(**TINY)
    g = ghosts_of(model, small())
    session, arguments = on_device(model), g.arguments
    before = np.random.default_rng(1).normal(size=g.positions.shape)
    sums = before.copy()
    assert session.compute(*arguments, forces=sums).forces is sums
    alone = session.compute(*arguments).forces
    np.testing.assert_allclose(sums, before + alone, rtol=0, atol=1e-14)
    kept = sums.copy()
    with pytest.raises(dpse_fast.InputError):
        session.compute(g.positions * 0, *arguments[1:], forces=sums)
    np.testing.assert_array_equal(sums, kept)


def test_types_are_planned_as_they_are_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpse_fast.planning.planner.MOST_AT_LOAD", 1)
    model = random_model(**TINY)
    g = ghosts_of(model, small("open"))
    session, reference = on_device(model), on_cpu(model)
    for types in (0 * g.types, g.types):
        arguments = g.positions, types, *g.lists
        same(session.compute(*arguments, **ALL), reference.compute(*arguments, **ALL))
    assert session._evaluator._models[0].pipeline.species == (0, 1)
    one_rank = on_device(model)
    one_rank.compute(g.positions, 0 * g.types, *g.lists, type_map=[0, 1])
    assert one_rank._evaluator._models[0].pipeline.species == (0, 1)


def test_stages_are_measured() -> None:
    model = random_model(**TINY)
    g = ghosts_of(model, small("open"))
    pot = dpse_fast.load(model, device="cuda", tol=0.0)
    session = pot.listed_session(profile=True)
    assert not any(session.stage_seconds.values())
    session.compute(*g.arguments)
    assert all(session.stage_seconds.values())
    assert "neighbours" in session.stage_seconds
