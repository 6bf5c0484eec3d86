"""bench.deepmd_python, with contenders that only pretend to compute."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager

import numpy as np
import pytest
from click.testing import CliRunner

from bench import deepmd_python

SECONDS = {"deepmd-kit": 6.0, "dpse-fast, double": 2.0, "dpse-fast, mixed": 1.0}


class Pretended(AbstractContextManager):
    """Takes its name's time, and gives the positions for forces."""

    off = 0.0

    def __init__(self, name, script, options, folder, python, environment):
        self.name = name
        with np.load(options["frames"]) as frames:
            self.found = {name: frames[name] for name in frames}

    def __exit__(self, *_):
        pass

    def evaluate(self):
        return {"cpu": SECONDS[self.name], "wall": 2 * SECONDS[self.name]}

    def numbers(self):
        ours = self.name.startswith("dpse-fast")
        return {"forces": self.found["positions"] + self.off * ours}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The command with one case; gives what it said, and its reports."""
    monkeypatch.setattr(deepmd_python, "Worker", Pretended)
    monkeypatch.setattr(deepmd_python, "CASES", {"case": (12, 3, True)})
    words = ["-m", "model.pb", "--peer-python", "python", "--output", str(tmp_path)]

    def run(rounds: int):
        given = [*words, "--rounds", str(rounds)]
        said = CliRunner().invoke(deepmd_python.main, given)
        reports = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
        return said, reports

    return run


def test_reports_ratios_to_deepmd_kit(run):
    said, (report,) = run(rounds=3)
    assert not said.exit_code, said.output
    found = report["cases"]["case"]
    for name, seconds in SECONDS.items():
        for clock in ("cpu", "wall"):
            assert found[name]["times_faster"][clock]["median"] == 6 / seconds
            assert len(found[name]["rounds"][clock]) == 3
        us = found[name]["us_per_atom"]["cpu"]["median"]
        assert us == pytest.approx(1e6 * seconds / 36, rel=1e-5)


def test_what_does_not_agree_is_not_measured(run, monkeypatch):
    monkeypatch.setattr(Pretended, "off", 2 * deepmd_python.LIMIT)
    said, reports = run(rounds=3)
    assert said.exit_code
    assert reports == []
    assert "dpse-fast, double: forces are off by 1.0e-04" in said.output


def test_frames_are_water(tmp_path):
    deepmd_python.write_frames(tmp_path / "frames.npz", 12, 5)
    with np.load(tmp_path / "frames.npz") as frames:
        assert frames["positions"].shape == (5, 12, 3)
        assert frames["cells"].shape == (5, 9)
        assert sorted(frames["types"]) == [0] * 4 + [1] * 8
