"""The benchmark of dynamics at constant pressure runs, and says what it found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import npt


def test_two_installations_take_turns(tmp_path: Path) -> None:
    options = ["--atoms", "192", "--blocks", "2", "--steps", "2", "--threads", "1"]
    options += ["--against", sys.executable, "--output", str(tmp_path)]
    done = CliRunner().invoke(npt.main, options)
    assert not done.exit_code, done.output
    (file,) = tmp_path.glob("*-npt.json")
    report = json.loads(file.read_text())
    assert (report["atoms"], report["steps"]) == (192, 4)
    assert str(Path(sys.executable).parent) not in file.read_text()
    for name in (npt.THIS, npt.OTHER):
        found = report[name]
        assert len(found["wall_ms_per_step"]["blocks"]) == 2
        assert found["list_builds"] == 1
        assert found["largest_force_difference_ev_per_angstrom"] < 1e-9
        strains = found["volume_strain_by_block"]
        assert len(set(strains)) == 2
        assert 0 < max(map(abs, strains)) < 1e-3
    assert report["times_faster"]["cpu"]["lowest"] > 0
    assert report[npt.THIS]["energy_at_end_ev"] == report[npt.OTHER]["energy_at_end_ev"]


def test_an_installation_that_does_not_run(tmp_path: Path) -> None:
    no_python = tmp_path / "python"
    no_python.write_text("#!/bin/sh\necho no such module >&2\nexit 3\n")
    no_python.chmod(0o755)
    options = ["--atoms", "192", "--blocks", "1", "--steps", "1"]
    options += ["--against", str(no_python), "--output", str(tmp_path)]
    done = CliRunner().invoke(npt.main, options)
    assert done.exit_code == 1
    assert "against ended (code 3): no such module" in done.output
    assert not list(tmp_path.glob("*.json"))


def test_steps_are_in_milliseconds_and_builds_in_all() -> None:
    common = {"version": "1", "commit": None, "energy": -1.0}
    answers = [
        common
        | {"wall": wall, "cpu": 2 * wall, "builds": builds, "volume": 8.0 + builds}
        | {"largest_force_difference": difference}
        for wall, builds, difference in ((1.0, 1, 3e-12), (3.0, 4, 1e-12))
    ]
    found = npt.entry(answers, 10, 8.0)
    assert found["wall_ms_per_step"]["median"] == pytest.approx(200.0)
    assert found["cpu_ms_per_step"]["lowest"] == pytest.approx(200.0)
    assert found["steps_per_build"] == 5.0
    assert found["force_difference_at_end_ev_per_angstrom"] == 1e-12
    assert found["largest_force_difference_ev_per_angstrom"] == 3e-12
    assert found["volume_strain_by_block"] == [1 / 8, 4 / 8]
