"""Frame and atomic parameters from trajectories and from options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import read, write
from ase_structures import as_atoms
from families import family
from random_model import random_structure

import dpse_fast
from dpse_fast.ase import DeepPotential
from dpse_fast.formats import exchange

Run = Callable[..., Any]
FPARAM, APARAM = 0.4, -0.3
CLOSE = 1e-6  # positions pass through a file with eight decimals


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    path = tmp_path / "model.h5"
    exchange.write(family("aparam", vacuum=False), path)
    return path


@pytest.fixture
def energy(model_path: Path) -> Callable[..., float]:
    """The energy of the test structure with some parameters."""
    s = random_structure("cubic")

    def compute(fparam: Any, aparam: Any) -> float:
        pot = dpse_fast.load(model_path)
        given = {"fparam": fparam, "aparam": aparam}
        return pot.compute(*s[:3], pbc=s.pbc, **given).energy

    return compute


def atoms_with(fparam: Any = None, aparam: Any = None) -> Any:
    atoms = as_atoms(random_structure("cubic"))
    if fparam is not None:
        atoms.info["fparam"] = fparam
    if aparam is not None:
        atoms.arrays["aparam"] = np.asarray(aparam)
    return atoms


def energies(run: Run, *arguments: Any) -> list[float]:
    got = run("eval", *arguments, "--json")
    assert (got.code, got.err) == (0, ""), got.err
    return [frame["energy_ev"] for frame in got.json["frames"]]


def test_from_extended_xyz(
    run: Run, model_path: Path, tmp_path: Path, energy: Callable[..., float]
) -> None:
    column = np.linspace(-1, 1, 34)
    path = tmp_path / "t.xyz"
    write(path, [atoms_with(FPARAM, column), atoms_with(2 * FPARAM, -column)])
    found = energies(run, path, "-m", model_path)
    expected = [energy(FPARAM, column), energy(2 * FPARAM, -column)]
    assert found == pytest.approx(expected, abs=34 * CLOSE)
    assert abs(expected[0] - expected[1]) > 1e-3


def test_options_serve_all_frames(
    run: Run, model_path: Path, tmp_path: Path, energy: Callable[..., float]
) -> None:
    path = tmp_path / "t.xyz"
    write(path, [atoms_with(), atoms_with(fparam=9.0)])
    options = ("--fparam", FPARAM, "--aparam", APARAM)
    found = energies(run, path, "-m", model_path, *options)
    assert found == pytest.approx([energy(FPARAM, APARAM)] * 2, abs=34 * CLOSE)


def test_from_an_npy_system(
    run: Run, model_path: Path, tmp_path: Path, energy: Callable[..., float]
) -> None:
    s = random_structure("cubic")
    data = tmp_path / "system" / "set.000"
    data.mkdir(parents=True)
    (tmp_path / "system" / "type.raw").write_text(" ".join(map(str, s.types)))
    (tmp_path / "system" / "type_map.raw").write_text("O H")
    column = np.linspace(-1, 1, 34)
    for name, values in (
        ("coord", s.positions),
        ("box", s.cell),
        ("fparam", np.array([FPARAM])),
        ("aparam", column),
    ):
        np.save(data / f"{name}.npy", np.stack([values.ravel()] * 2))
    found = energies(run, tmp_path / "system", "-m", model_path)
    assert found == pytest.approx([energy(FPARAM, column)] * 2, abs=1e-9)
    np.save(data / "aparam.npy", np.zeros((2, 33)))
    error = run("eval", tmp_path / "system", "-m", model_path).error
    assert "aparam.npy: expected 2 frames with a multiple of 34 numbers" in error


def test_what_is_missing_is_named(run: Run, model_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.xyz"
    write(path, atoms_with(fparam=FPARAM))
    error = run("eval", path, "-m", model_path).error
    assert "t.xyz, frame 0: aparam: the model needs 1 atomic parameters" in error
    usage = run("eval", path, "-m", model_path, "--aparam", "a,b")
    assert usage.code == 2
    assert "expected numbers such as 0.5,300" in usage.err


def test_bench_takes_parameters(run: Run, model_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.xyz"
    write(path, atoms_with())
    arguments = ("--structure", path, "--atoms", 34, "--steps", 1, "--json")
    given = ("--fparam", FPARAM, "--aparam", APARAM)
    assert run("bench", "-m", model_path, *arguments, *given).json["atoms"] == 34


def test_bench_takes_the_parameters_of_its_structure(
    run: Run, model_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "t.xyz"
    write(path, atoms_with(fparam=FPARAM, aparam=np.linspace(-1, 1, 34)))
    arguments = ("--structure", path, "--atoms", 68, "--steps", 1, "--json")
    assert run("bench", "-m", model_path, *arguments).json["atoms"] == 68


def test_ase_takes_parameters_of_the_structure_first(
    model_path: Path, energy: Callable[..., float]
) -> None:
    atoms = atoms_with()
    atoms.calc = DeepPotential(model_path, fparam=FPARAM, aparam=[APARAM])
    assert atoms.get_potential_energy() == pytest.approx(energy(FPARAM, APARAM))
    atoms.info["fparam"] = 2 * FPARAM
    changed = energy(2 * FPARAM, APARAM)
    assert atoms.get_potential_energy() == pytest.approx(changed)
    atoms.info["aparam"] = 2 * APARAM
    changed = energy(2 * FPARAM, 2 * APARAM)
    assert atoms.get_potential_energy() == pytest.approx(changed)
    column = np.linspace(0, 1, 34)
    atoms.arrays["aparam"] = column
    changed = energy(2 * FPARAM, column)
    assert atoms.get_potential_energy() == pytest.approx(changed)
    atoms.arrays["aparam"][3] += 0.5
    assert atoms.get_potential_energy() != pytest.approx(changed, abs=1e-6)


def test_parameters_survive_a_file(tmp_path: Path) -> None:
    path = tmp_path / "t.xyz"
    write(path, atoms_with(fparam=[1.0, 2.0], aparam=np.ones((34, 2))))
    again: Any = read(path)
    assert again.info["fparam"].tolist() == [1.0, 2.0]
    assert again.arrays["aparam"].shape == (34, 2)
