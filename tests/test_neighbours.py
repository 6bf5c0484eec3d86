"""The neighbour list against brute force, and its life in a session."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_model import KINDS, random_model, random_structure

import dpse_fast
from dpse_fast.boundary import check_system
from dpse_fast.errors import InputError
from dpse_fast.neighbours import NeighbourList


def listed(
    system: object, cutoff: float, skin: float = 0.0
) -> list[tuple[object, ...]]:
    """(centre, neighbour, vector) of every pair, in one order."""
    neighbours = NeighbourList(cutoff, skin)
    neighbours.update(system)  # type: ignore[arg-type]
    hood, owners = neighbours.hood, neighbours.owners
    rows = np.repeat(np.arange(len(hood.centres)), np.diff(hood.first))
    i, j = hood.centres[rows], hood.neighbours
    d = np.round(hood.positions[j] - hood.positions[i], 6) + 0.0
    return sorted(zip(owners[i], owners[j], map(tuple, d), strict=True))


def brute_force(system: object, cutoff: float) -> list[tuple[object, ...]]:
    x, _, cell, pbc = system  # type: ignore[misc]
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    spread = np.ptp(x @ np.linalg.inv(cell), axis=0)
    most = np.where(pbc, np.ceil(cutoff / heights + spread), 0).astype(int)
    grid = np.meshgrid(*[np.arange(-m, m + 1) for m in most])
    found = []
    for shift in np.stack(grid).reshape(3, -1).T:
        d = x[None] + shift @ cell - x[:, None]
        near = np.linalg.norm(d, axis=-1) < cutoff
        if not shift.any():
            np.fill_diagonal(near, False)
        for i, j in zip(*np.nonzero(near), strict=True):
            found.append((i, j, tuple(np.round(d[i, j], 6) + 0.0)))
    return sorted(found)


@pytest.mark.parametrize("cutoff", [0.9, 3.7, 6.0])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_brute_force(kind: str, cutoff: float) -> None:
    system = check_system(*random_structure(kind), type_map=("O", "H")).system
    assert listed(system, cutoff) == brute_force(system, cutoff)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 12),
    pbc=st.tuples(*[st.booleans()] * 3),
    shear=st.floats(-2.5, 2.5),
    stretch=st.sampled_from([0.3, 1.0, 40.0]),
)
def test_any_cell(
    seed: int, n: int, pbc: tuple[bool, bool, bool], shear: float, stretch: float
) -> None:
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(2.0, 6.0, 3) * [1, 1, stretch])
    cell[0, 1], cell[2, 0], cell[1, 2] = shear, -0.5 * shear, shear
    positions = rng.uniform(-1.5, 2.5, (n, 3)) @ cell
    system = check_system(positions, [0] * n, cell, pbc, ("O",)).system
    assert listed(system, 3.1) == brute_force(system, 3.1)


def test_the_order_of_atoms_in_space_covers_each_once() -> None:
    structure = random_structure("triclinic")
    neighbours = NeighbourList(4.0)
    neighbours.update(check_system(*structure, type_map=("O", "H")).system)
    owners = neighbours.owners[neighbours.hood.centres]
    assert sorted(owners) == list(range(len(structure.types)))


def test_sparse_atoms_do_not_fill_memory_with_cells() -> None:
    far = [[0, 0, 0], [9e6, 0, 0], [0, -9e6, 3e6], [9e6, 1.0, 0]]
    system = check_system(far, [0] * 4, None, None, ("O",)).system
    assert [pair[:2] for pair in listed(system, 5.0)] == [(1, 3), (3, 1)]


def test_a_session_rebuilds_only_after_half_a_skin() -> None:
    model, structure = random_model(), random_structure("triclinic")
    pot = dpse_fast.load(model, tol=0)
    session = pot.session(skin=0.8)
    x = structure.positions.copy()
    rng = np.random.default_rng(3)
    for step, builds in [(0.0, 1), (0.1, 1), (0.1, 1), (0.45, 2), (0.0, 2)]:
        x += step * rng.choice([-1, 1], x.shape) / np.sqrt(3)
        fresh = pot.compute(x, structure.types, structure.cell)
        kept = session.compute(x, structure.types, structure.cell)
        assert session.list_builds == builds
        assert kept.energy == pytest.approx(fresh.energy, abs=1e-9)
        np.testing.assert_allclose(kept.forces, fresh.forces, rtol=0, atol=1e-9)


def test_a_session_sees_changed_cells_types_and_atoms() -> None:
    pot = dpse_fast.load(random_model(), tol=0)
    session = pot.session(skin=1.0)
    x, types, cell, _ = random_structure("cubic")
    assert cell is not None
    changes = [
        (x, types, cell),
        (x, types[::-1], cell),
        (x, types, 1.01 * cell),
        (x[:-1], types[:-1], cell),
        (x[:-1], types[:-1], None),
    ]
    for builds, change in enumerate(changes, start=1):
        kept, fresh = session.compute(*change), pot.compute(*change)
        assert kept.energy == pytest.approx(fresh.energy, abs=1e-9)
        assert session.list_builds == builds


def test_a_cell_in_the_wrong_unit_is_refused() -> None:
    system = check_system([[0, 0, 0]], [0], 1e-3 * np.eye(3), None, ("O",)).system
    with pytest.raises(InputError, match=r"cell: .* images .* expected lengths in Å"):
        NeighbourList(6.0).update(system)


def test_pairs_that_enter_within_the_skin_are_listed() -> None:
    """Two atoms from beyond the cutoff, each moving by almost half the skin."""
    pot = dpse_fast.load(random_model(), tol=0)
    rcut, skin = pot.rcut, 1.0
    session = pot.session(skin=skin)
    far = np.array([[0.0, 0, 0], [rcut + 0.97 * skin, 0, 0]])
    near = far + np.array([[0.49 * skin, 0, 0], [-0.49 * skin, 0, 0]])
    session.compute(far, [0, 1])
    kept, fresh = session.compute(near, [0, 1]), pot.compute(near, [0, 1])
    assert session.list_builds == 1
    assert fresh.energy != pot.compute(far, [0, 1]).energy
    assert kept.energy == pytest.approx(fresh.energy, abs=1e-12)
