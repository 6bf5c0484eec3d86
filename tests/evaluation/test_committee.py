"""A committee: each model as it is alone, their deviation, and what is refused."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ghosts import with_ghosts
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.model import Model

TINY: dict[str, Any] = {"embedding": (4, 8), "fitting": (6, 6), "rcut": 3.1}
NAMES = ("energy", "forces", "virial", "atomic_energies", "atomic_virials")
EXACT: dict[str, Any] = {"tol": 0.0, "threads": 1}


def tiny(seed: int, **options: Any) -> Model:
    return random_model(seed=seed, **{**TINY, "rcut_smth": 1.2, **options})


def swapped(model: Model) -> Model:
    """With the names of its two types exchanged."""
    return replace(model, type_map=model.type_map[::-1])


COMMITTEES: dict[str, list[Model]] = {
    "alike": [tiny(1), tiny(2), tiny(3)],
    "other cutoff": [tiny(1), tiny(2, rcut=2.7)],
    "other sel": [tiny(1, sel=(7, 7)), tiny(2, sel=(6, 9))],
    "other order of types": [tiny(1), swapped(tiny(2)), swapped(tiny(3))],
    "more types": [tiny(1), tiny(2, n_types=3)],
    "other families": [tiny(1), tiny(2, kind="se_e2_r"), tiny(3, mixed=True)],
    "pair tables": [tiny(1, pair_table=True), tiny(2, pair_table=True)],
    "hybrid": [tiny(k, hybrid=({"kind": "se_e2_r", "rcut": 2.5},)) for k in (1, 2)],
    "parameters": [tiny(k, fparam=2, aparam=1) for k in (1, 2)],
}


def structure(kind: str = "open", n: int = 6) -> tuple[Any, ...]:
    s = random_structure(kind, 2, 3, n)
    names = [("O", "H")[t] for t in s.types]
    return s.positions, names, s.cell, s.pbc


def parameters(models: list[Model], n: int) -> dict[str, Any]:
    if models[0].fparam is None:
        return {}
    return {"fparam": [0.4, -1.0], "aparam": np.linspace(-1, 1, n)[:, None]}


def same(found: Any, expected: Any, atol: float = 0.0) -> None:
    for name in NAMES:
        a, b = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(a, b, rtol=0, atol=atol, err_msg=name)
    assert found.report.summary() == expected.report.summary()


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("name", COMMITTEES)
def test_each_model_is_as_it_is_alone(name: str, device: str) -> None:
    """Bitwise where the neighbour list is the same one."""
    models = COMMITTEES[name]
    positions, names, cell, pbc = structure("triclinic" if device == "cpu" else "open")
    own = parameters(models, len(names))
    options = {**EXACT, "device": device, "sel_overflow": "truncate"}
    committee = dpse_fast.load(models, **options)
    found = committee.compute(positions, names, cell, pbc=pbc, atomic=True, **own)
    assert found.members is not None
    exact = name not in ("other cutoff", "other order of types")
    for model, member in zip(models, found.members, strict=True):
        alone = dpse_fast.load(model, **options)
        expected = alone.compute(positions, names, cell, pbc=pbc, atomic=True, **own)
        same(member, expected, 0.0 if exact else 1e-12)
    same(found, found.members[0])


@pytest.mark.parametrize("precision", ["double", "mixed", "single"])
def test_reduced_plans_and_close_atoms(precision: str) -> None:
    """Tables of other grids; atoms that the unreduced plans are evaluated for."""
    models = [tiny(k) for k in (1, 2)]
    committee = dpse_fast.load(models, precision=precision, threads=2)
    positions, names, cell, pbc = structure("triclinic", 8)
    for distance in (1.5, 0.6):
        positions[4] = positions[1] + distance * np.array([0.48, 0.6, 0.64])
        s = (positions, names, cell)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = committee.compute(*s, pbc=pbc, atomic=True)
            assert found.members is not None
            for one, member in zip(committee.potentials, found.members, strict=True):
                same(member, one.compute(*s, pbc=pbc, atomic=True))
        assert (found.report.unreduced_atoms > 0) == (distance < 1)


def test_the_deviation_is_deepmds() -> None:
    committee = dpse_fast.load(COMMITTEES["alike"], **EXACT)
    positions, names, cell, pbc = structure("triclinic")
    found = committee.compute(positions, names, cell, pbc=pbc)
    assert found.members is not None
    assert found.deviation is not None
    n, deviation = len(names), found.deviation
    forces, virials = found.members.forces, found.members.virials / n
    mean = forces.mean(axis=0)
    each = np.sqrt(((forces - mean) ** 2).sum(axis=2).mean(axis=0))
    np.testing.assert_allclose(deviation.forces, each, rtol=1e-12)
    assert deviation.max_force == deviation.forces.max() > 0.01
    assert deviation.min_force == deviation.forces.min()
    np.testing.assert_allclose(deviation.mean_force, each.mean())
    spread = virials.std(axis=0)
    np.testing.assert_allclose(deviation.virial, spread, rtol=1e-12)
    np.testing.assert_allclose(deviation.mean_virial, np.sqrt((spread**2).mean()))
    np.testing.assert_allclose(deviation.energy, found.members.energies.std() / n)
    relative = deviation.relative(force=0.2, virial=0.1)
    length = np.linalg.norm(mean, axis=1)
    np.testing.assert_allclose(relative.forces, each / (length + 0.2), rtol=1e-12)
    size = np.linalg.norm(virials.mean(axis=0))
    np.testing.assert_allclose(relative.virial, spread / (size + 0.1), rtol=1e-12)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_mean_drives(device: str) -> None:
    models = COMMITTEES["alike"]
    options = {**EXACT, "device": device}
    committee = dpse_fast.load(models, driver="mean", **options)
    found = committee.compute(*structure()[:2], atomic=True)
    assert found.members is not None
    for name in NAMES:
        expected = np.mean([getattr(one, name) for one in found.members], axis=0)
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-13)
    with pytest.raises(dpse_fast.InputError, match="deviation: expected True"):
        committee.compute(*structure()[:2], deviation=False)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_driver_alone_between_deviations(device: str) -> None:
    """Of one session, whose list serves both."""
    committee = dpse_fast.load(COMMITTEES["alike"], device=device, **EXACT)
    session, driver = committee.session(0.6), committee.potentials[0].session(0.6)
    positions, names, *_ = structure()
    rng = np.random.default_rng(1)
    for step in range(5):
        moved = positions + rng.normal(scale=0.02, size=positions.shape)
        found = session.compute(moved, names, deviation=step % 2 == 0)
        expected = driver.compute(moved, names)
        assert (found.deviation is not None) == (step % 2 == 0)
        assert (found.members is not None) == (step % 2 == 0)
        np.testing.assert_array_equal(found.forces, expected.forces)
    assert session.list_builds == driver.list_builds == 1


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_callers_list(device: str) -> None:
    models = COMMITTEES["other order of types"]
    committee = dpse_fast.load(models, device=device, **EXACT)
    s = random_structure("open", 2, 3, 6)
    g = with_ghosts(s.positions, s.types, None, (False,) * 3, 3.1)
    session, n = committee.listed_session(), len(s.positions)
    given = (g.positions, g.types, g.first, g.neighbours, np.arange(n))
    expected = committee.compute(s.positions, s.types, atomic=True)
    assert expected.members is not None
    for same_list in (False, True):
        sums = np.ones((len(g.positions), 3))
        lists = given[:1] + ((None,) * 4 if same_list else given[1:])
        found = session.compute(
            *lists, same_list=same_list, forces=sums, atomic=True, pair_gradients=True
        )
        assert found.members is not None
        for own, one in zip(found.members, expected.members, strict=True):
            forces = own.forces - 1.0 if own.forces is sums else own.forces
            np.testing.assert_allclose(
                g.onto_owners(forces, n), one.forces, rtol=0, atol=1e-10
            )
            np.testing.assert_allclose(own.atomic_energies, one.atomic_energies)
            assert own.pair_gradients is not None
            assert np.abs(own.pair_gradients).max() > 0
        assert found.forces is found.members[0].forces is sums
    only = session.compute(g.positions, *(None,) * 4, same_list=True, deviation=False)
    assert only.members is None
    np.testing.assert_allclose(only.forces, sums - 1.0, rtol=0, atol=1e-14)
    mean = dpse_fast.load(models, device=device, driver="mean", **EXACT)
    with pytest.raises(dpse_fast.InputError, match="forces: expected None with driver"):
        mean.listed_session().compute(*given, forces=sums)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_batch(device: str) -> None:
    models = COMMITTEES["other order of types"]
    committee = dpse_fast.load(models, device=device, driver="mean", **EXACT)
    systems = [structure()[:2], structure("open", 5)[:2], (np.zeros((1, 3)), [-1])]
    for k, found in enumerate(committee.compute_batch(systems, atomic=True)):
        expected = committee.compute(*systems[k], atomic=True)
        same(found, expected, 1e-11)
        assert found.deviation is not None
        assert expected.deviation is not None
        np.testing.assert_allclose(
            found.deviation.forces, expected.deviation.forces, rtol=0, atol=1e-11
        )
    first = dpse_fast.load(models, device=device, **EXACT)
    (only,) = first.batch_session().compute(systems[:1], deviation=False)
    assert only.members is None


def test_a_deviation_tolerance() -> None:
    """The first model stays as it is, the others are cheaper and still certified."""
    models = [random_model(seed=k, axis=8) for k in (1, 2)]
    exact = dpse_fast.load(models, threads=1)
    committee = dpse_fast.load(models, threads=1, deviation_tol=1e-2)
    first, second = committee.potentials
    assert (first.precision, first.tol) == ("double", 1e-5)
    assert (second.precision, second.tol) == ("mixed", 1e-2)
    assert first.plan is not None
    assert second.plan is not None
    of_exact = exact.potentials[1].plan
    assert of_exact is not None
    assert second.plan.n_inputs(0) < of_exact.n_inputs(0)
    s = structure("triclinic")
    found, expected = (c.compute(*s[:3], pbc=s[3]) for c in (committee, exact))
    np.testing.assert_array_equal(found.forces, expected.forces)
    certified = committee.deviation_certificate()
    assert certified is not None
    assert found.deviation is not None
    assert expected.deviation is not None
    changed = np.abs(found.deviation.forces - expected.deviation.forces).max()
    assert 1e-7 < changed <= certified["force_max_ev_per_angstrom"] < 2e-2
    described = committee.describe()
    assert described["deviation_tolerance_ev_per_angstrom"] == 1e-2
    assert described["deviation_certificate"] == certified
    assert [one["plan"]["precision"] for one in described["models"]] == [
        "double",
        "mixed",
    ]


def test_warnings_name_the_model() -> None:
    """Once for all of the same, and by name where a model has more to say."""
    s = structure("triclinic", 10)
    wide, narrow = tiny(1, sel=(40, 40)), tiny(2, sel=(2, 3))

    def heard(models: list[Model]) -> list[str]:
        texts: list[str] = []
        session = dpse_fast.load(models, **EXACT).session(inform=texts.append)
        for _ in range(2):
            session.compute(*s[:3], pbc=s[3])
        return texts

    (text,) = heard([wide, narrow])
    assert text.startswith("models[1]: 1 atoms have more neighbours than sel")
    (text,) = heard([narrow, tiny(3, sel=(2, 3))])
    assert text.startswith("1 atoms have more neighbours than sel")
    strict = dpse_fast.load([wide, narrow], sel_overflow="error", **EXACT)
    with pytest.raises(dpse_fast.InputError, match=r"positions: models\[1\]: 1 atoms"):
        strict.compute(*s[:3], pbc=s[3])


def test_names_pickles_and_nobody() -> None:
    committee = dpse_fast.load(
        COMMITTEES["other order of types"], type_map=["Cu", "Mo"], **EXACT
    )
    assert [one.type_map for one in committee.potentials] == [
        ("Cu", "Mo"),
        ("Mo", "Cu"),
        ("Mo", "Cu"),
    ]
    positions, names, *_ = structure()
    renamed = ["Cu" if name == "O" else "Mo" for name in names]
    found = committee.compute(positions, renamed)
    again = pickle.loads(pickle.dumps(committee)).compute(positions, renamed)
    np.testing.assert_array_equal(found.forces, again.forces)
    assert len(committee) == 3
    assert "Committee of 3 models, types Cu Mo" in repr(committee)
    nobody = committee.compute(positions, [-1] * len(positions))
    assert nobody.deviation is not None
    assert nobody.deviation.max_force == nobody.energy == 0.0


@pytest.mark.parametrize(
    ("models", "options", "text"),
    [
        ([tiny(1)], {}, "models: expected two or more for a committee, got 1"),
        ([tiny(1), 7], {}, r"models\[1\]: model path: expected str or .*, got int"),
        (
            [tiny(1, n_types=3), tiny(2)],
            {},
            r"models\[1\]: expected all types of the first model \(O, H, Cu\), got O",
        ),
        (
            [tiny(1, fparam=1), tiny(2)],
            {},
            r"models\[1\]: expected a model with 1 fparam, as the first one, got one "
            "with 0",
        ),
        ([tiny(1), tiny(2)], {"driver": "last"}, "driver: expected one of first, mean"),
        ([tiny(1), tiny(2)], {"deviation_tol": -1}, "deviation_tol: expected"),
        (
            [tiny(1), tiny(2)],
            {"deviation_tol": 1e-6},
            r"deviation_tol: expected 0, or at least tol \(1e-05 eV/Å\), got 1e-06",
        ),
        (
            [tiny(1), tiny(2)],
            {"deviation_tol": 1e-3, "driver": "mean"},
            "deviation_tol: expected 0 with driver='mean'",
        ),
        ([tiny(1), tiny(2)], {"head": ["a"]}, "head: expected one for all 2 models"),
        (tiny(1), {"driver": "mean"}, "driver: expected a list of models with it"),
        (tiny(1), {"deviation_tol": 0.0}, "deviation_tol: expected a list of models"),
    ],
)
def test_what_is_refused(models: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(dpse_fast.InputError, match=text):
        dpse_fast.load(models, **options)
