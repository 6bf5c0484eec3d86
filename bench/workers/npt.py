"""NPT dynamics with ASE's calculator, a block of steps a line.

Each answer has the seconds of the block and what came of it; a fresh evaluation of its
last frame is not timed.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.nose_hoover_chain import IsotropicMTKNPT
from ours import potential_of
from serve import options, serve

import dpse_fast
from dpse_fast.ase import DeepPotential

TEMPERATURE = 330.0  # K
THERMOSTAT, BAROSTAT = 100.0, 1000.0  # fs


def commit() -> str | None:
    """The last one of the package's sources, if they are in a repository."""
    folder = str(Path(dpse_fast.__file__).parent)
    command = ["git", "-C", folder, "log", "-1", "--format=%h", "--", "."]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None


def dynamics(given: dict[str, Any]) -> tuple[Atoms, DeepPotential, Any]:
    """Atoms, their calculator and what moves them, compiled and ready.

    The pressure is that of the first frame, so that the volume stays about its own:
    the embedded model gives water 10 kbar at the density of the example.
    """
    system, potential = np.load(given["structure"]), potential_of(given)
    symbols = [potential.type_map[t] for t in system["types"]]
    atoms = Atoms(symbols, system["positions"], cell=system["cell"], pbc=True)
    rng, masses = np.random.default_rng(given["seed"]), atoms.get_masses()[:, None]
    velocities = rng.standard_normal((len(atoms), 3))
    velocities *= np.sqrt(units.kB * TEMPERATURE / masses)
    velocities -= (masses * velocities).sum(axis=0) / masses.sum()
    atoms.set_velocities(velocities)  # type: ignore[no-untyped-call]
    calculator = DeepPotential(potential, skin=given["skin"])
    atoms.calc = calculator
    stress = atoms.get_stress(  # type: ignore[no-untyped-call]
        voigt=False, include_ideal_gas=True
    )
    motion = IsotropicMTKNPT(
        atoms,
        given["timestep"] * units.fs,
        temperature_K=TEMPERATURE,
        pressure_au=-float(np.trace(stress)) / 3,
        tdamp=THERMOSTAT * units.fs,
        pdamp=BAROSTAT * units.fs,
    )
    return atoms, calculator, motion


def main() -> None:
    given = options()
    atoms, calculator, motion = dynamics(given)
    potential = calculator.potential
    types = [potential.type_map.index(symbol) for symbol in atoms.symbols]

    def about(_: object) -> dict[str, Any]:
        fresh = potential.compute(atoms.positions, types, atoms.cell.array)
        off = np.abs(calculator.results["forces"] - fresh.forces).max()
        return {
            "builds": calculator._session.list_builds,
            "largest_force_difference": float(off),  # eV/Å
            "volume": abs(float(np.linalg.det(atoms.cell.array))),
            "energy": float(calculator.results["energy"]),
            "version": dpse_fast.__version__,
            "commit": commit(),
        }

    serve(lambda: motion.run(given["steps"]), about)


if __name__ == "__main__":
    main()
