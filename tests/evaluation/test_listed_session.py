"""A session with a caller's list with ghosts, against the oracle."""

from __future__ import annotations

from typing import Any

import naive
import numpy as np
import pytest
from comparison import compare
from conftest import Backend
from families import FAMILIES, family, parameters
from ghosts import Ghosts, with_ghosts
from random_model import KINDS, random_model, random_structure

import dpse_fast
from dpse_fast.errors import InputError
from dpse_fast.results import Result

pytestmark = pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
SKIN = 0.7


def rows_of(given: dict[str, Any], rows: Any) -> dict[str, Any]:
    """Parameters of some atoms."""
    own = given["aparam"]
    return given | {"aparam": None if own is None else own[rows]}


def on_owners(found: Any, ghosts: Ghosts) -> Result:
    """What the session found, as the periodic structure has it."""
    n = 1 + ghosts.owners.max()
    energies = np.zeros(n)
    energies[ghosts.owners[: len(ghosts.first) - 1]] = found.atomic_energies
    return Result(
        found.energy,
        ghosts.onto_owners(found.forces, n),
        found.virial,
        energies,
        ghosts.onto_owners(found.atomic_virials, n),
        found.report,
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str, backend: Backend) -> None:
    model = family(name)
    structure = random_structure("triclinic", model.n_types)
    given = parameters(model, len(structure.positions))
    ghosts = with_ghosts(*structure, reach=model.rcut + SKIN)
    session = backend.load(model).listed_session()
    found = session.compute(*ghosts.arguments, atomic=True, **given)
    expected = naive.evaluate(model, *structure, **given)
    compare(on_owners(found, ghosts), expected, backend)


@pytest.mark.parametrize("kind", KINDS)
def test_cells(kind: str, backend: Backend) -> None:
    model = random_model()
    structure = random_structure(kind)
    ghosts = with_ghosts(*structure, reach=model.rcut)
    session = backend.load(model).listed_session()
    found = session.compute(*ghosts.arguments, atomic=True)
    compare(on_owners(found, ghosts), naive.evaluate(model, *structure), backend)


@pytest.mark.parametrize("name", ["hybrid", "pair_table", "aparam", "table_sel"])
def test_parts_of_a_system_sum_to_the_whole(name: str, backend: Backend) -> None:
    model = family(name)
    structure = random_structure("slab", model.n_types)
    n = len(structure.positions)
    given = parameters(model, n)
    order = np.random.default_rng(3).permutation(n)
    session = backend.load(model).listed_session()
    energy, forces, virial = 0.0, np.zeros((n, 3)), np.zeros((3, 3))
    for local in (order[:7], order[7:]):
        ghosts = with_ghosts(*structure, reach=model.rcut + SKIN, local=local)
        own = rows_of(given, local)
        found = session.compute(*ghosts.arguments, **own)
        energy += found.energy
        forces += ghosts.onto_owners(found.forces, n)
        virial += found.virial
    expected = naive.evaluate(model, *structure, **given)
    assert energy == pytest.approx(expected.energy, abs=n * backend.energy)
    scale = max(1.0, np.abs(expected.virial).max() / 10)
    np.testing.assert_allclose(forces, expected.forces, rtol=0, atol=backend.force)
    limit = 3 * backend.force * scale
    np.testing.assert_allclose(virial, expected.virial, rtol=0, atol=limit)


@pytest.mark.parametrize("name", FAMILIES)
def test_pair_gradients_are_the_forces(name: str) -> None:
    model = family(name)
    structure = random_structure("triclinic", model.n_types)
    given = parameters(model, len(structure.positions))
    ghosts = with_ghosts(*structure, reach=model.rcut + SKIN)
    session = dpse_fast.load(model, tol=0, threads=2).listed_session()
    found = session.compute(*ghosts.arguments, pair_gradients=True, **given)
    slopes = found.pair_gradients
    assert slopes is not None
    centres = np.repeat(np.arange(len(ghosts.first) - 1), np.diff(ghosts.first))
    forces = np.zeros_like(ghosts.positions)
    np.add.at(forces, centres, slopes)
    np.add.at(forces, ghosts.neighbours, -slopes)
    np.testing.assert_allclose(forces, found.forces, rtol=0, atol=1e-11)
    apart = ghosts.positions[ghosts.neighbours] - ghosts.positions[centres]
    np.testing.assert_allclose(
        -np.einsum("pi,pj->ij", slopes, apart), found.virial, rtol=0, atol=1e-10
    )
    far = np.linalg.norm(apart, axis=1) >= model.rcut
    assert far.any()
    assert not slopes[far].any()


