"""Molecular dynamics with ASE and the embedded water model: NVE or Langevin.

python md.py --steps 1000
python md.py --temperature 330 --model model.pb --structure cell.xyz
"""

import argparse
from pathlib import Path

import numpy as np
from ase import units
from ase.constraints import FixCom
from ase.io import read
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet

from dpse_fast.ase import DeepPotential

WATER = Path(__file__).parents[1] / "water.xyz"


def main(
    steps: int = 200,
    temperature: float | None = None,
    model: str | None = None,
    structure: str | Path = WATER,
) -> list[float]:
    """Run, and give the total energies (eV); a temperature (K) asks for Langevin."""
    atoms = read(structure, index=0)
    atoms.calc = DeepPotential(model)
    atoms.set_constraint(FixCom())
    spread = np.sqrt(atoms.get_masses() * units.kB * (temperature or 300))
    random = np.random.default_rng(1)
    atoms.set_momenta(spread[:, None] * random.normal(size=(len(atoms), 3)))
    if temperature is None:
        dynamics = VelocityVerlet(atoms, timestep=0.5 * units.fs)
    else:
        dynamics = Langevin(
            atoms,
            timestep=0.5 * units.fs,
            temperature_K=temperature,
            friction=0.01 / units.fs,
            fixcm=False,
        )
    totals = []

    def report() -> None:
        totals.append(atoms.get_total_energy())
        print(
            f"{dynamics.nsteps:6d}  total {totals[-1]:.4f} eV  "
            f"{atoms.get_temperature():.0f} K",
            flush=True,
        )

    dynamics.attach(report, interval=max(1, steps // 10))
    dynamics.run(steps)
    return totals


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--model")
    parser.add_argument("--structure", default=WATER)
    given = parser.parse_args()
    main(given.steps, given.temperature, given.model, given.structure)
