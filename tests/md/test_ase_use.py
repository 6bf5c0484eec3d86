"""ASE beyond single points: cells, parameters, copies, threads, and how it is found."""

from __future__ import annotations

import copy
import pickle
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import get_calculator_class
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from ase.stress import full_3x3_to_voigt_6_stress
from ase_structures import as_atoms
from random_model import random_model, random_structure

from dpse_fast.ase import DeepPotential
from dpse_fast.errors import InputError

STEP = 2e-5  # strain
PROJECT = Path(__file__).parents[2] / "pyproject.toml"
FLIP = np.diag([1.0, 1.0, -1.0])
SHEARS = {
    "triclinic": np.eye(3),
    "far sheared": np.array([[1.0, 0, 0], [1.7, 1, 0], [-1.2, 2.3, 1]]),
    "left-handed": FLIP,
    "turned": np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0],
}


def atoms_of(kind: str = "triclinic") -> Atoms:
    atoms = as_atoms(random_structure(kind))
    atoms.calc = DeepPotential(random_model(), tol=0.0, threads=1)
    return atoms


def strained(atoms: Atoms, strain: np.ndarray) -> float:
    other = atoms.copy()
    other.calc = atoms.calc
    other.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return float(other.get_potential_energy())


@pytest.mark.parametrize("shear", SHEARS)
def test_stress_of_any_cell_is_the_derivative_by_strain(shear: str) -> None:
    atoms = atoms_of()
    if shear == "far sheared":  # another basis of the same lattice
        atoms.set_cell(np.round(SHEARS[shear]) @ atoms.cell.array)
    else:
        atoms.set_cell(atoms.cell.array @ SHEARS[shear], scale_atoms=True)
    stress = atoms.get_stress()
    slopes = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            strain = np.zeros((3, 3))
            strain[i, j] = STEP
            slopes[i, j] = strained(atoms, strain) - strained(atoms, -strain)
    expected = slopes / (2 * STEP * atoms.get_volume())
    np.testing.assert_allclose(expected, expected.T, atol=1e-7)
    voigt = full_3x3_to_voigt_6_stress(expected)
    np.testing.assert_allclose(stress, voigt, rtol=1e-5, atol=2e-7)


def test_cell_and_positions_relax_together() -> None:
    atoms = atoms_of("cubic")
    atoms.rattle(0.02, seed=3)
    before = atoms.get_potential_energy()
    both = FrechetCellFilter(atoms)
    volume, strongest = atoms.get_volume(), np.abs(both.get_forces()).max()
    BFGS(both, logfile=None, maxstep=0.05).run(fmax=0.0, steps=6)
    assert atoms.get_potential_energy() < before - 0.02
    assert np.abs(both.get_forces()).max() < strongest
    assert atoms.get_volume() != pytest.approx(volume, rel=1e-4)


def test_the_list_is_kept_while_atoms_move_little() -> None:
    atoms = atoms_of()
    rng = np.random.default_rng(0)
    for _ in range(5):
        atoms.positions += 0.01 * rng.normal(size=atoms.positions.shape)
        atoms.get_forces()
    assert atoms.calc._session.list_builds == 1
    for factor, builds in ((1.01, 1), (0.8, 2)):
        atoms.set_cell(atoms.cell.array * factor, scale_atoms=True)
        atoms.get_forces()
        assert atoms.calc._session.list_builds == builds


