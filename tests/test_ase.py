"""The ASE calculator: derivatives, conservation, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import PropertyNotImplementedError
from ase.md.verlet import VelocityVerlet
from ase_structures import as_atoms
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.ase import DeepPotential
from dpse_fast.errors import InputError
from dpse_fast.evaluation.session import Session

STEP = 2e-5  # Å, or strain


def atoms_of(kind: str = "triclinic") -> Atoms:
    atoms = as_atoms(random_structure(kind))
    atoms.calc = DeepPotential(random_model(), tol=0.0, threads=1)
    return atoms


@pytest.mark.parametrize("kind", ["triclinic", "tiny", "slab", "open"])
def test_forces_are_the_derivative_of_the_energy(kind: str) -> None:
    atoms = atoms_of(kind)
    forces = atoms.get_forces()
    rng = np.random.default_rng(5)
    for _ in range(3):
        direction = rng.normal(size=forces.shape)
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.calc = atoms.calc
            moved.positions += sign * STEP * direction
            energies.append(moved.get_potential_energy())
        slope = (energies[0] - energies[1]) / (2 * STEP)
        assert slope == pytest.approx(-float(np.sum(forces * direction)), rel=1e-6)


def test_stress_is_the_derivative_by_strain() -> None:
    atoms = atoms_of()
    stress = atoms.get_stress()
    expected = []
    for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += sign * STEP / 2
            strain[j, i] += sign * STEP / 2
            strained = atoms.copy()
            strained.calc = atoms.calc
            strained.set_cell(atoms.cell.array @ strain, scale_atoms=True)
            energies.append(strained.get_potential_energy())
        expected.append((energies[0] - energies[1]) / (2 * STEP) / atoms.get_volume())
    np.testing.assert_allclose(stress, expected, rtol=1e-5, atol=1e-8)


def test_results_agree_with_compute() -> None:
    structure = random_structure("slab")
    potential = dpse_fast.load(random_model(), threads=1)
    expected = potential.compute(*structure[:3], pbc=structure.pbc, atomic=True)
    atoms = as_atoms(structure)
    atoms.calc = DeepPotential(potential)
    assert atoms.calc.potential is potential
    assert atoms.get_potential_energy() == pytest.approx(expected.energy, rel=1e-12)
    assert atoms.get_potential_energy(force_consistent=True) == pytest.approx(
        expected.energy, rel=1e-12
    )
    np.testing.assert_allclose(atoms.get_forces(), expected.forces, atol=1e-10)
    energies = atoms.get_potential_energies()
    np.testing.assert_allclose(energies, expected.atomic_energies, atol=1e-10)


def test_parts_of_atoms_sum_to_the_whole() -> None:
    atoms = atoms_of()
    energy = atoms.get_potential_energy()
    assert atoms.get_potential_energies().sum() == pytest.approx(energy, rel=1e-12)
    stresses = atoms.get_stresses()
    assert stresses.shape == (len(atoms), 6)
    np.testing.assert_allclose(stresses.sum(axis=0), atoms.get_stress(), atol=1e-12)


def test_results_of_atoms_only_when_asked() -> None:
    atoms = atoms_of()
    atoms.get_forces()
    assert set(atoms.calc.results) == {"energy", "free_energy", "forces", "stress"}
    atoms.get_stresses()
    assert set(atoms.calc.results) == set(atoms.calc.implemented_properties)


def test_energy_is_conserved() -> None:
    atoms = atoms_of("cubic")
    rng = np.random.default_rng(11)
    masses = atoms.get_masses()[:, None]
    atoms.set_momenta(np.sqrt(masses * units.kB * 300) * rng.normal(size=(34, 3)))
    energies, kinetic = [], []

    def watch() -> None:
        energies.append(atoms.get_total_energy())
        kinetic.append(atoms.get_kinetic_energy())

    dynamics = VelocityVerlet(atoms, timestep=0.1 * units.fs)
    dynamics.attach(watch)
    dynamics.run(100)
    assert np.ptp(kinetic) > 0.05
    assert np.ptp(energies) < 0.01 * np.ptp(kinetic)
    assert abs(energies[-1] - energies[0]) < 0.002 * np.ptp(kinetic)
    assert atoms.calc._session.list_builds < 20


def test_unchanged_atoms_are_not_computed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    atoms = atoms_of()
    atoms.get_potential_energy()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(Session, "compute", refuse)
    atoms.set_initial_charges(np.ones(len(atoms)))
    atoms.set_initial_magnetic_moments(np.ones(len(atoms)))
    atoms.get_forces()
    atoms.rattle(0.01, seed=1)
    with pytest.raises(AssertionError, match="computed again"):
        atoms.get_forces()


@pytest.mark.parametrize("kind", ["open", "slab"])
def test_stress_needs_three_periodic_directions(kind: str) -> None:
    atoms = atoms_of(kind)
    for ask in (atoms.get_stress, atoms.get_stresses):
        with pytest.raises(PropertyNotImplementedError, match="periodic along a, b"):
            ask()
    assert np.isfinite(atoms.get_forces()).all()
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_dipole_moment()


def test_unknown_element_and_options() -> None:
    atoms = Atoms("OHe", positions=[[0, 0, 0], [0, 0, 1.5]])
    atoms.calc = DeepPotential(random_model())
    with pytest.raises(InputError, match="no type 'He'"):
        atoms.get_potential_energy()
    with pytest.raises(InputError, match="takes no more options, got tol"):
        DeepPotential(atoms.calc.potential, tol=1e-3)
    with pytest.raises(InputError, match="fparam: expected none, the model takes no"):
        DeepPotential(atoms.calc.potential, fparam=[1.0])


def test_path_of_a_model(tmp_path: object) -> None:
    from pathlib import Path

    from dpse_fast.formats import exchange

    path = Path(str(tmp_path)) / "model.h5"
    exchange.write(random_model(), path)
    atoms = atoms_of()
    expected = atoms.get_potential_energy()
    atoms.calc = DeepPotential(path, tol=0.0)
    assert atoms.get_potential_energy() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("pbc", [True, (True, False, False)])
def test_periodic_without_a_cell(pbc: object) -> None:
    atoms = Atoms("OH", [[0, 0, 0], [1, 0, 0]], pbc=pbc)
    atoms.calc = DeepPotential(random_model())
    with pytest.raises(InputError, match=r"atoms: is periodic .* but has no cell"):
        atoms.get_potential_energy()


def committee_of(**options: object) -> DeepPotential:
    models = [random_model(seed=seed) for seed in (1, 2, 3)]
    return DeepPotential(models, tol=0.0, threads=1, **options)


def test_a_committee_has_maces_names() -> None:
    atoms = as_atoms(random_structure("triclinic"))
    atoms.calc = calc = committee_of()
    stress, energy = atoms.get_stress(), atoms.get_potential_energy()
    found = calc.results
    each = []
    for model in (1, 2, 3):
        alone = atoms.copy()
        alone.calc = DeepPotential(random_model(seed=model), tol=0.0, threads=1)
        each.append(
            (alone.get_potential_energy(), alone.get_forces(), alone.get_stress())
        )
    assert energy == each[0][0]
    np.testing.assert_array_equal(stress, each[0][2])
    for name, values in zip(
        ("energy", "forces", "stress"), zip(*each, strict=True), strict=True
    ):
        np.testing.assert_allclose(found[f"{name}_comm"], values, rtol=1e-13)
        np.testing.assert_allclose(found[f"{name}_var"], np.var(values, axis=0))
    forces = np.array([one[1] for one in each])
    spread = ((forces - forces.mean(axis=0)) ** 2).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(found["forces_deviation"], np.sqrt(spread))
    cluster = as_atoms(random_structure("open"))
    cluster.calc = calc
    cluster.get_forces()
    assert "stress_comm" not in calc.results
    assert "forces_comm" in calc.results


def test_deviations_every_few_steps() -> None:
    atoms = as_atoms(random_structure("triclinic"))
    atoms.calc = calc = committee_of(deviation_every=3)
    rng, there = np.random.default_rng(2), []
    for _ in range(5):
        atoms.rattle(0.01, rng=rng)
        atoms.get_forces()
        there.append("forces_comm" in calc.results)
    assert there == [True, False, False, True, False]
    assert calc.get_property("forces_comm", atoms).shape == (3, len(atoms), 3)


def test_what_a_committee_refuses() -> None:
    for options, text in (
        ({"deviation_every": 0}, "deviation_every: expected a number from 1"),
        ({"deviation_every": 2, "driver": "mean"}, "deviation_every: expected 1 with"),
    ):
        with pytest.raises(InputError, match=text):
            committee_of(**options)
    with pytest.raises(InputError, match="deviation_every: expected several models"):
        DeepPotential(random_model(), deviation_every=2)
    loaded = dpse_fast.load([random_model(seed=k) for k in (1, 2)], tol=0.0)
    with pytest.raises(InputError, match="a loaded Committee takes no more options"):
        DeepPotential(loaded, tol=0.0)
    atoms = atoms_of()
    with pytest.raises(PropertyNotImplementedError, match="forces_comm"):
        atoms.calc.get_property("forces_comm", atoms)
