"""Positions and cell relaxed together, with ASE and the embedded water model.

python relax_cell.py --fmax 0.05
"""

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.optimize import BFGS, FIRE

from dpse_fast.ase import DeepPotential

WATER = Path(__file__).parents[1] / "water.xyz"
OPTIMIZERS = {"fire": FIRE, "bfgs": BFGS}


def main(steps: int = 50, fmax: float = 0.05, optimizer: str = "fire") -> Atoms:
    """Relax at most so many steps, or until forces are below fmax (eV/Å)."""
    atoms = read(WATER, index=0)
    atoms.calc = DeepPotential()
    both = FrechetCellFilter(atoms, scalar_pressure=0.0)
    OPTIMIZERS[optimizer](both).run(fmax=fmax, steps=steps)
    pressure = -np.trace(atoms.get_stress(voigt=False)) / 3
    print(
        f"{atoms.get_potential_energy():.4f} eV, largest force "
        f"{np.abs(atoms.get_forces()).max():.3f} eV/Å, "
        f"pressure {pressure * 160.21766208:.3f} GPa, "
        f"volume {atoms.get_volume():.1f} Å³"
    )
    return atoms


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--fmax", type=float, default=0.05)
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="fire")
    given = parser.parse_args()
    main(given.steps, given.fmax, given.optimizer)
