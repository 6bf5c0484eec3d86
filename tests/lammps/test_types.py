"""Which of LAMMPS' types are which of the model's, and atoms that have no model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lammps_runs import DATA, GOLDEN_MODELS, WATER, Lammps, start, thermo

TABLE = thermo("step pe pxx pyy pzz pxy")
PARAMETERS = GOLDEN_MODELS / "fparam.pb"


def with_others(path: Path) -> None:
    """The water with four atoms of a third type, as far from it as can be."""
    text = DATA.read_text().replace("192 atoms", "196 atoms")
    text = text.replace("2 atom types", "3 atom types")
    text = text.replace("2 1.008 # H\n", "2 1.008 # H\n3 40 # Ar\n")
    rows = [f"{193 + k} 3 {3 * k + 1}.5 6.1 6.2" for k in range(4)]
    path.write_text(text + "\n".join(rows) + "\n")


@pytest.mark.parametrize("ranks", [1, 2])
def test_atoms_without_a_model_do_not_count(
    lammps: Lammps, tmp_path: Path, ranks: int
) -> None:
    with_others(tmp_path / "others.data")
    lj = "pair_coeff 3 3 lj/cut 0.01 3.4\npair_coeff 1*2 3 lj/cut 0.008 3.0"
    script = f"""
{start()}
pair_style dpse {WATER}
pair_coeff * * O H
{TABLE}
run 0
clear
{start("others.data")}
pair_style dpse {WATER}
pair_coeff * * O H NULL
{TABLE}
run 0
clear
{start("others.data")}
pair_style hybrid/overlay dpse {WATER} lj/cut 5.0
pair_coeff * * dpse O H NULL
{lj}
compute dpse all pair dpse
compute lj all pair lj/cut
{thermo("step pe pxx pyy pzz pxy c_dpse c_lj")}
run 0
clear
{start("others.data")}
pair_style hybrid lj/cut 5.0 dpse
pair_coeff * * dpse {WATER} O H NULL
{lj}
{TABLE}
run 0
clear
{start("others.data")}
pair_style lj/cut 5.0
pair_coeff * * 0 1
{lj.replace("lj/cut ", "")}
{TABLE}
run 0
"""
    water, null, overlay, hybrid, lennard_jones = (
        run[0] for run in lammps.run(script, tmp_path, ranks=ranks).runs
    )
    close = {"rtol": 1e-11, "atol": 1e-7}
    np.testing.assert_allclose(null[1:], water[1:], **close)
    np.testing.assert_allclose(overlay[1:6], (water + lennard_jones)[1:], **close)
    np.testing.assert_allclose(overlay[6:], [water[1], lennard_jones[1]], **close)
    np.testing.assert_allclose(hybrid, overlay[:6], **close)


def test_three_ways_to_name_types_are_the_same(lammps: Lammps, tmp_path: Path) -> None:
    ways = [
        (f"{WATER}", "O H"),
        (f"{WATER}", ""),
        ("tol 1e-5", f"{WATER} O H"),
        ("demo precision double", "O H"),
        ("", f"{WATER}"),
        (f"{WATER}", "H O"),
    ]
    script = "\nclear\n".join(
        f"{start()}\npair_style dpse {style}\npair_coeff * * {words}\n{TABLE}\nrun 0"
        for style, words in ways
    )
    runs = [run[0] for run in lammps.run(script, tmp_path).runs]
    for run in runs[1:5]:
        np.testing.assert_array_equal(run, runs[0])
    assert abs(runs[5][1] - runs[0][1]) > 1


def test_frame_parameters_and_options(lammps: Lammps, tmp_path: Path) -> None:
    import dpse_fast
    from dpse_fast.trajectory import read_frames

    script = "\nclear\n".join(
        f"{start()}\npair_style dpse {PARAMETERS} tol 0 sel_overflow all "
        f"precision {precision} fparam 0.3 0.1\npair_coeff * *\n{TABLE}\nrun 0"
        for precision in ("double", "mixed")
    )
    (frame,) = read_frames(str(DATA))
    types = np.where(np.arange(192) % 3, 1, 0)
    potential = dpse_fast.load(PARAMETERS, tol=0, sel_overflow="all")
    result = potential.compute(frame.positions, types, frame.cell, fparam=[0.3, 0.1])
    double, mixed = (run[0] for run in lammps.run(script, tmp_path).runs)
    assert double[1] == pytest.approx(result.energy, rel=1e-12)
    assert mixed[1] == pytest.approx(result.energy, rel=1e-6)
    assert mixed[1] != double[1]


def test_no_atoms_on_a_rank(lammps: Lammps, tmp_path: Path) -> None:
    """A slab in the lower half of the box: the second rank has ghosts at most."""
    script = f"""
processors 1 1 *
{start()}
region upper block INF INF INF INF 6 INF
group upper region upper
change_box all z final 0 60
delete_atoms group upper
pair_style dpse {WATER}
pair_coeff * * O H
{TABLE}
run 2
"""
    one, two = (lammps.run(script, tmp_path, ranks=n).runs[0] for n in (1, 2))
    np.testing.assert_allclose(two, one, rtol=1e-11, atol=1e-7)


def test_bonds(lammps: Lammps, tmp_path: Path) -> None:
    """Bonded pairs are marked in the list, or missing from it: that is an error.

    With kspace, LAMMPS marks them whatever their weights are.
    """
    head, atoms = DATA.read_text().split("Atoms # atomic\n\n")
    head = head.replace("2 atom types", "2 atom types\n128 bonds\n1 bond types")
    rows = [row.split(maxsplit=2) for row in atoms.splitlines()]
    charges = {"1": -0.8, "2": 0.4}
    text = [f"{i} {(int(i) + 2) // 3} {t} {charges[t]} {x}" for i, t, x in rows]
    bonds = [
        f"{2 * m + h} 1 {3 * m + 1} {3 * m + 1 + h}" for m in range(64) for h in (1, 2)
    ]
    file = tmp_path / "bonds.data"
    parts = [head + "Atoms # full\n", *text, "\nBonds\n", *bonds]
    file.write_text("\n".join(parts) + "\n")
    pair = f"pair_style dpse {WATER}\npair_coeff * * O H\n{TABLE}\nrun 0"
    bonded = start("bonds.data").replace("atom_style atomic", "atom_style full")
    bonded = f"{bonded}\nbond_style zero\nbond_coeff * 1.0\n"
    weights = "special_bonds lj/coul 0.5 0.5 0.5"
    charged = "kspace_style pppm 1e-4\nkspace_modify gewald 0.45\nthermo_style custom"
    script = f"{start()}\n{pair}\n{thermo('step evdwl')}\nrun 0\nclear\n"
    script += f"{bonded}\n{weights}\n{pair}\nclear\n{bonded}\n"
    script += pair.replace("thermo_style custom", charged).replace(
        "step pe", "step evdwl"
    )
    plain, energy, marked, kspace = lammps.run(script, tmp_path).runs
    np.testing.assert_allclose(marked, plain, rtol=1e-12)
    assert kspace[0][1] == pytest.approx(energy[0][1], rel=1e-12)
    failed = lammps.run(f"{bonded}\n{pair}", tmp_path, fails=True)
    assert "expected special_bonds lj/coul 1 1 1" in failed.text
