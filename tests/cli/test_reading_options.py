"""Cells, units, names and keys of labels that the user gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from random_model import Structure

import dpse_fast

Run = Callable[..., Any]
Results = list[dpse_fast.Result]


def xyz(structure: Structure, comment: str, names: tuple[str, str] = ("O", "H")) -> str:
    rows = "".join(
        f"{names[t]} {x!r} {y!r} {z!r}\n"
        for t, (x, y, z) in zip(
            structure.types.tolist(), structure.positions.tolist(), strict=True
        )
    )
    return f"{len(structure.types)}\n{comment}\n{rows}"


@pytest.fixture
def cubic(tmp_path: Path, structures: list[Structure]) -> Callable[..., Path]:
    """A file with the cubic structure under this comment."""

    def make(comment: str, **options: Any) -> Path:
        path = tmp_path / "cubic.xyz"
        path.write_text(xyz(structures[0], comment, **options))
        return path

    return make


EDGE = "8.7 0 0 0 8.7 0 0 0 8.7"


@pytest.mark.parametrize(
    "comment", ['pbc="T T T"', f'lattice="{EDGE}" pbc="T T T"', f'Cell="{EDGE}"', ""]
)
@pytest.mark.parametrize("cell", ["8.7,8.7,8.7", "8.7 8.7 8.7 90 90 90", EDGE])
def test_cell(
    comment: str,
    cell: str,
    cubic: Callable[..., Path],
    run: Run,
    model_file: Path,
    results: Results,
) -> None:
    path = cubic(comment)
    if comment:
        got = run("eval", path, "-m", model_file)
        assert got.code == 1
        assert "cubic.xyz, frame 0" in got.error
        assert "--cell" in got.error
    got = run("eval", path, "-m", model_file, "--json", "--cell", cell)
    assert got.err == ""
    (frame,) = got.json["frames"]
    assert frame["energy_ev"] == pytest.approx(results[0].energy, abs=1e-9)


def test_pbc(cubic: Callable[..., Path], run: Run, model_file: Path) -> None:
    got = run("eval", cubic(f'Lattice="{EDGE}"'), "-m", model_file, "--json")
    energies = [got.json["frames"][0]["energy_ev"]]
    for flags in ("T,T,F", "F", "TTT"):
        got = run(
            "eval",
            cubic(f'Lattice="{EDGE}"'),
            "-m",
            model_file,
            "--json",
            "--pbc",
            flags,
        )
        energies.append(got.json["frames"][0]["energy_ev"])
    assert energies[0] == energies[3]
    assert len(set(energies)) == 3
    for option, value in (("--pbc", "T,maybe"), ("--cell", "1,2"), ("--cell", "a,b,c")):
        got = run("eval", cubic(""), "-m", model_file, option, value)
        assert got.code == 2
        assert value in got.error


def test_names(
    cubic: Callable[..., Path], run: Run, model_file: Path, results: Results
) -> None:
    path = cubic(f'Lattice="{EDGE}"', names=("OW", "D"))
    got = run("eval", path, "-m", model_file)
    assert got.code == 1
    assert "atom 0 is called 'OW'" in got.error
    got = run("eval", path, "-m", model_file, "--json", "--type-map", "OW=O,D=H")
    assert got.json["frames"][0]["energy_ev"] == pytest.approx(results[0].energy)
    got = run("eval", path, "-m", model_file, "--type-map", "O,D=H")
    assert got.code == 2
    path = cubic(f'Lattice="{EDGE}"', names=("1", "2"))
    got = run("eval", path, "-m", model_file, "--json", "--type-map", "O,H")
    assert got.json["frames"][0]["energy_ev"] == pytest.approx(results[0].energy)
    got = run("convert", model_file, path.with_suffix(".h5"), "--type-map", "OW=O")
    assert got.code == 2


def test_keys_of_labels(cubic: Callable[..., Path], run: Run, model_file: Path) -> None:
    path = cubic(f'Lattice="{EDGE}" E0=3 virial=None')
    got = run("eval", path, "-m", model_file, "--json")
    assert got.json["summary"]["errors"] == {}
    texts = " ".join(entry["message"] for entry in got.json["warnings"])
    assert "'E0' looks like a label" in texts
    assert "'virial': expected numbers" in texts
    got = run("eval", path, "-m", model_file, "--json", "--energy-key", "E0")
    assert set(got.json["summary"]["errors"]) == {"energy_per_atom"}
    got = run("eval", path, "-m", model_file, "--energy-key", "E1")
    assert got.code == 1
    assert "no frame has 'E1' (--energy-key)" in got.error


def test_options_without_effect(
    trajectory: Path, run: Run, model_file: Path, tmp_path: Path
) -> None:
    got = run("eval", trajectory, "-m", model_file, "--units", "real")
    assert "units: have no effect on frames.extxyz" in got.error
    for option, value in (("--cell", "9,9,9"), ("--units", "real"), ("--pbc", "T")):
        got = run("bench", "--atoms", 10, "-m", model_file, option, value)
        assert got.code == 2
        assert "has no effect without --structure" in got.error
        out = tmp_path / "out.h5"
        got = run("compress", model_file, out, option, value)
        assert got.code == 2
        assert "has no effect without --check" in got.error
    got = run("bench", "--atoms", 10, "-m", model_file, "--type-map", "O=H")
    assert got.code == 2
