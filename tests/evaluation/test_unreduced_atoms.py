"""Atoms with a neighbour closer than the plan is certified for, on both devices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from comparison import same_report
from families import family, parameters
from ghosts import with_ghosts
from numpy.typing import NDArray
from random_model import Structure, random_model, random_structure

import dpse_fast
from dpse_fast.model import Model
from dpse_fast.plan import Plan
from dpse_fast.planning import planner

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.parametrize("device", ["cpu", "cuda"]),
]

Array = NDArray[np.float64]
SHORT: dict[str, Any] = {"rcut": 3.1, "rcut_smth": 1.2}
CLOSE = 0.62  # Å; the models are certified from 0.81 Å on
EXACT = 1e-10  # eV and eV/Å


def load(model: Model, device: str, **options: Any) -> dpse_fast.Potential:
    return dpse_fast.load(model, **{"device": device, "precision": "double", **options})


def exact(model: Model, **options: Any) -> dpse_fast.Potential:
    """Everything as the model has it."""
    return load(model, "cpu", tol=0.0, **options)


def plan_of(pot: dpse_fast.Potential) -> Plan:
    plan = pot._planner.plan
    assert plan is not None
    return plan


def certificate(pot: dpse_fast.Potential) -> Any:
    return plan_of(pot).certificate


def squeezed(kind: str = "open", distance: float = CLOSE, n: int = 6) -> Structure:
    """Atoms 1 and 4, of unlike types, at a distance (Å); atom 4 near an edge."""
    s = random_structure(kind, 2, 3, n)
    cell = None if s.cell is None else 0.8 * s.cell
    positions = 0.8 * s.positions
    positions[4] = positions[1] + distance * np.array([0.48, 0.6, 0.64])
    return Structure(positions, s.types, cell, s.pbc)


def compute(pot: dpse_fast.Potential, s: Structure, **given: Any) -> dpse_fast.Result:
    return pot.compute(*s[:3], pbc=s.pbc, atomic=True, **given)


def check(model: Model, s: Structure, device: str, **options: Any) -> None:
    """All within the certificate; atoms 1 and 4 as at no tolerance."""
    pot, given = load(model, device, **options), parameters(model, len(s.positions))
    found = compute(pot, s, **given)
    options.pop("precision", None)
    expected = compute(exact(model, **options), s, **given)
    assert found.report.unreduced_atoms == 2
    assert found.report.atoms is not None
    assert expected.report.atoms is not None
    marked = np.flatnonzero(found.report.atoms.counts.unreduced)
    assert marked.tolist() == [1, 4]
    energies, want = found.atomic_energies, expected.atomic_energies
    np.testing.assert_allclose(energies[marked], want[marked], rtol=0, atol=EXACT)
    own = certificate(pot)
    np.testing.assert_allclose(energies, want, rtol=0, atol=len(want) * own.energy)
    assert found.energy == pytest.approx(float(energies.sum()), abs=EXACT)
    strongest = np.abs(expected.forces).max()
    limit = own.force + own.force_rounding * strongest
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=limit)
    # Forces times several Å.
    for name in ("virial", "atomic_virials"):
        got, reference = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(
            got, reference, rtol=0, atol=10 * limit, err_msg=name
        )
    same_report(
        replace(found.report, unreduced_atoms=0, atoms=None),
        replace(expected.report, atoms=None),
    )
    for own_counts, others in zip(
        found.report.atoms.counts[:-1], expected.report.atoms.counts[:-1], strict=True
    ):
        np.testing.assert_array_equal(own_counts, others)


@pytest.mark.parametrize(
    "name",
    [
        *("se_e2_a", "hybrid", "mixed_gated", "excluded", "emptied"),
        *("pair_table", "table_sel", "aparam", "listed"),
    ],
)
def test_families(name: str, device: str) -> None:
    """Excluded pairs mark their atoms as well."""
    options = {} if name == "hybrid" else SHORT
    check(family(name, **options), squeezed(), device)


@pytest.mark.parametrize("kind", ["thin", "triclinic", "slab"])
def test_cells(kind: str, device: str) -> None:
    check(family("se_e2_a", **SHORT), squeezed(kind), device)


@pytest.mark.parametrize("precision", ["mixed", "single"])
@pytest.mark.parametrize("name", ["se_e2_a", "pair_table"])
def test_close_atoms_are_in_double(name: str, precision: str, device: str) -> None:
    check(family(name, **SHORT), squeezed(), device, precision=precision)


@pytest.mark.parametrize(
    ("name", "sel", "mode"),
    [
        *[("se_e2_a", (1, 2), mode) for mode in ("truncate", "all")],
        *[("mixed", (3,), "truncate"), ("hybrid", (2, 2), "truncate")],
    ],
)
def test_sel_overflow(name: str, sel: tuple[int, ...], mode: str, device: str) -> None:
    options = {} if name == "hybrid" else SHORT
    model = family(name, sel=sel, **options)
    check(model, squeezed(), device, sel_overflow=mode)


def test_a_cutoff_shorter_than_certified(device: str) -> None:
    """The descriptor that does not see the close neighbour leaves the atom out too."""
    options = {"rcut": 1.7, "rcut_smth": 0.9, "hybrid": ({"rcut": 5.0},)}
    model = replace(family("se_e2_a", **options), min_distance=2.4)
    positions = np.array(
        [[0, 0, 0], [0, 0, 2.0], [4.3, 0, 0], [0, 2.5, 4.0], [3, 3, 3]]
    )
    positions[4] = positions[1] + [1.9, 0, 0.0]
    s = Structure(positions, np.arange(5) % 2, None, (False,) * 3)
    pot = load(model, device)
    assert 1.9 < plan_of(pot).certified < 2.3
    found, expected = compute(pot, s), compute(exact(model), s)
    assert found.report.unreduced_atoms == 3
    limit = certificate(pot).force
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=limit)
    limit = 5 * certificate(pot).energy
    assert found.energy == pytest.approx(expected.energy, abs=limit)


def test_an_atom_near_its_own_image(device: str) -> None:
    """Its forces on images are its own."""
    model = family("se_e2_a", **SHORT)
    positions = np.array([[0.1, 0, 0], [0.4, 1.6, 0.2]])
    s = Structure(
        positions, np.array([0, 1]), np.diag([0.78, 9, 9]), (True, False, False)
    )
    pot = load(model, device)
    found, expected = compute(pot, s), compute(exact(model), s)
    assert found.report.unreduced_atoms == 2
    for name in ("forces", "virial", "atomic_energies", "atomic_virials"):
        got, want = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-8, err_msg=name)


def test_virtual_atoms_keep_their_places(device: str) -> None:
    model, s = family("aparam", **SHORT), squeezed()
    types = s.types.copy()
    types[[0, 2]] = -1
    check(model, s._replace(types=types), device)
    types[4] = -1
    given = parameters(model, len(types))
    report = compute(load(model, device), s._replace(types=types), **given).report
    assert report.unreduced_atoms == 0


def test_only_where_the_plan_is_reduced(device: str) -> None:
    model, s = family("se_e2_a", **SHORT), squeezed()
    assert compute(load(model, device, tol=0.0), s).report.unreduced_atoms == 0
    pot = load(model, device)
    far = compute(pot, squeezed(distance=0.82)).report
    assert (far.close_pairs, far.unreduced_atoms) == (1, 0)
    assert pot.compute(*s[:3]).report.summary()["unreduced_atoms"] == 2


def test_types_that_come_one_after_another(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both plans grow, each with its own numbers of the types."""
    monkeypatch.setattr(planner, "MOST_AT_LOAD", 1)
    model = family("se_e2_a", n_types=4, **SHORT)
    session, reference = load(model, device).session(), exact(model)
    positions = np.array([[0, 0, 0], [0, 0, 0.7], [9, 0, 0], [9, 0, 1.1], [9, 1.2, 0]])
    for types in ([2, 2, 3, 3, 3], [3, 2, 3, 3, 2], [0, 3, 2, 2, 2], [2, 0, 0, 3, 3]):
        result = session.compute(positions, types, atomic=True)
        expected = reference.compute(positions, types, atomic=True)
        assert result.report.unreduced_atoms == 2
        np.testing.assert_allclose(result.forces, expected.forces, rtol=0, atol=1e-5)
        got, want = result.atomic_energies[:2], expected.atomic_energies[:2]
        np.testing.assert_allclose(got, want, rtol=0, atol=EXACT)


