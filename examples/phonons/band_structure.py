"""Phonons of a crystal with phonopy, from second derivatives instead of displacements.

python band_structure.py model.pb Mo --supercell 5 --picture bands.svg
python band_structure.py model.pb cell.xyz --mesh 12

One call of `hessian` for the atoms of the primitive cell gives all force constants of
the supercell. Needs: pip install phonopy matplotlib
"""

import argparse
import warnings
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms

import dpse_fast
from dpse_fast.ase import DeepPotential


def relaxed(structure: str, potential: dpse_fast.Potential) -> Atoms:
    """A cell from a file, or of an element as it crystallises, without stress."""
    known = Path(structure).exists()
    atoms = ase.io.read(structure) if known else bulk(structure, cubic=True)
    atoms.calc = DeepPotential(potential)
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-5, steps=500)
    return atoms


def phonons_of(atoms: Atoms, potential: dpse_fast.Potential, supercell: int) -> Phonopy:
    """Phonopy with the force constants of a supercell."""
    cell = PhonopyAtoms(
        symbols=list(atoms.symbols),
        cell=atoms.cell.array,
        scaled_positions=atoms.get_scaled_positions(),
    )
    with warnings.catch_warnings():  # that phonopy 4 takes the primitive cell
        warnings.simplefilter("ignore")
        phonons = Phonopy(cell, np.diag([supercell] * 3), primitive_matrix="auto")
    large, chosen = phonons.supercell, phonons.primitive.p2s_map
    rows = potential.hessian(large.positions, large.symbols, large.cell, atoms=chosen)
    n, n_all = len(chosen), len(large.positions)
    constants = rows.reshape(n, 3, n_all, 3).transpose(0, 2, 1, 3)
    phonons.force_constants = np.ascontiguousarray(constants)
    return phonons


def bands_of(phonons: Phonopy, points: int = 200):
    """Along the path of ASE: places, frequencies (points, 3n) in THz, and its labels.

    Also the frequencies (3n,) at each special point, by name.
    """
    primitive = phonons.primitive
    cell = Atoms(
        list(primitive.symbols),
        cell=primitive.cell,
        scaled_positions=primitive.scaled_positions,
        pbc=True,
    ).cell
    path = cell.bandpath(npoints=points, eps=1e-3)
    places, ticks, labels = path.get_linear_kpoint_axis()
    special = path.special_points
    phonons.run_qpoints([*path.kpts, *special.values()])
    found = phonons.qpoints.frequencies
    at_special = dict(zip(special, found[len(path.kpts) :], strict=True))
    return (places, found[: len(path.kpts)], ticks, labels), at_special


def draw(bands, file: str, title: str) -> None:
    """A picture; the kind follows from the name of the file."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    places, frequencies, ticks, labels = bands
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    axes.plot(places, frequencies, color="tab:blue", linewidth=1)
    for tick in ticks:
        axes.axvline(tick, color="0.8", linewidth=0.8)
    axes.axhline(0, color="0.5", linewidth=0.8)
    names: dict[float, list[str]] = {}
    for tick, name in zip(ticks.tolist(), labels, strict=True):
        names.setdefault(tick, []).append("Γ" if name == "G" else name)
    axes.set_xticks([*names], ["|".join(each) for each in names.values()])
    axes.set_xlim(places[0], places[-1])
    axes.set(ylabel="frequency, THz", title=title)
    figure.savefig(file)


def main(
    model: str | None,
    structure: str,
    supercell: int = 4,
    mesh: int = 0,
    picture: str | None = None,
):
    """Relax, compute, print; returns phonopy's object, bands and special points."""
    potential = dpse_fast.load(model)
    atoms = relaxed(structure, potential)
    print(f"{atoms.get_chemical_formula()}, cell {atoms.cell.lengths().round(4)} Å")
    phonons = phonons_of(atoms, potential, supercell)
    bands, special = bands_of(phonons)
    for name, frequencies in special.items():
        print(f"{name:4s}", *(f"{f:8.3f}" for f in frequencies), "THz")
    if mesh:
        phonons.run_mesh([mesh] * 3)
        phonons.run_thermal_properties(t_step=100, t_max=300)
        found = phonons.thermal_properties
        rows = zip(found.temperatures, found.heat_capacity, strict=True)
        for temperature, capacity in rows:
            print(f"{temperature:5.0f} K  heat capacity {capacity:7.3f} J/K/mol")
    if picture:
        draw(bands, picture, f"{atoms.get_chemical_formula()}, {supercell}³ cells")
    return phonons, bands, special


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("structure", help="file, or an element")
    parser.add_argument("--supercell", type=int, default=4, help="along each axis")
    parser.add_argument("--mesh", type=int, default=0, help="also thermal properties")
    parser.add_argument("--picture", help="file of the band structure")
    main(**vars(parser.parse_args()))