def test_parameters_of_structures_come_first() -> None:
    model = random_model(fparam=2, aparam=1)
    calculator = DeepPotential(model, fparam=[0.1, 0.2], aparam=[0.3], threads=1)
    atoms = as_atoms(random_structure("cubic"))
    atoms.calc = calculator
    compute = calculator.potential.compute
    args = (atoms.positions, list(atoms.symbols), atoms.cell.array)

    def energy(fparam: list[float], aparam: object) -> float:
        return compute(*args, fparam=fparam, aparam=aparam).energy

    assert atoms.get_potential_energy() == pytest.approx(energy([0.1, 0.2], [0.3]))
    atoms.info["fparam"] = [0.5, -0.2]
    changed = atoms.get_potential_energy()
    assert changed == pytest.approx(energy([0.5, -0.2], [0.3]), rel=1e-12)
    own = np.linspace(-1, 1, len(atoms))[:, None]
    atoms.arrays["aparam"] = own
    assert atoms.get_potential_energy() == pytest.approx(energy([0.5, -0.2], own))
    assert abs(changed - energy([0.1, 0.2], [0.3])) > 1e-4


def test_one_calculator_serves_many_structures() -> None:
    first, second = atoms_of("triclinic"), atoms_of("open")
    energies = [a.get_potential_energy() for a in (first, second)]
    second.calc = first.calc
    for _ in range(2):
        for atoms, energy in zip((first, second), energies, strict=True):
            assert atoms.get_potential_energy() == pytest.approx(energy, rel=1e-12)
            assert atoms.get_forces().shape == (len(atoms), 3)


def test_deep_copies_share_the_potential_and_nothing_else() -> None:
    atoms = atoms_of()
    forces = atoms.get_forces()
    other = copy.deepcopy(atoms)
    assert other.calc.potential is atoms.calc.potential
    assert other.calc._session is not atoms.calc._session
    other.rattle(0.05, seed=1)
    assert np.abs(other.get_forces() - forces).max() > 1e-3
    np.testing.assert_array_equal(atoms.get_forces(), forces)
    assert copy.copy(atoms.calc).results.keys() == atoms.calc.results.keys()


def test_threads_with_copies_and_with_one_session() -> None:
    atoms = atoms_of()
    images = []
    for seed in range(8):
        image = atoms.copy()
        image.rattle(0.05, seed=seed)
        image.calc = copy.deepcopy(atoms.calc)
        images.append(image)
    alone = [image.copy() for image in images]
    for image in alone:
        image.calc = DeepPotential(atoms.calc.potential)
    expected = [image.get_forces() for image in alone]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(Atoms.get_forces, images))
        session = atoms.calc._session
        args = [(i.positions, list(i.symbols), i.cell.array) for i in images]
        shared = list(pool.map(lambda a: session.compute(*a).forces, args))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_allclose(shared, expected, atol=1e-10)


def test_pickles_carry_model_and_results() -> None:
    atoms = atoms_of()
    forces = atoms.get_forces()
    again = pickle.loads(pickle.dumps(atoms))
    assert "forces" in again.calc.results
    np.testing.assert_array_equal(again.get_forces(), forces)
    again.positions += 0.0
    again.calc.results.clear()
    np.testing.assert_array_equal(again.get_forces(), forces)


def test_unchanged_info_of_others_does_not_matter() -> None:
    atoms = atoms_of()
    atoms.get_forces()
    atoms.info["fparam"] = [1.0]  # this model takes none
    assert not atoms.calc.check_state(atoms)
    with pytest.raises(InputError, match="model takes no fparam"):
        DeepPotential(random_model(), fparam=[1.0])


def test_ase_finds_it_by_name() -> None:
    assert get_calculator_class("dpse") is DeepPotential
    assert DeepPotential.name == "dpse"


def test_plugin_of_ase() -> None:
    named = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]
    module = named["ase.plugins"]["dpse"]
    pytest.importorskip("ase._4.plugins", reason="ASE before 3.29 has no plugins")
    (plugin,) = import_module(module).__ase_plugins__
    assert (plugin.name, plugin.implementation) == ("dpse", DeepPotential)
    installed = [e for e in entry_points(group="ase.plugins") if e.name == "dpse"]
    if not installed:
        pytest.skip("installed before there was a plugin; an installation has it")
    from ase._4.plugins import plugins

    assert DeepPotential in [p.implementation for p in plugins.calculators]
