"""The benchmark of two installations in turns runs, and says what it found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import versions


def test_two_installations_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "CASES", (("double", 1),))
    options = ["--atoms", "192", "--rounds", "2", "--starts", "1"]
    options += ["--against", sys.executable, "--output", str(tmp_path)]
    done = CliRunner().invoke(versions.main, options)
    assert not done.exit_code, done.output
    (file,) = tmp_path.glob("*-versions.json")
    assert str(Path(sys.executable).parent) not in file.read_text()
    report = json.loads(file.read_text())
    (found,) = report["evaluations"]
    assert (report["atoms"], found["precision"], found["threads"]) == (192, "double", 1)
    assert found["bitwise_equal_forces"]
    assert found["differences"]["force_max_ev_per_angstrom"] == 0
    for clock in ("cpu", "wall"):
        assert len(found["seconds"][clock][versions.THIS]) == 2
        assert found["times_faster"][clock]["lowest"] > 0
    assert min(found["peak_bytes"].values()) > 1e7
    assert len(report["first_energy"]["seconds"][versions.OTHER]) == 1
