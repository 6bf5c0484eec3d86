"""Elastic constants and equation of state of a crystal.

python elastic.py model.pb Mo
python elastic.py model.pb cell.xyz --strain 0.002

The constants are derivatives of the stress by strain, with the atoms' relaxation from
second derivatives: C = C(fixed) - L' H⁺ L / V, where L is the derivative of the forces
by strain and H the Hessian (Born and Huang, 1954). Nothing is relaxed under strain.
"""

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.eos import EquationOfState
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.optimize import BFGS

from dpse_fast.ase import DeepPotential

AXES = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))  # Voigt: xx yy zz yz xz xy


def relaxed(structure: str, model: str | None) -> Atoms:
    """A cell from a file, or of an element as it crystallises, without stress."""
    known = Path(structure).exists()
    atoms = read(structure) if known else bulk(structure, cubic=True)
    atoms.calc = DeepPotential(model, tol=0)
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-5, steps=500)
    return atoms


def strained(atoms: Atoms, axis: int, strain: float) -> Atoms:
    """A copy under a strain of Voigt's axis; atoms stay at their fractions."""
    tensor = np.zeros((3, 3))
    i, j = AXES[axis]
    tensor[i, j] += strain / 2
    tensor[j, i] += strain / 2
    other = atoms.copy()
    other.calc = atoms.calc
    other.set_cell(atoms.cell.array @ (np.eye(3) + tensor), scale_atoms=True)
    return other


def elastic_constants(atoms: Atoms, strain: float = 1e-3) -> np.ndarray:
    """(6, 6) in GPa."""
    stress, forces = np.zeros((6, 6)), np.zeros((6, 3 * len(atoms)))
    for k in range(6):
        for sign in (1, -1):
            other = strained(atoms, k, sign * strain)
            stress[k] += sign * other.get_stress() / (2 * strain)
            forces[k] += sign * other.get_forces().ravel() / (2 * strain)
    hessian = atoms.calc.get_hessian(atoms)
    # Three eigenvalues are zero: the crystal may move as a whole.
    inverse = np.linalg.pinv(hessian, rcond=1e-6, hermitian=True)
    found = stress - forces @ inverse @ forces.T / atoms.get_volume()
    return (found + found.T) / 2 / units.GPa


def equation_of_state(atoms: Atoms, width: float = 0.01, points: int = 9):
    """Volume (Å³/atom), energy (eV/atom), bulk modulus (GPa) of Birch and Murnaghan.

    Of volumes within ±width of the relaxed one.
    """
    volumes, energies = [], []
    for scale in np.linspace(1 - width, 1 + width, points) ** (1 / 3):
        other = atoms.copy()
        other.calc = atoms.calc
        other.set_cell(atoms.cell * scale, scale_atoms=True)
        volumes.append(other.get_volume() / len(atoms))
        energies.append(other.get_potential_energy() / len(atoms))
    volume, energy, modulus = EquationOfState(volumes, energies, "birchmurnaghan").fit()
    return volume, energy, modulus / units.GPa


def main(model: str | None, structure: str, strain: float = 1e-3):
    """Relax, compute, print; returns the constants and the equation of state."""
    atoms = relaxed(structure, model)
    print(f"{atoms.get_chemical_formula()}, cell {atoms.cell.lengths().round(4)} Å")
    constants = elastic_constants(atoms, strain)
    print("elastic constants, GPa (xx yy zz yz xz xy)")
    print("\n".join(" ".join(f"{c:9.2f}" for c in row) for row in constants))
    state = equation_of_state(atoms)
    print("volume {:.4f} Å³/atom, energy {:.5f} eV/atom, B {:.2f} GPa".format(*state))
    print(f"B of the constants {constants[:3, :3].mean():.2f} GPa")
    return constants, state


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("structure", help="file, or an element")
    parser.add_argument("--strain", type=float, default=1e-3)
    main(**vars(parser.parse_args()))
