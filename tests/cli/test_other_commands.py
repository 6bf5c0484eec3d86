"""`dpse-fast info`, `convert` and `bench`, and the group itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from other_process import run as process
from random_model import random_model

import dpse_fast
from dpse_fast.cli.replicated_box import replicas, replicated
from dpse_fast.errors import InputError
from dpse_fast.formats import exchange, read_model
from dpse_fast.trajectory import read_frames

Run = Callable[..., Any]


def test_help_and_version(run: Run) -> None:
    assert run("--version").out == f"dpse-fast {dpse_fast.__version__}\n"
    got = run("--help")
    assert got.code == 0
    for name in ("eval", "info", "convert", "bench"):
        assert f"\n  {name} " in got.out
        assert run(name, "--help").code == 0


def test_help_imports_no_libraries() -> None:
    script = (
        "import sys; from dpse_fast.cli import main; main(['--help']);"
        "print(*{'ase', 'h5py', 'tqdm'} & set(sys.modules), file=sys.stderr)"
    )
    done = process(sys.executable, "-c", script)
    assert (done.returncode, done.stderr.split()) == (0, [])


def test_info(run: Run, model_file: Path) -> None:
    described = run("info", model_file, "--json").json
    model = read_model(model_file)
    assert described["file"] == str(model_file)
    assert described["model"]["types"] == ["O", "H"]
    assert described["model"]["digest"] == model.digest()
    assert len(described["plan"]["tables"]) == 4
    text = run("info", model_file).out
    assert "rcut (Å)" in text
    assert model.digest() in text


def test_info_of_no_model(run: Run, trajectory: Path) -> None:
    got = run("info", trajectory)
    assert (got.code, got.out) == (1, "")
    assert str(trajectory) in got.error


@pytest.mark.parametrize("packed", [[], ["--packed"]])
def test_convert(run: Run, model_file: Path, tmp_path: Path, packed: list[str]) -> None:
    out = tmp_path / "model.h5"
    result = run("convert", model_file, out, "--json", *packed).json
    assert result["equal"]
    assert result["agreement"]["structures"] == 2
    assert result["agreement"]["force_max_ev_per_angstrom"] == 0
    assert result["parity"] == result["agreement"]  # the old name
    assert result["differs"] == []
    assert result["digest"] == read_model(out).digest()
    assert result["digest"] == read_model(model_file).digest()
    assert [p.name for p in tmp_path.iterdir()] == ["model.h5"]


def test_convert_that_fails(
    run: Run, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = exchange.write

    def other(path: Path) -> None:
        write(random_model(seed=9), path)

    monkeypatch.setattr(exchange, "write", lambda _, path, packed: other(path))
    assert "another model" in run("convert", model_file, tmp_path / "model.h5").error
    assert not list(tmp_path.iterdir())


def test_bench_of_a_model_without_water_asks_for_a_structure(
    run: Run, tmp_path: Path
) -> None:
    model = replace(random_model(), type_map=("Mo", "Cu"))
    exchange.write(model, tmp_path / "metal.h5")
    error = run("bench", "-m", tmp_path / "metal.h5", "--atoms", 192).error
    assert "cell of its types Mo, Cu with --structure" in error


def test_bench(run: Run, model_file: Path, trajectory: Path) -> None:
    arguments = ("bench", "-m", model_file, "--structure", trajectory, "--steps", 2)
    result = run(*arguments, "--atoms", 260, "--json").json
    assert (result["atoms"], result["copies"]) == (8 * 34, 8)
    assert result["steps"] == 2
    assert result["list_builds"] == 1
    assert min(result["stage_seconds"].values()) >= 0
    per_atom = result["seconds_per_step"] / result["atoms"]
    assert result["microseconds_per_atom"] == pytest.approx(1e6 * per_atom)
    assert "272 atoms (8 copies" in run(*arguments, "--atoms", "2.6e2").out


def test_replicas() -> None:
    assert replicas(1.0) == (1, 1, 1)
    assert replicas(0.01) == (1, 1, 1)
    assert replicas(2.2) == (1, 1, 2)
    assert replicas(1e6 / 192) == (17, 17, 18)
    for wanted in (3, 50, 333, 12345.6):
        a, b, c = replicas(wanted)
        assert a * b * c == pytest.approx(wanted, rel=0.35)
        assert c <= 2 * a + 1


def test_replicas_have_the_energy_of_the_cell(
    model_file: Path, trajectory: Path
) -> None:
    potential = dpse_fast.load(model_file)
    cell = next(read_frames(trajectory, "3"))
    box = replicated(cell, 4 * cell.n_atoms)
    small, large = (
        potential.compute(f.positions, f.types, f.cell) for f in (cell, box)
    )
    copies = box.n_atoms / cell.n_atoms
    assert copies == 4
    assert large.energy == pytest.approx(copies * small.energy, rel=1e-10)
    np.testing.assert_allclose(large.virial, copies * small.virial, atol=1e-8)


def test_open_structure_cannot_be_replicated(trajectory: Path) -> None:
    with pytest.raises(InputError, match="periodic along a, b, c"):
        replicated(next(read_frames(trajectory, "1")), 1000)


def test_info_in_every_precision(run: Run, model_file: Path) -> None:
    """What can be asked for is what there is, each with its own certificate."""
    from dpse_fast.plan import PRECISIONS

    found = {}
    for precision in PRECISIONS:
        got = run("info", model_file, "--precision", precision, "--json").json["plan"]
        assert got["precision"] == precision
        found[precision] = got["certificate"]["force_rms_ev_per_angstrom"]
        assert {row["centre"] for row in got["descriptors"]} == {"O", "H"}
    assert len(set(found.values())) == 3
    assert run("info", model_file, "--precision", "half").code == 2
