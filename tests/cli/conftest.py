"""A small model, a labelled trajectory, and the command line to run on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from ase_structures import as_atoms
from cli.eval_frames import N_FRAMES, gas
from random_model import Structure, random_model, random_structure

import dpse_fast
from dpse_fast.cli import main
from dpse_fast.formats import exchange

KINDS = ("cubic", "slab", "open", "triclinic")
ENERGY_OFFSET, FORCE_OFFSET = 0.25, 0.5  # eV/atom and eV/Å on the labels


@dataclass(frozen=True)
class Run:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as one strict JSON object."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} in JSON")

        value = json.loads(self.out, parse_constant=refuse)
        assert isinstance(value, dict)
        return value

    @property
    def error(self) -> str:
        """The last line of standard error, which must be the one error."""
        lines = self.err.splitlines()
        assert "Traceback" not in self.err
        assert [line.startswith("Error: ") for line in lines].count(True) == 1
        return lines[-1]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Runs ``dpse-fast`` with these arguments."""

    def call(*arguments: Any) -> Run:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        return Run(code, *capsys.readouterr())

    return call


@pytest.fixture
def evaluate(
    run: Callable[..., Run], trajectory: Path, model_file: Path
) -> Callable[..., Run]:
    """Runs ``dpse-fast eval`` on the trajectory with the model."""
    return lambda *options: run("eval", trajectory, "-m", model_file, *options)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="session")
def model_file(folder: Path) -> Path:
    path = folder / "model.h5"
    exchange.write(random_model(), path)
    return path


@pytest.fixture(scope="session")
def narrow_file(folder: Path) -> Path:
    """The same model with a sel that every dense structure exceeds."""
    path, model = folder / "narrow.h5", random_model()
    descriptor = replace(model.descriptors[0], sel=(4, 5))
    exchange.write(replace(model, descriptors=(descriptor,)), path)
    return path


@pytest.fixture(scope="session")
def anonymous_file(folder: Path) -> Path:
    """The same model without names of its types."""
    path = folder / "anonymous.h5"
    exchange.write(replace(random_model(), type_map=("type_0", "type_1")), path)
    return path


@pytest.fixture(scope="session")
def structures() -> list[Structure]:
    return [random_structure(kind, seed=k) for k, kind in enumerate(KINDS)]


@pytest.fixture(scope="session")
def results(model_file: Path, structures: list[Structure]) -> list[dpse_fast.Result]:
    potential = dpse_fast.load(model_file, threads=1)
    return [potential.compute(*s[:3], pbc=s.pbc, atomic=True) for s in structures]


@pytest.fixture(scope="session")
def trajectory(
    folder: Path, structures: list[Structure], results: list[dpse_fast.Result]
) -> Path:
    """The structures, labelled with the model's results off by constants."""
    path = folder / "frames.extxyz"
    frames = []
    for s, result in zip(structures, results, strict=True):
        atoms = as_atoms(s)
        atoms.info["REF_energy"] = result.energy + ENERGY_OFFSET * len(atoms)
        atoms.arrays["REF_forces"] = result.forces - FORCE_OFFSET
        frames.append(atoms)
    write(path, frames)
    return path


@pytest.fixture
def frames() -> list[Atoms]:
    return [gas(seed, 3 + seed) for seed in range(N_FRAMES)]


@pytest.fixture
def place(tmp_path: Path, frames: list[Atoms]) -> Path:
    """Six good frames in good.xyz; the fourth is bad in bad.xyz."""
    write(tmp_path / "good.xyz", frames)
    frames[3].positions[1] = np.nan
    write(tmp_path / "bad.xyz", frames)
    return tmp_path
