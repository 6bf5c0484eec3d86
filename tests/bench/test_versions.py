"""Two installations take turns in bench.versions and bench.npt, which say what came."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from bench import npt, versions


def run(command: click.Command, folder: Path, python: str, *more: str) -> Result:
    options = ["--atoms", "192", "--against", python, "--output", str(folder)]
    return CliRunner().invoke(command, [*options, *more])


def report_of(command: click.Command, folder: Path, *more: str) -> dict[str, Any]:
    done = run(command, folder, sys.executable, *more)
    assert not done.exit_code, done.output
    (file,) = folder.glob("*.json")
    assert str(Path(sys.executable).parent) not in file.read_text()
    found: dict[str, Any] = json.loads(file.read_text())
    assert found["atoms"] == 192
    return found


def test_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "CASES", (("double", 1),))
    options = ("--rounds", "2", "--starts", "1")
    report = report_of(versions.main, tmp_path, *options)
    (found,) = report["evaluations"]
    assert (found["precision"], found["threads"]) == ("double", 1)
    assert found["bitwise_equal_forces"]
    assert found["differences"]["force_max_ev_per_angstrom"] == 0
    for clock in ("cpu", "wall"):
        assert len(found["seconds"][clock][versions.THIS]) == 2
        assert found["times_faster"][clock]["lowest"] > 0
    assert min(found["peak_bytes"].values()) > 1e7
    assert len(report["first_energy"]["seconds"][versions.OTHER]) == 1


def test_npt(tmp_path: Path) -> None:
    options = ("--blocks", "2", "--steps", "2", "--threads", "1")
    report = report_of(npt.main, tmp_path, *options)
    assert report["steps"] == 4
    for name in (versions.THIS, versions.OTHER):
        found = report[name]
        assert len(found["wall_ms_per_step"]["blocks"]) == 2
        assert found["list_builds"] == 1
        assert found["largest_force_difference_ev_per_angstrom"] < 1e-9
        strains = found["volume_strain_by_block"]
        assert len(set(strains)) == 2
        assert 0 < max(map(abs, strains)) < 1e-3
        energy = found["energy_at_end_ev"]
        assert energy == report[versions.THIS]["energy_at_end_ev"]
    assert report["times_faster"]["cpu"]["lowest"] > 0


def test_an_installation_that_does_not_run(tmp_path: Path) -> None:
    no_python = tmp_path / "python"
    no_python.write_text("#!/bin/sh\necho no such module >&2\nexit 3\n")
    no_python.chmod(0o755)
    done = run(npt.main, tmp_path, str(no_python), "--blocks", "1", "--steps", "1")
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
