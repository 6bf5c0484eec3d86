"""Lists that are kept and rebuilt, restart files, minimisation, changes of types."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lammps_runs import DATA, DYNAMICS, FTM2V, WATER, Lammps, frames, start, thermo

import dpse_fast
from dpse_fast.trajectory import read_frames

PAIR = "pair_style dpse demo\npair_coeff * * O H"
STEPS, STEP = 120, 0.0005  # ps
KCAL = 23.060549  # kcal/mol of 1 eV, as LAMMPS has it


def test_dynamics_with_rebuilt_lists_are_those_of_python(
    lammps: Lammps, tmp_path: Path
) -> None:
    script = f"""
{start()}
{PAIR}
{DYNAMICS}
neighbor 0.3 bin
velocity all scale 900
thermo 20
dump atoms all custom {STEPS} atoms.dump id xu yu zu vx vy vz
dump_modify atoms sort id format float %20.15g
run {STEPS}
"""
    outcome = lammps.run(script, tmp_path, ranks=2)
    builds = outcome.text.split("Neighbor list builds = ")[1].split()[0]
    assert int(builds) >= 3
    first, last = frames(tmp_path / "atoms.dump")

    (frame,) = read_frames(str(DATA))
    session = dpse_fast.load().session(skin=0.3)
    types = np.where(np.arange(192) % 3, 1, 0)
    masses = np.where(types, 1.008, 15.999)[:, None]
    x, v = first[:, 1:4], first[:, 4:7]
    forces = session.compute(x, types, frame.cell).forces
    for _ in range(STEPS):
        v = v + 0.5 * STEP * FTM2V * forces / masses
        x = x + STEP * v
        forces = session.compute(x, types, frame.cell).forces
        v = v + 0.5 * STEP * FTM2V * forces / masses
    assert np.abs(x - first[:, 1:4]).max() > 0.5
    assert np.abs(x - last[:, 1:4]).max() < 1e-9


def test_restart_file_has_model_and_options(lammps: Lammps, tmp_path: Path) -> None:
    whole = f"""
{start()}
pair_style dpse demo threads 1
pair_coeff * * O H
{DYNAMICS}
{thermo(every=5)}
run 5
write_restart half.restart
write_data half.data
run 5
"""
    rest = f"""
read_restart half.restart
fix run all nve
timestep 0.0005
{thermo(every=5)}
run 5
"""
    expected = lammps.run(whole, tmp_path, ranks=2).runs[1]
    found = lammps.run(rest, tmp_path, ranks=2).runs[0]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-6)
    assert "Masses" in (tmp_path / "half.data").read_text()


def test_restart_file_of_a_lost_model_takes_another(
    lammps: Lammps, tmp_path: Path
) -> None:
    (tmp_path / "lost.h5").write_bytes(WATER.read_bytes())
    script = f"""
{start()}
pair_style dpse
pair_coeff * * lost.h5 O H
{thermo("step pe")}
run 0
write_restart lost.restart
"""
    expected = lammps.run(script, tmp_path).runs[0]
    (tmp_path / "lost.h5").unlink()
    again = f"read_restart lost.restart\n{thermo('step pe')}\n"
    failed = lammps.run(f"{again}run 0", tmp_path, fails=True)
    assert "lost.h5" in failed.text
    replaced = again.replace("thermo 1", f"pair_style dpse {WATER}\npair_coeff * * O H")
    found = lammps.run(f"{replaced}run 0", tmp_path).runs[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_minimisation_of_atoms_and_box(lammps: Lammps, tmp_path: Path) -> None:
    script = f"""
{start()}
{PAIR}
{thermo("step pe press vol fmax", every=100)}
minimize 0 0 15 100
fix relax all box/relax iso 0
minimize 0 0 15 100
"""
    atoms, box = lammps.run(script, tmp_path).runs
    assert atoms[-1][1] < atoms[0][1] - 1
    assert box[-1][1] < box[0][1]
    assert abs(box[-1][2]) < abs(box[0][2])


def test_numbers_that_only_change_between_runs(lammps: Lammps, tmp_path: Path) -> None:
    """Types that change with a list in use, units, scales, energies of a group."""
    script = f"""
{start()}
{PAIR}
compute pair all pair dpse
compute atoms all pe/atom
compute sum all reduce sum c_atoms
{thermo("step pe c_pair c_sum pxx")}
run 0
fix swapped all atom/swap 1 20 77 1e9 ke no types 1 2
run 1
unfix swapped
run 0
variable factor equal 0.25
fix scaled all adapt 1 pair dpse scale * * v_factor
run 0
clear
{start(units="real")}
{PAIR}
{thermo("step pe")}
run 0
"""
    plain, swapped, built, scaled, real = lammps.run(script, tmp_path).runs
    assert plain[0][2] == pytest.approx(plain[0][1], rel=1e-14)
    assert plain[0][3] == pytest.approx(plain[0][1], rel=1e-12)
    assert abs(swapped[1][1] - plain[0][1]) > 1
    assert built[0][1] == pytest.approx(swapped[1][1], rel=1e-13)
    assert scaled[0][1] == pytest.approx(0.25 * built[0][1], rel=1e-13)
    assert scaled[0][4] == pytest.approx(0.25 * built[0][4], rel=1e-12)
    assert real[0][1] == pytest.approx(KCAL * plain[0][1], rel=1e-9)
