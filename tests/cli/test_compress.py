"""`dpse-fast compress`: the file, its certificate, and the check on frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dpse_fast

Run = Callable[..., Any]


def test_compress(run: Run, model_file: Path, trajectory: Path, tmp_path: Path) -> None:
    out = tmp_path / "tables.h5"
    got = run("compress", model_file, out, "--tol", 1e-6, "--json")
    assert got.code == 0, got.err
    certificates = got.json["certificate"]
    assert list(certificates) == ["double", "mixed", "single"]
    certificate = certificates["double"]
    for name in ("energy_max_ev_per_atom", "virial_max_ev_per_atom"):
        assert 0 < certificate[name] < 1e-5
    assert certificate["force_rms_ev_per_angstrom"] > 0
    assert certificate["force_rms_ev_per_angstrom"] < 1e-6
    assert 0 < certificate["force_max_ev_per_angstrom"] <= 1e-6
    assert got.json["bytes"] == out.stat().st_size
    described = run("info", out, "--json").json
    assert described["plan"]["made"] == "from the file"
    assert described["plan"]["certificate"] == certificate
    assert described["model"]["digest"] == dpse_fast.load(model_file).model.digest()
    one, two = (
        run("eval", trajectory, "-m", path, "--tol", 1e-6, "--json").json["frames"]
        for path in (out, model_file)
    )
    assert [f["energy_ev"] for f in one] == [f["energy_ev"] for f in two]


def test_check_on_frames(
    run: Run, model_file: Path, trajectory: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tables.h5"
    arguments = ("--check", trajectory, "--index", ":2", "--json")
    check = run("compress", model_file, out, *arguments).json["check"]
    assert check["trajectory"] == str(trajectory)
    for precision in ("double", "mixed", "single"):
        found = check[precision]
        assert found["structures"] == 2
        assert 0 < found["force_max_ev_per_angstrom"] < 1e-4
        assert 0 < found["energy_rms_ev_per_atom"] < 1e-5
    assert check["double"]["force_max_ev_per_angstrom"] < 1e-5
    assert "certificate" in run("compress", model_file, tmp_path / "b.h5").out


@pytest.mark.parametrize("command", ["compress", "convert"])
def test_files_that_cannot_be(
    command: str, run: Run, model_file: Path, tmp_path: Path
) -> None:
    named = tmp_path / ("model.dp" if command == "compress" else "model.pb")
    for source, out, message in (
        (model_file, model_file, "another file"),
        (model_file, named, "ends in .h5"),
        (model_file, tmp_path / "none" / "model.h5", "does not exist"),
        (tmp_path / "none.pb", tmp_path / "model.h5", "none.pb"),
    ):
        got = run(command, source, out)
        assert got.code == 1
        assert message in got.error
    assert not list(tmp_path.iterdir())


def test_converting_leaves_the_tables_out(
    run: Run, model_file: Path, tmp_path: Path
) -> None:
    run("compress", model_file, tmp_path / "tables.h5")
    out = run("convert", tmp_path / "tables.h5", tmp_path / "plain.h5").out
    assert "note: the tables that compress put into the file are left out" in out
    described = run("info", tmp_path / "plain.h5", "--json").json
    assert described["plan"]["made"] != "from the file"


@pytest.mark.parametrize("name", ["a,b,c", "O,O"])
def test_names_must_fit(run: Run, model_file: Path, tmp_path: Path, name: str) -> None:
    got = run("compress", model_file, tmp_path / "t.h5", "--type-map", name)
    assert got.code != 0
    assert not list(tmp_path.iterdir())
