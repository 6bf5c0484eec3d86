"""What any energy of a structure must obey, on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from comparison import compute
from conftest import Backend
from random_model import Structure, random_model, random_structure

import dpse_fast

KINDS = ("triclinic", "slab", "open")


@pytest.fixture(params=KINDS)
def structure(request: pytest.FixtureRequest) -> Structure:
    return random_structure(request.param)


def rotation(seed: int = 5) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def close(found: object, expected: object, limit: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=limit)


def test_forces_sum_to_zero(structure: Structure, backend: Backend) -> None:
    result = compute(backend.load(random_model()), structure)
    np.testing.assert_allclose(result.forces.sum(axis=0), 0, atol=1e-10)


def test_translation(structure: Structure, backend: Backend) -> None:
    pot = backend.load(random_model())
    moved = structure._replace(
        positions=structure.positions + np.array([3.1, -17.2, 0.4])
    )
    a, b = compute(pot, structure), compute(pot, moved)
    assert a.energy == pytest.approx(b.energy, abs=50 * backend.energy)
    close(a.forces, b.forces, backend.force)


def test_rotation(structure: Structure, backend: Backend) -> None:
    pot, turn = backend.load(random_model()), rotation()
    turned = structure._replace(
        positions=structure.positions @ turn.T,
        cell=None if structure.cell is None else structure.cell @ turn.T,
    )
    a, b = compute(pot, structure), compute(pot, turned)
    assert a.energy == pytest.approx(b.energy, abs=50 * backend.energy)
    close(a.forces @ turn.T, b.forces, backend.force)
    close(turn @ a.virial @ turn.T, b.virial, 50 * backend.force)


def test_permutation(structure: Structure, backend: Backend) -> None:
    pot = backend.load(random_model())
    order = np.random.default_rng(2).permutation(len(structure.types))
    shuffled = structure._replace(
        positions=structure.positions[order], types=structure.types[order]
    )
    a, b = compute(pot, structure), compute(pot, shuffled)
    assert a.energy == pytest.approx(b.energy, abs=50 * backend.energy)
    close(a.forces[order], b.forces, backend.force)
    assert a.atomic_energies is not None
    assert b.atomic_energies is not None
    close(a.atomic_energies[order], b.atomic_energies, backend.energy)


def test_replicas_of_a_tiny_cell(backend: Backend) -> None:
    """A 3-atom cell and its 4 × 4 × 4 replica agree atom by atom."""
    pot = backend.load(random_model(sel=(150, 150)))
    small = random_structure("tiny")
    shifts = np.array(np.meshgrid(*[range(4)] * 3)).reshape(3, -1).T @ small.cell
    large = Structure(
        (shifts[:, None] + small.positions).reshape(-1, 3),
        np.tile(small.types, 64),
        4 * small.cell,
        small.pbc,
    )
    a, b = compute(pot, small), compute(pot, large)
    assert b.energy == pytest.approx(64 * a.energy, abs=200 * backend.energy)
    close(b.forces, np.tile(a.forces, (64, 1)), backend.force)
    close(b.virial, 64 * a.virial, 1000 * backend.force)


def test_parts_sum_to_the_whole(structure: Structure, backend: Backend) -> None:
    result = compute(backend.load(random_model()), structure)
    assert result.atomic_energies is not None
    assert result.atomic_virials is not None
    assert result.atomic_energies.sum() == pytest.approx(result.energy, abs=1e-9)
    close(result.atomic_virials.sum(axis=0), result.virial, 1e-9)


@pytest.mark.parametrize("tol", [0.0, 1e-5])
def test_forces_are_the_gradient(structure: Structure, tol: float) -> None:
    """To 1e-7 of the largest force, at any tolerance: the tables are C²."""
    pot = dpse_fast.load(random_model(), tol=tol, threads=1)
    forces, step = compute(pot, structure).forces, 1e-4
    for atom, axis in [(0, 0), (5, 1), (11, 2), (17, 0)]:
        energies = []
        for shift in (-2, -1, 1, 2):
            moved = structure.positions.copy()
            moved[atom, axis] += shift * step
            energies.append(compute(pot, structure._replace(positions=moved)).energy)
        far, near = energies[3] - energies[0], energies[2] - energies[1]
        slope = (8 * near - far) / (12 * step)
        assert -forces[atom, axis] == pytest.approx(
            slope, abs=1e-7 * np.abs(forces).max()
        )


def test_virial_is_the_gradient_in_strain(backend: Backend) -> None:
    if any(reduced in backend.name for reduced in ("mixed", "single")):
        step, limit = 1e-3, 1e-3
    else:
        step, limit = 1e-4, 1e-6
    pot, structure = backend.load(random_model()), random_structure("triclinic")
    virial = compute(pot, structure).virial
    for row, column in [(0, 0), (1, 1), (0, 1), (1, 2), (2, 0)]:
        energies = []
        for sign in (-1, 1):
            strain = np.eye(3)
            strain[row, column] += sign * step
            energies.append(
                compute(
                    pot,
                    structure._replace(
                        positions=structure.positions @ strain,
                        cell=structure.cell @ strain,
                    ),
                ).energy
            )
        slope = (energies[1] - energies[0]) / (2 * step)
        assert -virial[row, column] == pytest.approx(
            slope, abs=limit * np.abs(virial).max()
        )
