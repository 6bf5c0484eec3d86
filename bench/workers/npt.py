"""NPT dynamics with ASE's calculator, a block of steps a line: npt.py OPTIONS (JSON).

Each answer has the seconds of the block (``wall``, and ``cpu`` of all threads), and
what came of it; a fresh evaluation of its last frame is not timed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.nose_hoover_chain import IsotropicMTKNPT
from potential import potential_of

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


def dynamics(options: dict[str, Any]) -> tuple[Atoms, DeepPotential, Any]:
    """Atoms, their calculator and what moves them, compiled and ready.

    The pressure is that of the first frame, so that the volume stays about its own:
    the embedded model gives water 10 kbar at the density of the example.
    """
    system = np.load(options["structure"])
    potential = potential_of(options)
    symbols = [potential.type_map[t] for t in system["types"]]
    atoms = Atoms(symbols, system["positions"], cell=system["cell"], pbc=True)
    rng, masses = np.random.default_rng(options["seed"]), atoms.get_masses()[:, None]
    velocities = rng.standard_normal((len(atoms), 3))
    velocities *= np.sqrt(units.kB * TEMPERATURE / masses)
    velocities -= (masses * velocities).sum(axis=0) / masses.sum()
    atoms.set_velocities(velocities)  # type: ignore[no-untyped-call]
    calculator = DeepPotential(potential, skin=options["skin"])
    atoms.calc = calculator
    stress = atoms.get_stress(  # type: ignore[no-untyped-call]
        voigt=False, include_ideal_gas=True
    )
    motion = IsotropicMTKNPT(
        atoms,
        options["timestep"] * units.fs,
        temperature_K=TEMPERATURE,
        pressure_au=-float(np.trace(stress)) / 3,
        tdamp=THERMOSTAT * units.fs,
        pdamp=BAROSTAT * units.fs,
    )
    return atoms, calculator, motion


def largest(calculator: DeepPotential, fresh: dpse_fast.Result) -> float:
    """Difference of a force's component from that of a fresh evaluation, eV/Å."""
    return float(np.abs(calculator.results["forces"] - fresh.forces).max())


def main() -> None:
    options = json.loads(sys.argv[1])
    atoms, calculator, motion = dynamics(options)
    potential, steps = calculator.potential, options["steps"]
    types = [potential.type_map.index(symbol) for symbol in atoms.symbols]
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        motion.run(steps)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        fresh = potential.compute(atoms.positions, types, atoms.cell.array)
        answer = {
            "wall": wall,
            "cpu": cpu,
            "builds": calculator._session.list_builds,
            "largest_force_difference": largest(calculator, fresh),
            "volume": abs(float(np.linalg.det(atoms.cell.array))),
            "energy": float(calculator.results["energy"]),
            "version": dpse_fast.__version__,
            "commit": commit(),
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