@pytest.mark.parametrize("name", ["hybrid", "pair_table", "table_sel"])
def test_a_pair_gradient_is_a_derivative(name: str) -> None:
    """One pair of one row alone: its neighbour is moved for this row only."""
    model = family(name)
    structure = random_structure("cubic", model.n_types)
    ghosts = with_ghosts(*structure, reach=model.rcut + SKIN, local=[4])
    session = dpse_fast.load(model, tol=0).listed_session()
    found = session.compute(*ghosts.arguments, pair_gradients=True)
    assert found.pair_gradients is not None
    step = 1e-5
    for k in np.argsort(np.abs(found.pair_gradients).sum(axis=1))[-3:]:
        for c in range(3):
            energies = []
            for sign in (-1, 1):
                moved = ghosts.positions.copy()
                moved[ghosts.neighbours[k], c] += sign * step
                energies.append(
                    session.compute(moved, ghosts.types, *ghosts.lists).energy
                )
            slope = (energies[1] - energies[0]) / (2 * step)
            assert found.pair_gradients[k, c] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("absent", [-1, None, "NULL"])
def test_types_of_the_caller_and_atoms_that_do_not_exist(
    absent: Any, backend: Backend
) -> None:
    model = family("pair_table")
    structure = random_structure("cubic", 3)
    ghosts = with_ghosts(*structure, reach=model.rcut + SKIN)
    session = backend.load(model).listed_session()
    found = session.compute(
        *ghosts.arguments,
        type_map=[1, -1, 0] if absent == -1 else ["H", absent, "O"],
        atomic=True,
        pair_gradients=True,
    )
    own = structure.types != 1
    real = structure._replace(
        positions=structure.positions[own], types=1 - structure.types[own] // 2
    )
    whole = on_owners(found, ghosts)
    assert not whole.forces[~own].any()
    assert found.report.virtual_atoms == (~own).sum()
    missing = ghosts.types[ghosts.neighbours] == 1
    assert not found.pair_gradients[missing].any()
    assert not whole.atomic_energies[~own].any()
    left = Result(
        whole.energy,
        whole.forces[own],
        whole.virial,
        whole.atomic_energies[own],
        whole.atomic_virials[own],
        whole.report,
    )
    compare(left, naive.evaluate(model, *real), backend)


def test_rows_in_any_order_and_not_of_all_atoms(backend: Backend) -> None:
    model = family("hybrid")
    structure = random_structure("cubic")
    ghosts = with_ghosts(*structure, reach=model.rcut)
    session = backend.load(model).listed_session()
    whole = session.compute(*ghosts.arguments, atomic=True)
    some = [9, 3, 17]
    parts = [ghosts.neighbours[ghosts.first[k] : ghosts.first[k + 1]] for k in some]
    first = np.cumsum([0, *map(len, parts)]).astype(np.int32)
    found = session.compute(
        ghosts.positions,
        ghosts.types.astype(np.int32),
        first,
        np.concatenate(parts).astype(np.int32),
        some,
        atomic=True,
    )
    np.testing.assert_allclose(
        found.atomic_energies, whole.atomic_energies[some], rtol=0, atol=backend.energy
    )


@pytest.mark.parametrize("atomic", [False, True])
def test_no_rows_and_no_neighbours(atomic: bool, backend: Backend) -> None:
    model = random_model()
    pot = backend.load(model)
    session = pot.listed_session()
    options = {"atomic": atomic, "pair_gradients": True}
    for n in (0, 2):
        found = session.compute(np.zeros((n, 3)), np.zeros(n, int), [0], [], **options)
        assert found.energy == 0.0
        assert found.forces.shape == (n, 3)
        assert not found.forces.any()
        assert found.pair_gradients.shape == (0, 3)
    lone = session.compute(np.zeros((1, 3)), [1], [0, 0], [], **options)
    expected = pot.compute(np.zeros((1, 3)), [1])
    assert lone.energy == pytest.approx(expected.energy, abs=backend.energy)


def test_steps_with_the_same_list(backend: Backend) -> None:
    model = family("hybrid")
    structure = random_structure("cubic")
    ghosts = with_ghosts(*structure, reach=model.rcut + SKIN)
    session = backend.load(model).listed_session()
    rng = np.random.default_rng(8)
    n = len(structure.positions)
    moved = structure.positions
    images = ghosts.positions - moved[ghosts.owners]
    for step in range(4):
        found = session.compute(
            moved[ghosts.owners] + images,
            ghosts.types,
            *ghosts.lists,
            same_list=step > 0,
            atomic=step != 2,
        )
        expected = naive.evaluate(model, moved, *structure[1:])
        np.testing.assert_allclose(
            ghosts.onto_owners(found.forces, n),
            expected.forces,
            rtol=0,
            atol=backend.force,
        )
        moved = moved + rng.normal(scale=0.03, size=moved.shape)


