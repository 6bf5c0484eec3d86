"""Water in OpenMM, driven by the embedded model: NVE after a random start.

pip install dpse-fast openmm
python nve.py
"""

import argparse
from pathlib import Path

import openmm
from ase.io import read
from openmm import unit

from dpse_fast.md.openmm import add_force

WATER = Path(__file__).parents[1] / "water.xyz"


def main(steps: int = 200) -> list[float]:
    """Run, and give the total energies (kJ/mol)."""
    atoms = read(WATER, index=0)
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*(atoms.cell.array / 10))
    for mass in atoms.get_masses():
        system.addParticle(mass)
    add_force(system, None, list(atoms.symbols))

    integrator = openmm.VerletIntegrator(0.5 * unit.femtosecond)
    context = openmm.Context(system, integrator)
    context.setPositions(atoms.positions / 10)
    context.setVelocitiesToTemperature(300 * unit.kelvin, 1)
    totals = []
    for _ in range(10):
        integrator.step(max(1, steps // 10))
        state = context.getState(energy=True)
        energies = (state.getPotentialEnergy(), state.getKineticEnergy())
        totals.append(sum(e.value_in_unit(unit.kilojoule_per_mole) for e in energies))
        print(f"{state.getTime()}  total energy {totals[-1]:.3f} kJ/mol", flush=True)
    return totals


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    main(parser.parse_args().steps)
