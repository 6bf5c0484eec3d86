"""Every example of an engine runs, shortened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from engines import EXAMPLES, module_at, needs, run
from random_model import random_model

import dpse_fast
from dpse_fast.formats import exchange


def example(folder: str, name: str) -> Any:
    return module_at(EXAMPLES / folder / f"{name}.py")


@pytest.mark.parametrize("temperature", [None, 330.0])
def test_dynamics_with_ase(temperature: float | None) -> None:
    totals = example("ase", "md").main(20, temperature)
    assert len(totals) == 11
    if temperature is None:
        assert np.ptp(totals) < 0.02  # eV, of 192 atoms


@pytest.mark.parametrize("optimizer", ["fire", "bfgs"])
def test_relaxation_with_ase(optimizer: str) -> None:
    relax = example("ase", "relax_cell")
    energies = [relax.main(n, 0.05, optimizer).get_potential_energy() for n in (0, 3)]
    assert energies[1] < energies[0] - 0.1


def crystal(folder: Path) -> tuple[str, str]:
    """Files of a random model, and of a crystal that is nearly at rest in it."""
    model = random_model(1, embedding=(4, 8), fitting=(6, 6), rcut=4.0, axis=2)
    files = str(folder / "model.h5"), str(folder / "crystal.xyz")
    exchange.write(replace(model, type_map=("Cu",)), Path(files[0]))
    ase.io.write(files[1], bulk("Cu", "bcc", a=3.0, cubic=True))
    return files


def test_elastic_constants_with_ase(tmp_path: Path) -> None:
    constants, state = example("ase", "elastic").main(*crystal(tmp_path))
    turned = constants[np.ix_([1, 2, 0], [1, 2, 0])]  # it is cubic
    np.testing.assert_allclose(constants[:3, :3], turned, rtol=1e-6)
    assert state[2] == pytest.approx(constants[:3, :3].mean(), rel=0.01)


def test_phonons_with_phonopy(tmp_path: Path) -> None:
    phonopy = needs("phonopy", "phonopy")
    bands = example("phonons", "band_structure")
    phonons, (_, frequencies, *_), special = bands.main(*crystal(tmp_path), 2)
    assert frequencies.shape == (200, 3)
    assert np.abs(special["G"]).max() < 1e-2  # THz
    # The same by displacements of phonopy.
    pot = dpse_fast.load(tmp_path / "model.h5", tol=0, device="cpu")
    other = phonopy.Phonopy(
        phonons.unitcell, phonons.supercell_matrix, phonons.primitive_matrix
    )
    other.generate_displacements(distance=1e-3, is_plusminus=True)
    large = other.supercells_with_displacements
    other.forces = [
        pot.compute(one.positions, one.symbols, one.cell).forces for one in large
    ]
    other.produce_force_constants()
    (_, expected, *_), _ = bands.bands_of(other)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(frequencies, expected, atol=1e-3)


@pytest.mark.parametrize("ensemble", ["nve", "npt"])
def test_ensembles_with_ase(ensemble: str, tmp_path: Path) -> None:
    table = tmp_path / "md.txt"
    rows = np.array(example("ase", "nve_npt").main(ensemble, table, 20, every=5))
    np.testing.assert_allclose(rows[:, 2] + rows[:, 3], rows[:, 4])
    assert rows[:, 1] == pytest.approx([0, 0.0025, 0.005, 0.0075, 0.01])
    found = example("", "plot_md").main(table)
    if ensemble == "nve":
        assert np.ptp(rows[:, 7]) == 0
        assert found["rms"] < 20  # meV, of 192 atoms
    else:
        assert found["Volume"] == pytest.approx(rows[2:, 7].mean())
        assert np.ptp(rows[:, 7]) > 0.01


def test_conductivity_of_a_flux_with_known_correlation() -> None:
    """J follows J(t + dt) = a J(t) + noise, beside a large part that is no heat."""
    program = example("transport", "green_kubo")
    n, a, dt, kelvin, volume = 20000, 0.98, 0.002, 300.0, 1000.0
    rng = np.random.default_rng(4)
    flux, velocity = np.zeros((n, 3)), np.zeros((n, 3))
    noise = rng.normal(size=(n, 3))
    for k in range(1, n):
        flux[k] = a * flux[k - 1] + noise[k]
    velocity[1:] = np.diff(rng.normal(size=(n, 3)), axis=0)
    states = np.stack([dt * np.arange(n), np.full(n, kelvin), np.full(n, volume)], 1)
    rows = np.concatenate([states, flux + 3e3 * velocity, velocity], axis=1)
    times, shape, areas = program.conductivity(rows, 1.0)
    area, error = program.mean_and_error(areas)
    # The trapezoidal sum of a**k / (1 - a**2), over a range in which it is complete.
    integral = dt * (0.5 + a / (1 - a)) / (1 - a**2)
    boltzmann = 8.617333262e-5  # eV/K
    expected = integral / (boltzmann * kelvin**2 * volume) * 1602.176634
    assert times[-1] == pytest.approx(1.0)
    assert shape[50] == pytest.approx(a**50, abs=0.15)
    assert 0.02 * expected < error[-1] < 0.3 * expected
    assert abs(area[-1] - expected) < 3 * error[-1]


def test_heat_flux_with_ase() -> None:
    """Rows in the units of LAMMPS; the conductivity itself takes thousands of steps."""
    rows = example("transport", "green_kubo").run(12, 4, 4)
    assert rows.shape == (4, 9)
    np.testing.assert_allclose(rows[:, 0], [0, 0.002, 0.004, 0.006])
    assert rows[:, 2] == pytest.approx(12.42**3)
    # The flux of constant energies of the types is most of it.
    np.testing.assert_allclose(rows[:, 3:6], 2855 * rows[:, 6:9], atol=2000)


def test_openmm() -> None:
    needs("openmm", "openmm")
    totals = example("openmm", "nve").main(20)
    assert np.ptp(totals) / 96.485 < 0.02


def test_path_integrals_with_i_pi(tmp_path: Path) -> None:
    needs("ipi", "ipi")
    out = example("ipi", "run").main(3, 4, tmp_path / "pimd")
    assert out.shape == (4, 7)
    assert np.isfinite(out).all()
    assert len(np.unique(out[:, 4])) == 4


def test_torch_sim() -> None:
    needs("torch_sim", "torch-sim-atomistic")
    energies = example("torchsim", "batch").main(2, 5)
    assert (np.array(energies[2:]) < np.array(energies[:2]) - 0.5).all()


@pytest.mark.parametrize("ranks", [1, 2])
def test_lammps_through_fix_external(ranks: int) -> None:
    needs("lammps", "lammps[mpi]", load=False)
    needs("mpi4py", "mpi4py", load=False)
    done = run(EXAMPLES / "lammps_external" / "run.py", "--steps", 10, ranks=ranks)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    rows = [line.split() for line in done.stdout.splitlines()]
    steps = [r for r in rows if len(r) == 5 and r[0].isdigit()]
    totals = [float(r[3]) for r in steps]
    assert len(totals) == 11
    assert np.ptp(totals) < 0.02