@pytest.mark.parametrize("name", ["hybrid", "pair_table", "aparam"])
def test_lists_of_the_caller(name: str, device: str) -> None:
    """Of parts of a system, with the close atoms in one of them, or in both."""
    model = family(name, **({} if name == "hybrid" else SHORT))
    s = squeezed("slab")
    n, given = len(s.positions), parameters(model, len(s.positions))
    pot, sessions = load(model, device), []
    for one in (pot, exact(model)):
        sessions.append(one.listed_session())
    limit = certificate(pot).force
    for parts in ([4, 1, 0], [3, 2, 5]), ([4, 2, 0], [3, 1, 5]):
        total, n_unreduced = np.zeros((n, 3)), 0
        for local in map(np.array, parts):
            g = with_ghosts(*s, reach=model.rcut + 0.7, local=local)
            own = dict(given)
            if own["aparam"] is not None:
                own["aparam"] = own["aparam"][local]
            wanted = {"atomic": True, "pair_gradients": True, **own}
            found, expected = (one.compute(*g.arguments, **wanted) for one in sessions)
            for key in ("forces", "atomic_energies", "pair_gradients", "virial"):
                got, want = getattr(found, key), getattr(expected, key)
                size = 10 * limit if key == "virial" else limit
                np.testing.assert_allclose(got, want, rtol=0, atol=size, err_msg=key)
            marked = np.isin(local, [1, 4])
            assert found.report.atoms.counts.unreduced.tolist() == marked.tolist()
            n_unreduced += found.report.unreduced_atoms
            rows = np.repeat(np.arange(len(local)), np.diff(g.first))
            of_marked = marked[rows]
            got, want = (one.pair_gradients[of_marked] for one in (found, expected))
            np.testing.assert_allclose(got, want, rtol=0, atol=EXACT)
            total += g.onto_owners(found.forces, n)
        assert n_unreduced == 2
        whole = compute(pot, s, **given)
        np.testing.assert_allclose(total, whole.forces, rtol=0, atol=EXACT)


