"""The benchmark refuses to time what does not agree."""

from __future__ import annotations

import pytest

from bench.lammps import LammpsError, agreement, check, thermo

LOG = """
   Step         PotEng         KinEng         TotEng          Press
         0  -100.5   8.25  -92.25   1.5e+04
         2  -100.25  8.0   -92.25   -12.5
Loop time of 0.5 on 1 procs for 2 steps with 4 atoms
"""


def test_thermo_is_every_row() -> None:
    rows = [[0, -100.5, 8.25, -92.25, 15000], [2, -100.25, 8, -92.25, -12.5]]
    assert thermo(LOG) == rows


def test_energies_that_differ_end_the_run() -> None:
    ours = {"atoms": 4, "thermo": [[0, -100.0, 8, -92, 100.0], [2, 1, 1, 1, 1]]}
    same = agreement(ours, {"thermo": ours["thermo"]})
    check("dpse, double", same)
    other = {"thermo": [[0, -100.00003, 8, -92, 100.0], [2, 1, 1, 1, 1]]}
    off = agreement(ours, other)
    assert off["energy_ev_per_atom"] == pytest.approx(7.5e-6)
    check("dpse, mixed", off)
    with pytest.raises(LammpsError, match=r"energy_ev_per_atom is off by 7\.50e-06"):
        check("dpse, double", off)
    broken = {"atoms": 4, "thermo": [[0, float("nan"), 8, -92, 100.0]] * 2}
    with pytest.raises(LammpsError):
        check("dpse, mixed", agreement(broken, other))
