"""A lattice is the same however skewed the cell is that gives it."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from naive.evaluation import evaluate
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import InputError
from dpse_fast.inputs.lattice import reduced, reduced_cell, short_basis
from dpse_fast.inputs.structure import check_cell

PLAIN = np.array([[7.9, 0, 0], [2.6, 7.2, 0], [-1.9, 2.8, 8.4]])
SKEWS = {
    "50": [[1, 0, 0], [50, 1, 0], [0, 0, 1]],
    "1000": [[1, 0, 0], [1000, 1, 0], [0, 0, 1]],
    "1000 twice": [[1, 0, 0], [1000, 1, 0], [-1000, 1000, 1]],
    "all": [[1, 7, 0], [50, 351, 0], [3, -20, 1]],
    "left-handed": [[0, 1, 0], [1, 60, 0], [0, 0, 1]],
    "inverted": [[-1, 0, 0], [50, -1, 0], [0, 0, -1]],
}


@pytest.fixture(scope="module")
def pot() -> dpse_fast.Potential:
    return dpse_fast.load(random_model(), tol=0.0, threads=1)


def test_the_vectors_are_the_shortest_of_the_lattice() -> None:
    rng = np.random.default_rng(1)
    near = np.array([n for n in product(range(-3, 4), repeat=3) if any(n)])
    for _ in range(50):
        cell = rng.normal(size=(3, 3)) * rng.choice([0.3, 1.0, 10.0], (3, 1))
        skew = np.eye(3)
        for _ in range(3):
            i, j = rng.choice(3, 2, replace=False)
            skew[i] += rng.integers(-30, 31) * skew[j]
        found = reduced((skew @ cell).tolist())
        assert found is not None
        vectors = np.array(found.vectors)
        assert abs(np.linalg.det(vectors)) == pytest.approx(abs(np.linalg.det(cell)))
        lengths = np.sort(np.linalg.norm(vectors, axis=1))
        others = near @ vectors
        assert np.linalg.norm(others, axis=1).min() > lengths[0] * (1 - 1e-5)
        normal = np.cross(*vectors[np.argsort(np.linalg.norm(vectors, axis=1))[:2]])
        beyond = others[np.abs(others @ normal) > 1e-6 * np.linalg.norm(normal)]
        assert np.linalg.norm(beyond, axis=1).min() > lengths[2] * (1 - 1e-5)


@pytest.mark.parametrize("pbc", [(True,) * 3, (True, True, False), (False, True, True)])
def test_ordinary_cells_are_left_as_they_are(pbc: tuple[bool, ...]) -> None:
    hexagonal = np.array([[3.0, 0, 0], [-1.5, 1.5 * 3**0.5, 0], [0, 0, 20.0]])
    for cell in (PLAIN, hexagonal, np.diag([0.3, 900.0, 5.0])):
        assert reduced_cell(cell, pbc) is cell
        assert short_basis(cell[list(pbc)]) is None


@pytest.mark.parametrize(
    "cell", [[[9, 0, 0], [18, 0, 0], [0, 0, 9]], [[9, 0, 0], [0, 9, 0], [7, -3, 0]]]
)
@pytest.mark.parametrize("unit", [1.0, 1e-310, 1e-160, 1e5])
def test_dependent_vectors(cell: Any, unit: float) -> None:
    with pytest.raises(InputError, match=r"cell: expected .*(singular|images)"):
        check_cell(unit * np.array(cell), (True, True, True))


@pytest.mark.parametrize("edge", [5e-324, 1e-310, 1e-200, 1e-3])
@pytest.mark.parametrize("pbc", [(True,) * 3, (True, False, False)])
def test_subnormal_and_tiny_cells(edge: float, pbc: tuple[bool, bool, bool]) -> None:
    """NumPy does not warn either, which would be an error here."""
    with pytest.raises(InputError, match=r"cell: expected images of an atom at least"):
        check_cell(edge * np.eye(3), pbc)


@pytest.mark.parametrize("edge", [0.02, 0.05, 0.2])
def test_no_matter_is_so_dense(pot: dpse_fast.Potential, edge: float) -> None:
    with pytest.raises(InputError, match="cell: expected at most 10 atoms per Å³"):
        pot.session().compute([[0, 0, 0]], [0], edge * np.eye(3))
    crowd = np.random.default_rng(1).uniform(0, 0.4, (4000, 3))
    with pytest.raises(InputError, match=r"positions: .*at most 10 atoms per Å³"):
        pot.compute(crowd, np.zeros(4000, int))


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("skin", [0.0, 1.0])
def test_a_skewed_cell_has_the_numbers_of_the_plain_one(
    pot: dpse_fast.Potential, skew: str, skin: float
) -> None:
    x, types = random_structure("cubic")[:2]
    cell = np.array(SKEWS[skew], float) @ PLAIN
    expected = evaluate(pot.model, x, types, PLAIN)
    found = pot.session(skin).compute(x, types, cell)
    assert found.energy == pytest.approx(expected.energy, abs=1e-8)
    np.testing.assert_allclose(found.forces, expected.forces, atol=1e-8)
    np.testing.assert_allclose(found.virial, expected.virial, atol=1e-8)
    batch = pot.batch_session(skin).compute([(x, types, cell), (x, types, PLAIN)])
    np.testing.assert_allclose(batch[0].forces, expected.forces, atol=1e-8)


@pytest.mark.parametrize("pbc", [(True, True, False), (True, False, True)])
def test_partly_periodic(pot: dpse_fast.Potential, pbc: tuple[bool, ...]) -> None:
    x, types = random_structure("cubic")[:2]
    first, second = np.flatnonzero(pbc)
    cell = PLAIN.copy()
    cell[second] += 50 * cell[first]
    plain = pot.compute(x, types, PLAIN, pbc=pbc)
    found = pot.session(1.0).compute(x, types, cell, pbc=pbc)
    assert found.energy == pytest.approx(plain.energy, abs=1e-8)
    np.testing.assert_allclose(found.forces, plain.forces, atol=1e-8)
    np.testing.assert_allclose(found.virial, plain.virial, atol=1e-8)


@pytest.mark.parametrize("skew", ["50", "1000 twice"])
def test_a_list_serves_while_a_skewed_cell_changes(
    pot: dpse_fast.Potential, skew: str
) -> None:
    """As a plain one does, also where the shortest vectors change on the way."""
    x, types = random_structure("cubic")[:2]
    turning = np.array([[8.0, 0, 0], [3.97, 8.0, 0], [0, 0, 8.0]])
    session = pot.session(1.0)
    for k in range(6):
        gradient = np.eye(3)
        gradient[1, 0] = 0.002 * k  # b·a passes half of a·a
        plain = turning @ gradient
        cell = np.array(SKEWS[skew], float) @ plain
        found = session.compute(x @ gradient, types, cell)
        expected = pot.compute(x @ gradient, types, plain)
        np.testing.assert_allclose(found.forces, expected.forces, atol=1e-7)
        np.testing.assert_allclose(found.virial, expected.virial, atol=1e-7)
    assert session.list_builds == 1