def test_a_list_of_the_caller_whose_atoms_move(device: str) -> None:
    model = family("se_e2_a", **SHORT)
    pot = load(model, device)
    session, s = pot.listed_session(), squeezed()
    g = with_ghosts(*s, reach=model.rcut + 2.0)
    for step, distance in enumerate((1.0, 0.7, 0.9, 0.75)):
        positions = squeezed(distance=distance).positions
        found = session.compute(
            positions[g.owners], *g.arguments[1:], same_list=step > 0
        )
        alone = pot.compute(positions, s.types)
        assert found.report.unreduced_atoms == (2 if distance < 0.8 else 0)
        assert found.report.atoms is None
        assert found.energy == pytest.approx(alone.energy, abs=EXACT)
        np.testing.assert_allclose(found.forces, alone.forces, rtol=0, atol=EXACT)


def test_a_session_of_moving_atoms(device: str) -> None:
    """In and out of the certified range, with one list; atoms wait and return."""
    model = family("aparam", **SHORT)
    pot = load(model, device)
    session, given = pot.session(skin=0.9), parameters(model, 5)
    for distance in (1.0, 0.7, 0.6, 0.82, 0.8):
        s = squeezed("slab", distance, n=5)
        given["aparam"] = given["aparam"] + 0.1
        found, alone = compute(session, s, **given), compute(pot, s, **given)
        assert found.report.unreduced_atoms == (2 if distance < 0.81 else 0)
        for name in ("forces", "atomic_energies", "virial", "atomic_virials"):
            got, want = getattr(found, name), getattr(alone, name)
            np.testing.assert_allclose(got, want, rtol=0, atol=EXACT, err_msg=name)
        same_report(found.report, alone.report)
    assert session.list_builds == 1


def test_batches(device: str) -> None:
    model = family("aparam", **SHORT)
    pot, systems = load(model, device), []
    for kind, distance in (("open", 0.7), ("slab", 0.9), ("slab", 0.6), ("open", 0.5)):
        s = squeezed(kind, distance, n=5)
        systems.append(dpse_fast.Structure(*s, **parameters(model, 5)))
    results = pot.compute_batch(systems, atomic=True)
    assert [one.report.unreduced_atoms for one in results] == [2, 0, 2, 2]
    for one, result in zip(systems, results, strict=True):
        parts = {"fparam": one.fparam, "aparam": one.aparam}
        alone = compute(pot, Structure(*one[:4]), **parts)
        np.testing.assert_allclose(result.forces, alone.forces, rtol=0, atol=EXACT)
        assert result.energy == pytest.approx(alone.energy, abs=EXACT)
        same_report(result.report, alone.report)


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_the_same_numbers_every_time(precision: str, device: str) -> None:
    model, s = family("pair_table", **SHORT), squeezed("wire")
    pots = [load(model, device, precision=precision, threads=n) for n in (1, 2)]
    first, *others = [compute(pot, s) for pot in (*pots, pots[0])]
    for other in others:
        for name in ("forces", "atomic_energies", "virial", "atomic_virials"):
            np.testing.assert_array_equal(getattr(first, name), getattr(other, name))
        assert first.energy == other.energy


