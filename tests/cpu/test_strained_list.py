"""A list that serves while the cell changes, as at constant pressure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_model import KINDS, random_model, random_structure

import dpse_fast
from dpse_fast.cpu.neighbours import NeighbourList
from dpse_fast.errors import InputError
from dpse_fast.inputs.structure import System, check_system

Floats = NDArray[np.float64]
SKIN = 1.0
STRAINS: dict[str, Callable[[np.random.Generator], Floats]] = {
    "isotropic": lambda rng: rng.uniform(-1, 1) * np.eye(3),
    "uniaxial": lambda rng: np.diag([0.0, rng.uniform(-1, 1), 0.0]),
    "shear": lambda rng: np.triu(rng.uniform(-1, 1, (3, 3)), 1),
}


@pytest.fixture(scope="module")
def potential() -> dpse_fast.Potential:
    return dpse_fast.load(random_model(), tol=0, sel_overflow="all")


def walk(kind: str, strain: str, size: float, steps: int) -> Iterator[tuple[Any, ...]]:
    """Positions and cells: each step strains both, and moves atoms."""
    rng = np.random.default_rng(4)
    x, types, cell, pbc = random_structure(kind)
    for _ in range(steps):
        gradient = np.eye(3) + size * STRAINS[strain](rng)
        step = rng.standard_normal(x.shape)
        step *= 0.02 / np.linalg.norm(step, axis=1)[:, None]
        x = x @ gradient + step
        cell = None if cell is None else cell @ gradient
        yield x, types, cell, pbc


def check_same(result: dpse_fast.Result, fresh: dpse_fast.Result) -> None:
    assert result.energy == pytest.approx(fresh.energy, abs=1e-9)
    np.testing.assert_allclose(result.forces, fresh.forces, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.virial, fresh.virial, rtol=0, atol=1e-8)


@pytest.mark.parametrize("strain", STRAINS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_walk_of_cells_and_atoms(
    kind: str, strain: str, potential: dpse_fast.Potential
) -> None:
    session = potential.session(skin=SKIN)
    for x, types, cell, pbc in walk(kind, strain, 0.004, 8):
        result = session.compute(x, types, cell, pbc=pbc)
        check_same(result, potential.compute(x, types, cell, pbc=pbc))
        # Without a strain atoms move by 7 · 0.02 Å; 0.5 Å are half the skin.
        assert session.list_builds == 1 or kind == "open"
    if cell is not None:
        last = (0.75 * x, types, 0.75 * cell)
        result = session.compute(*last, pbc=pbc)
        check_same(result, potential.compute(*last, pbc=pbc))
        assert session.list_builds == 2


def test_a_walk_of_atoms_that_are_wrapped(potential: dpse_fast.Potential) -> None:
    """An atom that jumps across the cell makes a new list, and a right one."""
    session, steps = potential.session(skin=SKIN), 12
    for k, (x, types, cell, _) in enumerate(walk("triclinic", "shear", 0.004, steps)):
        drifted = x + 0.03 * k
        wrapped = (drifted @ np.linalg.inv(cell) % 1.0) @ cell
        result = session.compute(wrapped, types, cell)
        check_same(result, potential.compute(wrapped, types, cell))
    assert 1 < session.list_builds < steps


@pytest.mark.parametrize("handed", [1.0, -1.0])
@pytest.mark.parametrize(("beyond", "builds"), [(0.5, 1), (1.05, 2)])
def test_an_image_that_comes_within_the_cutoff(
    beyond: float, builds: int, handed: float, potential: dpse_fast.Potential
) -> None:
    """The atom stays at the origin, and only the cell brings its images closer.

    At first they are beyond the cutoff by so much, and listed up to 1 Å.
    """
    session, shape = potential.session(skin=SKIN), np.diag([1.0, 3.0, 3.0 * handed])
    energies = []
    for edge in (potential.rcut + beyond, potential.rcut - 0.05):
        arguments = np.zeros((1, 3)), [0], edge * shape
        result, fresh = session.compute(*arguments), potential.compute(*arguments)
        assert result.energy == pytest.approx(fresh.energy, abs=1e-12)
        energies.append(fresh.energy)
    assert abs(energies[0] - energies[1]) > 1e-9
    assert session.list_builds == builds


def pairs_within(listed: NeighbourList, cutoff: float) -> list[Any]:
    """(atom, atom, vector) of every listed pair closer than the cutoff."""
    hood, owners = listed.hood, listed.owners
    i = np.repeat(hood.centres, np.diff(hood.first))
    d = hood.positions[hood.neighbours] - hood.positions[i]
    near = np.linalg.norm(d, axis=1) < cutoff
    vectors = map(tuple, np.round(d[near], 6) + 0.0)
    return sorted(
        zip(owners[i[near]], owners[hood.neighbours[near]], vectors, strict=True)
    )


def fresh_pairs(system: System, cutoff: float) -> list[Any]:
    listed = NeighbourList(cutoff)
    listed.update(system)
    return pairs_within(listed, cutoff)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    pbc=st.tuples(*[st.booleans()] * 3),
    size=st.sampled_from([0.01, 0.05, 0.3]),
    moved=st.sampled_from([0.0, 0.1, 0.45]),
    handed=st.sampled_from([-1.0, 1.0]),
)
def test_any_strain_and_move(
    seed: int, pbc: tuple[bool, bool, bool], size: float, moved: float, handed: float
) -> None:
    rng, cutoff = np.random.default_rng(seed), 3.1
    cell = np.diag(rng.uniform(2.0, 6.0, 3)) + rng.uniform(-0.5, 0.5, (3, 3))
    cell[2] *= handed
    x = rng.uniform(-1.5, 2.5, (6, 3)) @ cell
    before = check_system(x, [0] * 6, cell, pbc, ("X",)).system
    gradient = np.eye(3) + size * rng.uniform(-1, 1, (3, 3))
    step = rng.standard_normal(x.shape)
    step *= moved / np.linalg.norm(step, axis=1)[:, None]
    try:
        other = check_system(x @ gradient + step, [0] * 6, cell @ gradient, pbc, ("X",))
    except InputError:
        return  # a singular cell
    listed = NeighbourList(cutoff, SKIN)
    listed.update(before)
    listed.update(other.system)
    assert pairs_within(listed, cutoff) == fresh_pairs(other.system, cutoff)
    if all(pbc) and size == 0.01:
        assert listed.builds == 1


def test_there_and_back_changes_no_bit() -> None:
    """What follows the cell starts from the list's own cell at every step."""
    x, types, cell, pbc = random_structure("triclinic")
    first = check_system(x, types, cell, pbc, ("O", "H")).system
    strained, unstrained = NeighbourList(4.0, SKIN), NeighbourList(4.0, SKIN)
    strained.update(first)
    unstrained.update(first)
    last = first._replace(positions=first.positions + 0.03)
    for k in range(3):
        gradient = np.eye(3) + 0.003 * (k + 1) * np.ones((3, 3))
        strained.update(
            first._replace(cell=first.cell @ gradient, positions=x @ gradient)
        )
    strained.update(last)
    unstrained.update(last)
    assert strained.builds == unstrained.builds == 1
    np.testing.assert_array_equal(strained.hood.positions, unstrained.hood.positions)


def test_open_axes_may_have_any_vector(potential: dpse_fast.Potential) -> None:
    session = potential.session(skin=SKIN)
    x, types, cell, pbc = random_structure("slab")
    for vector in ([0.0, 0, 9], [0.0, 0, -9], [3.0, 2, 40], [0.0, 0, 0]):
        cell[2] = vector
        result = session.compute(x, types, cell, pbc=pbc)
        check_same(result, potential.compute(x, types, cell, pbc=pbc))
    assert session.list_builds == 1


def test_a_cell_that_flips_its_tilt_is_listed_anew(
    potential: dpse_fast.Potential,
) -> None:
    session = potential.session(skin=SKIN)
    x, types, cell, _ = random_structure("triclinic")
    flipped = cell.copy()
    flipped[1] -= flipped[0]
    one, other = (session.compute(x, types, box) for box in (cell, flipped))
    check_same(other, one)
    assert session.list_builds == 2
