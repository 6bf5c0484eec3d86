"""compute heat/flux with pair_style dpse, next to `Result.heat_flux`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lammps_runs import DATA, Lammps, frames, start, thermo

import dpse_fast
from dpse_fast.trajectory import read_frames

FLUX = " ".join(f"c_flux[{k}]" for k in range(1, 7))
ELEMENTS = {"O": 0, "H": 1, "NULL": -1}


@pytest.mark.parametrize(("names", "ranks"), [("O H", 2), ("O NULL", 1)])
def test_the_six_numbers_of_lammps(
    lammps: Lammps, tmp_path: Path, names: str, ranks: int
) -> None:
    """Also where a type is virtual, whose atoms have kinetic energy alone."""
    script = f"""
{start()}
pair_style dpse demo
pair_coeff * * {names}
velocity all create 330.0 23456789
fix run all nve
timestep 0.0005
compute kinetic all ke/atom
compute potential all pe/atom
compute centroid all centroid/stress/atom NULL virial
compute flux all heat/flux kinetic potential centroid
{thermo("step " + FLUX, every=10)}
dump atoms all custom 10 atoms.dump id type x y z vx vy vz c_kinetic
dump_modify atoms sort id format float %20.17g
run 10
"""
    outcome = lammps.run(script, tmp_path, ranks=ranks)
    (frame,) = read_frames(str(DATA))
    pot = dpse_fast.load()
    types = [ELEMENTS[name] for name in names.split()]
    for row, atoms in zip(
        outcome.runs[0], frames(tmp_path / "atoms.dump"), strict=True
    ):
        own = np.array(types)[atoms[:, 1].astype(int) - 1]
        result = pot.compute(atoms[:, 2:5], own, frame.cell, atomic=True)
        flux = result.heat_flux(atoms[:, 5:8], atoms[:, 8])  # eV Å/ps
        found = np.concatenate([flux.total, flux.convective])
        terms = np.abs(result.atomic_energies) @ np.abs(atoms[:, 5:8])
        assert np.abs(flux.virial).min() > 1e-3
        assert np.abs(found - row[1:]).max() < 1e-12 * terms.max()