@pytest.mark.parametrize("name", ["se_e2_a", "pair_table"])
def test_forces_are_the_gradient_of_the_energy(name: str, device: str) -> None:
    """On paths where the same atoms are close."""
    model = family(name, **SHORT)
    pot, s, step = load(model, device), squeezed(), 1e-4
    session = pot.session(skin=0.5)
    forces = session.compute(s.positions, s.types).forces
    for atom, axis in ((1, 0), (0, 1)):
        energies = []
        for sign in (1, -1):
            positions = s.positions.copy()
            positions[atom, axis] += sign * step
            energies.append(session.compute(positions, s.types).energy)
        slope = (energies[0] - energies[1]) / (2 * step)
        assert forces[atom, axis] == pytest.approx(-slope, abs=1e-5)


@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_the_jump_at_the_border(precision: str, device: str) -> None:
    model = family("se_e2_a", **SHORT)
    pot = load(model, device, precision=precision)
    border, found = plan_of(pot).certified, []
    for distance in (border - 1e-9, border + 1e-9):
        found.append(compute(pot, squeezed(distance=distance)))
    inside, outside = found
    assert [one.report.unreduced_atoms for one in found] == [2, 0]
    own = certificate(pot)
    jump = abs(inside.energy - outside.energy)
    assert 0 < jump < len(inside.forces) * own.energy
    limit = own.force + own.force_rounding * np.abs(inside.forces).max()
    np.testing.assert_allclose(inside.forces, outside.forces, rtol=0, atol=limit)


def test_errors_name_the_atom(device: str) -> None:
    model = family("pair_table", **SHORT)
    pot = load(model, device)
    positions = np.diag([1.0, 3.0, 5.0])[[0, 1, 2, 1]]
    with pytest.raises(dpse_fast.InputError, match=r"lies on atom [13];"):
        pot.compute(positions, [-1, 0, 1, 1])
    near = positions + np.diag([0, 0, 0, 0.3])[:, 1:]
    with pytest.raises(dpse_fast.InputError, match=r"atom [13] has a neighbour closer"):
        pot.compute(near, [-1, 0, 1, 1])
    g = with_ghosts(near, np.array([0, 0, 1, 1]), None, False, 3.2, local=[3, 0, 1])
    with pytest.raises(dpse_fast.InputError, match=r"atom [02] has a neighbour closer"):
        pot.listed_session().compute(*g.arguments)


def test_numbers_that_overflow_are_counted(device: str) -> None:
    model = family("pair_table", **SHORT)
    assert model.pair_table is not None
    steep = np.full_like(model.pair_table.coefficients, 1e308)
    table = replace(model.pair_table, coefficients=steep, inner=9.0)
    pot = load(replace(model, pair_table=table), device)
    report = pot.compute([[0, 0, 0], [0, 0, 0.7], [0, 0, 30]], [0, 1, 0]).report
    assert (report.unreduced_atoms, report.non_finite_atoms) == (2, 2)


def test_nothing_else_changes(device: str) -> None:
    """A close pair far away leaves atoms as they are."""
    model = random_model(**SHORT)
    pot, s = load(model, device), random_structure("open", 2, 3, 6)
    pair = np.array([[50, 0, 0], [50, 0, 0.7]])
    both = pot.compute(np.concatenate([s.positions, pair]), [*s.types, 0, 1])
    assert both.report.unreduced_atoms == 2
    alone = pot.compute(s.positions, s.types)
    np.testing.assert_allclose(both.forces[:6], alone.forces, rtol=0, atol=1e-13)
    lone = pot.compute(pair, [0, 1])
    np.testing.assert_allclose(both.forces[6:], lone.forces, rtol=0, atol=1e-13)
    assert both.energy == pytest.approx(alone.energy + lone.energy, abs=1e-11)
