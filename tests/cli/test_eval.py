"""`dpse-fast eval`: numbers, tables, JSON, files, and what goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import write
from ase_structures import as_atoms
from other_process import users_environment
from random_model import Structure, random_structure

import dpse_fast

Run = Callable[..., Any]
Results = list[dpse_fast.Result]
DECIMALS = 1e-7  # positions pass through a file with eight decimals


def test_json_agrees_with_compute(evaluate: Run, results: Results) -> None:
    got = evaluate("--json", "--threads", 1)
    assert (got.code, got.err) == (0, "")
    frames = got.json["frames"]
    assert [f["frame"] for f in frames] == [0, 1, 2, 3]
    for frame, result in zip(frames, results, strict=True):
        n = len(result.forces)
        assert frame["atoms"] == n
        assert frame["energy_ev"] == pytest.approx(result.energy, abs=n * DECIMALS)
        largest = np.linalg.norm(result.forces, axis=1).max()
        assert frame["max_force_ev_per_angstrom"] == pytest.approx(largest, abs=1e-6)
        np.testing.assert_allclose(frame["virial_ev"], result.virial, atol=1e-5)
    periodic = [frame["pressure_gpa"] is not None for frame in frames]
    assert periodic == [True, False, False, True]
    pressure = np.trace(results[0].virial) / 3 / 8.7**3 * 160.21766
    assert frames[0]["pressure_gpa"] == pytest.approx(pressure, rel=1e-5)


def test_errors_against_labels(evaluate: Run) -> None:
    summary = evaluate("--json").json["summary"]
    errors = summary["errors"]
    assert set(errors) == {"energy_per_atom", "forces"}
    for name, offset in (("energy_per_atom", 0.25), ("forces", 0.5)):
        for statistic in ("mae", "rmse", "max"):
            assert errors[name][statistic] == pytest.approx(offset, abs=1e-6)
    assert errors["energy_per_atom"]["values"] == summary["frames"] == 4
    assert errors["forces"]["values"] == 3 * summary["atoms"]


def test_table(evaluate: Run) -> None:
    got = evaluate()
    header, *lines = got.out.splitlines()
    assert [len(line) for line in lines[:4]] == [len(header)] * 4
    assert [line.split()[0] for line in lines[:4]] == ["0", "1", "2", "3"]
    assert lines[1].split()[5] == "-"
    assert "forces (meV/Å)" in got.out
    assert "500" in got.out


def test_index(evaluate: Run) -> None:
    for index, expected in (
        ("1", [1]),
        ("-1", [3]),
        ("::2", [0, 2]),
        ("-3:-1", [1, 2]),
    ):
        got = evaluate("--json", "--index", index)
        assert [frame["frame"] for frame in got.json["frames"]] == expected


def test_unknown_element(
    run: Run, model_file: Path, structures: list[Structure], tmp_path: Path
) -> None:
    path = tmp_path / "ice.xyz"
    write(path, [as_atoms(structures[0]), as_atoms(structures[0], ("O", "He"))])
    got = run("eval", path, "-m", model_file)
    assert got.code == 1
    assert "ice.xyz, frame 1" in got.error
    assert "'He'" in got.error
    assert "0 O, 1 H" in got.error


def test_anonymous_model(
    run: Run, trajectory: Path, anonymous_file: Path, results: Results
) -> None:
    got = run("eval", trajectory, "-m", anonymous_file, "--json")
    assert got.code == 1
    assert got.json["frames"] == []
    assert got.error == f"Error: {got.json['error']}"
    assert "--type-map" in got.error
    got = run("eval", trajectory, "-m", anonymous_file, "--json", "--type-map", "O,H")
    assert got.json["frames"][0]["energy_ev"] == pytest.approx(
        results[0].energy, abs=1e-5
    )
    got = run("eval", trajectory, "-m", anonymous_file, "--type-map", "O,H,C")
    assert "2 distinct names" in got.error
    got = run("eval", trajectory, "-m", anonymous_file, "--type-map", "O,O")
    assert got.code == 2


def test_useless_type_map(evaluate: Run) -> None:
    got = evaluate("--type-map", "H,O")
    assert got.code == 1
    assert "leave --type-map out" in got.error


def test_type_numbers(
    run: Run, model_file: Path, structures: list[Structure], tmp_path: Path
) -> None:
    s = structures[0]
    path = tmp_path / "run.lammpstrj"
    rows = "".join(
        f"{k + 1} {t + 1} {x!r} {y!r} {z!r}\n"
        for k, (t, (x, y, z)) in enumerate(
            zip(s.types.tolist(), s.positions.tolist(), strict=True)
        )
    )
    path.write_text(
        f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n{len(s.types)}\n"
        "ITEM: BOX BOUNDS pp pp pp\n"
        + 3 * "0 8.7\n"
        + "ITEM: ATOMS id type x y z\n"
        + rows
    )
    potential = dpse_fast.load(model_file)
    for option, types in (([], s.types), (["--type-map", "H,O"], 1 - s.types)):
        got = run("eval", path, "-m", model_file, "--json", *option)
        expected = potential.compute(s.positions, types, s.cell).energy
        assert got.json["frames"][0]["energy_ev"] == pytest.approx(expected, abs=1e-9)
    got = run("eval", path, "-m", model_file, "--type-map", "O")
    assert "names 1" in got.error


def test_sel_overflow(
    run: Run, trajectory: Path, narrow_file: Path, model_file: Path
) -> None:
    arguments = ("eval", trajectory, "-m", narrow_file, "--json", "--sel-overflow")
    warned = run(*arguments, "warn")
    (warning,) = warned.json["warnings"]
    assert warning["category"] == "SelOverflowWarning"
    assert warning["count"] == 4
    assert warned.err.count("Warning: ") == warned.err.count("\n") == 1
    assert warned.json["frames"][0]["sel_overflow"]["atoms"] > 0
    found = warned.json["summary"]["domain"]["sel_overflow"]
    assert found["frames"] == 4
    assert found["total"] >= 4
    assert found["atoms_by_type"].keys() == {"O", "H"}
    silent = run(*arguments, "truncate")
    assert silent.err == ""
    energies = [
        got.json["frames"][0]["energy_ev"]
        for got in (warned, silent, run(*arguments, "all"))
    ]
    assert energies[0] == energies[1] != energies[2]
    refused = run(*arguments, "error")
    assert (refused.code, refused.json["frames"]) == (1, [])
    assert "frames.extxyz, frame 0" in refused.error


def test_npy_system(run: Run, model_file: Path, tmp_path: Path) -> None:
    s = random_structure("triclinic")
    potential = dpse_fast.load(model_file)
    result = potential.compute(*s[:3])
    system = tmp_path / "system"
    (system / "set.000").mkdir(parents=True)
    np.savetxt(system / "type.raw", s.types, fmt="%d")
    (system / "type_map.raw").write_text("O\nH\n")
    arrays = {
        "coord": s.positions, "box": s.cell, "energy": np.array(result.energy),
        "force": result.forces, "virial": result.virial,
    }  # fmt: skip
    for name, array in arrays.items():
        np.save(system / "set.000" / f"{name}.npy", np.reshape(array, (1, -1)))
    errors = run("eval", system, "-m", model_file, "--json").json["summary"]["errors"]
    assert set(errors) == {"energy_per_atom", "forces", "virial_per_atom"}
    assert max(e["max"] for e in errors.values()) < 1e-10


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["eval", "nowhere.xyz"], 1, "nowhere.xyz: no such file"),
        (["eval", "TRAJECTORY", "-m", "nowhere.pb"], 1, "nowhere.pb"),
        (["eval", "TRAJECTORY", "-o", "out.json"], 1, "out.json: expected a name"),
        (["eval", "TRAJECTORY", "-o", "none/out.h5"], 1, "does not exist"),
        (["eval", "TRAJECTORY", "-o", "TRAJECTORY"], 1, "another file"),
        (["eval", "TRAJECTORY", "--index", "a:b"], 1, "index: expected"),
        (["eval", "TRAJECTORY", "--index", "9"], 1, "selects no frame"),
        (["eval", "TRAJECTORY", "--format", "nonsense"], 1, "nonsense"),
        (["eval", "TRAJECTORY", "--precision", "half"], 2, "half"),
        (["eval", "TRAJECTORY", "--threads", "0"], 2, "threads"),
        (["eval", "TRAJECTORY", "--device", "abacus"], 1, "device"),
        (["eval"], 2, "TRAJECTORY"),
        (["evaluate"], 2, "No such command"),
    ],
)
def test_wrong_usage(
    run: Run,
    trajectory: Path,
    model_file: Path,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    filled = [str(trajectory) if a == "TRAJECTORY" else a for a in arguments]
    if len(filled) > 1 and "-m" not in filled:
        filled += ["-m", str(model_file)]
    got = run(*filled)
    assert (got.code, got.out) == (code, "")
    assert message in got.error


def test_closed_pipe(trajectory: Path, model_file: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "dpse_fast.cli", "eval", trajectory]
    done = subprocess.run(
        [*command, "-m", model_file],
        env=users_environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 1
