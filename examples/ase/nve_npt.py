"""Water with ASE at constant energy, or at constant temperature and pressure.

python nve_npt.py nve -o nve.txt && python ../plot_md.py nve.txt -o nve.png
python nve_npt.py npt -o npt.txt && python ../plot_md.py npt.txt -o npt.png
"""

import argparse
from pathlib import Path

import numpy as np
from ase import units
from ase.io import read
from ase.md.nose_hoover_chain import IsotropicMTKNPT
from ase.md.velocitydistribution import Stationary
from ase.md.verlet import VelocityVerlet

from dpse_fast.ase import DeepPotential

WATER = Path(__file__).parents[1] / "water.xyz"
COLUMNS = "Step Time PotEng KinEng TotEng Temp Press Volume"  # ps, eV, K, bar, Å³
KELVIN, STEP = 330.0, 0.5 * units.fs
BAR = 9800.0  # at the density that the embedded model was trained at


def main(
    ensemble: str, out: str | Path, steps: int = 4000, every: int = 20
) -> list[list[float]]:
    """Run, and write a row for every so many steps."""
    atoms = read(WATER, index=0)
    atoms.calc = DeepPotential()
    random = np.random.default_rng(1)
    spread = np.sqrt(atoms.get_masses() * units.kB * KELVIN)
    atoms.set_momenta(spread[:, None] * random.normal(size=(len(atoms), 3)))
    Stationary(atoms)
    if ensemble == "nve":
        dynamics = VelocityVerlet(atoms, STEP)
    else:
        dynamics = IsotropicMTKNPT(
            atoms,
            STEP,
            temperature_K=KELVIN,
            pressure_au=BAR * units.bar,
            tdamp=50 * units.fs,
            pdamp=500 * units.fs,
        )
    rows = []
    with Path(out).open("w") as file:
        print(COLUMNS, file=file)

        def report() -> None:
            stress = atoms.get_stress(voigt=False, include_ideal_gas=True)
            potential, kinetic = (
                atoms.get_potential_energy(),
                atoms.get_kinetic_energy(),
            )
            rows.append(
                [
                    dynamics.nsteps,
                    dynamics.nsteps * STEP / (1000 * units.fs),
                    potential,
                    kinetic,
                    potential + kinetic,
                    atoms.get_temperature(),
                    -np.trace(stress) / 3 / units.bar,
                    atoms.get_volume(),
                ]
            )
            print(*(f"{value:.12g}" for value in rows[-1]), file=file, flush=True)

        dynamics.attach(report, interval=every)
        dynamics.run(steps)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ensemble", choices=("nve", "npt"))
    parser.add_argument("-o", "--out", default="md.txt")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--every", type=int, default=20)
    given = parser.parse_args()
    main(given.ensemble, given.out, given.steps, given.every)
