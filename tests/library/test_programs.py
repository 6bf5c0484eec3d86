"""The programs of examples/ in C, C++ and Fortran, in processes without a Python."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from ase.io import read
from library.conftest import compiled, needs
from other_process import run, users_environment

import dpse_fast

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
DT, ACCELERATION = 0.5, 9.648533e-3
STEPS = 4


@pytest.fixture(scope="module")
def programs(
    library: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """What could be compiled here, by language."""
    folder = tmp_path_factory.mktemp("programs")
    link = [f"-L{library}", "-ldpse", f"-Wl,-rpath,{library}"]
    made = {"c": folder / "c", "cpp": folder / "cpp"}
    strict = ["-Wall", "-Wextra", "-Werror", f"-I{library}"]
    source = EXAMPLES / "c/md.c"
    compiled(["cc", "-std=c11", *strict], source, *link, "-o", made["c"])
    source = EXAMPLES / "cpp/threads.cpp"
    compiled(
        ["c++", "-std=c++11", *strict], source, *link, "-pthread", "-o", made["cpp"]
    )
    return made


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A structure file of the programs, and its numbers."""
    atoms = read(EXAMPLES / "water.xyz", 0)
    velocities = 0.002 * np.random.default_rng(0).normal(size=(len(atoms), 3))
    rows = np.column_stack(
        [atoms.numbers != 8, atoms.get_masses(), atoms.positions, velocities]
    )
    file = tmp_path_factory.mktemp("water") / "water.txt"
    cell = atoms.cell.array.reshape(1, 9)
    with file.open("w") as out:
        out.write(f"{len(atoms)}\n")
        np.savetxt(out, cell, "%.17g")
        np.savetxt(out, rows, ["%d"] + ["%.17g"] * 7)
    return file


def in_python(water: Path) -> np.ndarray:
    """The dynamics of the programs: step, potential and total energy (eV)."""
    numbers = np.loadtxt(water, skiprows=2)
    cell = np.array(water.read_text().split()[1:10], float).reshape(3, 3)
    types, mass = numbers[:, 0].astype(int), numbers[:, 1:2]
    x, v = numbers[:, 2:5], numbers[:, 5:8]
    session = dpse_fast.load(threads=1).session()
    found = []
    result = session.compute(x, types, cell)
    for step in range(STEPS + 1):
        kinetic = 0.5 * (mass * v * v).sum() / ACCELERATION
        found.append((step, result.energy, result.energy + kinetic))
        v = v + DT / 2 * ACCELERATION * result.forces / mass
        x = x + DT * v
        result = session.compute(x, types, cell)
        v = v + DT / 2 * ACCELERATION * result.forces / mass
    return np.array(found)


def output(program: Path, *arguments: object, **environment: str) -> str:
    """What a program prints where no Python is set up."""
    own = users_environment(**environment)
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        own.pop(name, None)
    done = run(program, *arguments, env={**own, "PATH": os.defpath})
    assert not done.returncode, done.stderr
    assert not done.stderr
    return done.stdout


def check(printed: str, expected: np.ndarray) -> None:
    rows = np.array([line.split() for line in printed.splitlines()], float)
    np.testing.assert_array_equal(rows[:, 0], expected[:, 0])
    np.testing.assert_allclose(rows[:, 1:], expected[:, 1:], rtol=1e-12)


def test_c(programs: dict[str, Path], water: Path) -> None:
    printed = output(programs["c"], "", "threads=1", STEPS, water)
    expected = in_python(water)
    check(printed, expected)
    assert np.ptp(expected[:, 2]) < 0.05 * np.ptp(expected[:, 1])  # it is conserved


def test_fortran(library: Path, water: Path, tmp_path: Path) -> None:
    needs("gfortran", "gfortran")
    program = tmp_path / "md"
    compiled(
        ["gfortran", "-std=f2008", "-Wall", "-pedantic", "-Werror", f"-J{tmp_path}"],
        library / "dpse.f90",
        EXAMPLES / "fortran/md.f90",
        f"-L{library}",
        "-ldpse",
        f"-Wl,-rpath,{library}",
        *("-o", program),
    )
    check(output(program, "", "threads=1", STEPS, water), in_python(water))


def test_what_the_fortran_module_refuses(library: Path, tmp_path: Path) -> None:
    needs("gfortran", "gfortran")
    compiled(
        ["gfortran", "-std=f2008", "-Wall", "-pedantic", "-Werror", f"-J{tmp_path}"],
        library / "dpse.f90",
        Path(__file__).parent / "refusals.f90",
        f"-L{library}",
        "-ldpse",
        f"-Wl,-rpath,{library}",
        *("-o", tmp_path / "refusals"),
    )
    said = output(tmp_path / "refusals").splitlines()
    shape = "expected shape (3, 4), as many as types, got"
    assert said[:-2] == [
        "0 ",
        "0 ",
        f"1 positions: {shape} (3, 3)",
        f"1 forces: {shape} (3, 3)",
        f"1 positions: {shape} (4, 3)",
        "0 ",
        "1 size: expected at least 2 bytes, got 1",
        "2 models[1]: none.h5: no such file; check the path",
        "0 ",
        "0 ",
        "1 n_models: expected 1 to 2, got 3",
        "0 ",
    ]
    assert "lies on atom ID 10" in said[-2]
    assert said[-1] in ("H1", "H2")  # of two atoms at one place


def test_threads_of_cpp(programs: dict[str, Path], water: Path) -> None:
    printed = output(programs["cpp"], "", "threads=1", 3, water)
    numbers = np.loadtxt(water, skiprows=2)
    cell = np.array(water.read_text().split()[1:10], float).reshape(3, 3)
    pot = dpse_fast.load(threads=1)
    for k, line in enumerate(printed.splitlines()):
        moved = numbers[:, 2:5].copy()
        moved[0, 0] += 0.01 * k
        energy = pot.compute(moved, numbers[:, 0].astype(int), cell).energy
        assert line.split()[0] == str(k)
        assert float(line.split()[1]) == pytest.approx(energy, rel=1e-12)
    assert k == 2


def test_errors_end_a_program(programs: dict[str, Path], water: Path) -> None:
    for arguments, text in (
        (("nowhere.pb", "", 1, water), "error: nowhere.pb: no such file"),
        (("", "threads=0", 1, water), "error: threads: expected a number from 1"),
    ):
        done = run(programs["c"], *arguments)
        assert done.returncode == 1
        assert text in done.stderr


def test_structures_of_fortran_are_those_of_c() -> None:
    """Names in their order; their types are checked by the programs."""
    folder = ROOT / "dpse_fast/library"
    plain = re.sub(r"/\*.*?\*/", "", (folder / "dpse.h").read_text(), flags=re.DOTALL)
    module = (folder / "dpse.f90").read_text()
    for name in ("dpse_list", "dpse_sums"):
        body = re.search(rf"typedef struct \{{([^}}]*)\}} {name};", plain)
        own = re.search(
            rf"type, bind\(c\), public :: {name}\n(.*?)end type", module, re.S
        )
        assert body
        assert own
        in_c = re.findall(r"(\w+)(?:\[9\])?\s*[,;]", body[1])
        lists = re.findall(r"::(.*)", own[1])
        in_fortran = [n for line in lists for n in re.findall(r"([a-z_]\w*)", line)]
        assert in_c == in_fortran
