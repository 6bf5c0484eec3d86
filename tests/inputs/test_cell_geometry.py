"""How much a cell may change, and atoms move, while a list serves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dpse_fast.inputs.cell_geometry import allowance, squared_allowance, strain_between
from dpse_fast.inputs.structure import System, check_system

CELL = np.array([[7.9, 0, 0], [2.6, 7.2, 0], [-1.9, 2.8, 8.4]])
Pbc = tuple[bool, bool, bool]
PERIODIC: list[Pbc] = [(True,) * 3, (True, True, False), (False, True, False)]


def system(cell: NDArray[np.float64], pbc: Pbc = (True,) * 3, n: int = 1) -> System:
    return check_system(np.ones((n, 3)), [0] * n, cell, pbc, ("X",)).system


@pytest.mark.parametrize("pbc", PERIODIC)
def test_the_strain_takes_periodic_vectors_along_and_leaves_normals(pbc: Pbc) -> None:
    other = CELL @ (np.eye(3) + 0.01 * np.random.default_rng(1).normal(size=(3, 3)))
    before, now = system(CELL, pbc), system(other, pbc)
    gradient = np.eye(3) + strain_between(before, now)
    axes = list(pbc)
    moved = (before.cell @ gradient)[axes]
    np.testing.assert_allclose(moved, now.cell[axes], atol=1e-12)
    normals = before.cell[[not p for p in pbc]]
    np.testing.assert_allclose(normals @ gradient, normals, atol=1e-15)


def test_vectors_of_open_axes_do_not_count() -> None:
    before = system(CELL, (True, True, False))
    turned = before.cell * [[1.0], [1.0], [-1.0]]
    assert not strain_between(before, before._replace(cell=turned)).any()
    alone = before._replace(pbc=(False,) * 3)
    assert not strain_between(alone, alone._replace(cell=2 * CELL)).any()


def test_half_the_skin_in_the_same_cell_to_the_last_bit() -> None:
    strain, squared = allowance(system(CELL), system(CELL.copy()), 6.0, 0.3)
    assert not strain.any()
    assert squared == 0.25 * 0.3**2


def test_a_cell_that_only_turns_costs_no_skin() -> None:
    turned = CELL @ np.array([[0.6, 0.8, 0], [-0.8, 0.6, 0], [0, 0, 1.0]])
    _, squared = allowance(system(CELL), system(turned), 6.0, 1.0)
    assert squared == pytest.approx(0.25)


@pytest.mark.parametrize("factor", [0.8, 0.9, 0.99, 1.01, 1.2])
def test_the_skin_shrinks_by_the_strain(factor: float) -> None:
    """A pair that was beyond cutoff + skin has to come closer than the cutoff."""
    _, squared = allowance(system(CELL), system(factor * CELL), 6.0, 1.0)
    assert np.sqrt(squared) == pytest.approx(max(0.0, (factor * 7.0 - 6.0) / 2))


def test_the_direction_that_shrinks_most_counts() -> None:
    strain = np.diag([0.3, -0.1, 0.0])
    assert np.sqrt(squared_allowance(strain, 6.0, 1.0)) == pytest.approx(0.15)


@pytest.mark.parametrize("what", ["flip", "mirror", "pbc", "atoms", "no skin"])
def test_what_no_list_serves(what: str) -> None:
    flipped, mirrored = CELL.copy(), CELL * [1.0, 1.0, -1.0]
    flipped[1] -= flipped[0]
    now = {
        "flip": system(flipped),
        "mirror": system(mirrored @ np.diag([1.0, 0.5, 1.0])),
        "pbc": system(CELL, (True, True, False)),
        "atoms": system(CELL, n=2),
        "no skin": system(CELL),
    }[what]
    skin = 0.0 if what == "no skin" else 1.0
    assert allowance(system(CELL), now, 6.0, skin)[1] == 0.0
