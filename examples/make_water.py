"""How examples/water.xyz was made: water from a lattice, by a short MD run.

64 molecules at 0.997 g/cm³ start on a cubic lattice with random orientations. They are
relaxed with the embedded model, followed by Langevin dynamics at 300 K with steps of
0.5 fs.

    python examples/make_water.py water.xyz
"""

from __future__ import annotations

import sys

import ase.io
import numpy as np
from ase import Atoms, units
from ase.build import molecule
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.optimize import FIRE

from dpse_fast.ase import DeepPotential

EDGE = 12.42  # Å, of the cubic cell
SIDE = 4  # molecules along an edge
FRAMES, STEPS = 8, 1000  # frames written, steps of 0.5 fs between them


def lattice(rng: np.random.Generator) -> Atoms:
    box = Atoms(cell=[EDGE] * 3, pbc=True)
    for corner in np.ndindex(SIDE, SIDE, SIDE):
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.translate((np.array(corner) + 0.5) * EDGE / SIDE)
        box += water
    return box


def main(output: str) -> None:
    rng = np.random.default_rng(64)
    atoms = lattice(rng)
    atoms.calc = DeepPotential()
    FIRE(atoms, logfile=None).run(fmax=1.0, steps=300)
    MaxwellBoltzmannDistribution(atoms, temperature_K=300, rng=rng)
    dynamics = Langevin(
        atoms,
        0.5 * units.fs,
        temperature_K=300,
        friction=0.02 / units.fs,
        fixcm=False,
        rng=rng,
    )
    frames = []
    dynamics.run(4 * STEPS)
    for _ in range(FRAMES):
        dynamics.run(STEPS)
        print(f"{dynamics.get_number_of_steps()} {atoms.get_temperature():.0f} K")
        frame = Atoms(
            atoms.symbols, np.round(atoms.get_positions(wrap=True), 5), pbc=True
        )
        frame.set_cell(atoms.cell)
        frames.append(frame)
    ase.io.write(output, frames, format="extxyz")


if __name__ == "__main__":
    main(*sys.argv[1:])