def test_forces_are_added(backend: Backend) -> None:
    model = random_model()
    ghosts = with_ghosts(*random_structure("cubic"), reach=model.rcut)
    session = backend.load(model).listed_session()
    before = np.random.default_rng(1).normal(size=ghosts.positions.shape)
    sums = before.copy()
    assert session.compute(*ghosts.arguments, forces=sums).forces is sums
    alone = session.compute(*ghosts.arguments).forces
    np.testing.assert_allclose(sums, before + alone, rtol=0, atol=1e-12)


def test_the_report_counts_rows() -> None:
    model = family("se_e2_r", sel=(6, 9))
    structure = random_structure("cubic")
    pot = dpse_fast.load(model)
    whole = pot.compute(*structure[:3], pbc=structure.pbc, atomic=True)
    ghosts = with_ghosts(*structure, reach=model.rcut + SKIN)
    found = pot.listed_session().compute(*ghosts.arguments, atomic=True)
    assert found.report.sel_overflow == whole.report.sel_overflow
    assert found.report.atoms is not None
    assert whole.report.atoms is not None
    for name, excess in whole.report.atoms.sel_excess.items():
        np.testing.assert_array_equal(found.report.atoms.sel_excess[name], excess)


def test_the_same_for_any_number_of_threads() -> None:
    model = family("hybrid")
    ghosts = with_ghosts(*random_structure("cubic"), reach=model.rcut)
    found = [
        dpse_fast.load(model, threads=threads)
        .listed_session()
        .compute(*ghosts.arguments, pair_gradients=True)
        for threads in (1, 3)
    ]
    np.testing.assert_array_equal(found[0].forces, found[1].forces)
    np.testing.assert_array_equal(found[0].pair_gradients, found[1].pair_gradients)


X, LIST = np.eye(3), ([0, 2, 4, 6], [1, 2, 0, 2, 0, 1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.full((3, 3), np.nan)}, "positions: expected finite"),
        ({"positions": np.eye(2)}, r"positions: expected shape"),
        ({"types": [0, 1]}, "types: expected 3 types"),
        ({"types": [0, 1, 2]}, "types: atom 2 has type 2"),
        ({"first": [0, 2, 4, 5]}, "first: .* ascend from 0 to the 6 neigh"),
        ({"first": [0, 4, 2, 6]}, "descending at row 1"),
        ({"first": [1, 2, 4, 6]}, "first: expected numbers that ascend"),
        ({"first": []}, r"first: expected n_rows \+ 1"),
        ({"first": [0.0, 2.0]}, "first: expected .* as integers"),
        ({"first": [0, 2, 4, 6, 6]}, "first: expected at most 3 rows"),
        ({"neighbours": [1, 2, 0, 2, 0, 3]}, "neighbours: .* got 3 at place 5"),
        ({"neighbours": [1, 2, 0, -1, 0, 1]}, "neighbours: .* got -1 at place 3"),
        ({"neighbours": [1, 2, 0, 2, 0, 2]}, "positions: another .* on atom 2"),
        ({"centres": [0, 1]}, "centres: expected 3"),
        ({"centres": [0, 1, 3]}, "centres: .* got 3 at place 2"),
        ({"centres": [0, 1, 1]}, "centres: .* got atom 1 in several"),
        ({"type_map": [0]}, r"types: expected 0 to 0, places in type_map, got 1"),
        ({"type_map": [0, 7]}, "type_map: .*7"),
        ({"type_map": [[0, 1]]}, "type_map: expected a type"),
        ({"type_map": ["O", "Xx", None]}, "type_map: the model has no type 'Xx'"),
        ({"type_map": ["O", 1.5, None]}, "type_map: .*"),
        ({"types": ["O", "H", "H"], "type_map": [0, 1]}, "types: expected indices"),
        ({"forces": np.zeros((2, 3))}, r"forces: expected a writeable \(3, 3\)"),
        ({"forces": np.zeros((3, 3), np.float32)}, "forces: .* got dtype float32"),
        ({"forces": [[0.0] * 3] * 3}, "forces: .* got list"),
        ({"same_list": True}, "same_list: expected a call with a list before"),
        ({"fparam": [1.0]}, "fparam: expected none"),
    ],
)
def test_one_clear_error(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "positions": X,
        "types": [0, 1, 1],
        "first": LIST[0],
        "neighbours": LIST[1],
    }
    session = dpse_fast.load(random_model(), threads=1).listed_session()
    with pytest.raises(InputError, match=message):
        session.compute(**given | change)
    assert np.isfinite(session.compute(**given).forces).all()


def test_another_number_of_atoms_with_the_same_list() -> None:
    session = dpse_fast.load(random_model(), threads=1).listed_session()
    session.compute(X, [0, 1, 1], *LIST)
    with pytest.raises(InputError, match="positions: expected the 3 atoms of the last"):
        session.compute(X[:2], [0, 1, 1], *LIST, same_list=True)
