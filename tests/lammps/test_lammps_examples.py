"""The scripts of examples/lammps run as they are."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from engines import module_at
from lammps_runs import EXAMPLE, Lammps, frames, numbers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "water"))


def steps(folder: Path, name: str, number: int) -> None:
    """Shorten a script."""
    path = folder / name
    text = path.read_text()
    assert text.count("variable steps index") == 1
    head, tail = text.split("variable steps index")
    rest = tail.split("\n", 1)[1]
    path.write_text(f"{head}variable steps index {number}\n{rest}")


@pytest.mark.parametrize("ranks", [1, 2])
def test_water(lammps: Lammps, folder: Path, ranks: int) -> None:
    steps(folder, "in.lammps", 20)
    arguments = [lammps.binary, "-in", "in.lammps", "-log", "none"]
    found = lammps.execute(arguments, folder, ranks=ranks)
    assert found.code == 0, found.text
    first, last = found.runs[0]
    assert first[4] == pytest.approx(330)
    assert abs(last[3] - first[3]) < 0.1
    assert frames(folder / "water.dump").shape[1:] == (192, 5)


def test_deviation(lammps: Lammps, folder: Path) -> None:
    steps(folder, "in.deviation", 20)
    lammps.run((folder / "in.deviation").read_text(), folder)
    found = numbers(folder / "model_devi.out")
    np.testing.assert_array_equal(found[:, 0], [0, 10, 20])
    assert not found[:, 1:].any()


def test_heat_flux(lammps: Lammps, folder: Path) -> None:
    steps(folder, "in.heat_flux", 10)
    text = (folder / "in.heat_flux").read_text()
    first = lammps.run(text, folder).runs[0][0]
    assert np.abs(first[3:6]).min() > 1
    assert first[6] < -1000


def test_rows_for_green_kubo(lammps: Lammps, folder: Path) -> None:
    steps(folder, "in.green_kubo", 12)
    text = (folder / "in.green_kubo").read_text()
    lammps.run(text.replace("settling index 2000", "settling index 4"), folder)
    rows = np.loadtxt(folder / "flux.dat")
    assert rows.shape == (4, 9)
    np.testing.assert_allclose(rows[:, 0], [0, 0.002, 0.004, 0.006])
    # The flux of constant energies of the types is most of it.
    np.testing.assert_allclose(rows[:, 3:6], 2855 * rows[:, 6:9], atol=2000)


@pytest.mark.parametrize("name", ["in.nve", "in.npt"])
def test_ensembles(lammps: Lammps, folder: Path, name: str) -> None:
    steps(folder, name, 60)
    found = lammps.execute([lammps.binary, "-in", name], folder)
    assert found.code == 0, found.text
    plot = module_at(EXAMPLE.parents[1] / "plot_md.py")
    rows = plot.read_table(folder / "log.lammps")
    np.testing.assert_array_equal(rows["Step"], [0, 20, 40, 60])
    assert (np.ptp(rows["Volume"]) > 0.1) == (name == "in.npt")


def test_second_half_of_a_run(lammps: Lammps, folder: Path) -> None:
    for name in ("in.restart", "in.continue"):
        steps(folder, name, 10)
    first = lammps.run((folder / "in.restart").read_text(), folder).runs[0]
    rest = lammps.run((folder / "in.continue").read_text(), folder).runs[0]
    np.testing.assert_allclose(rest[0], first[-1], rtol=1e-7)
    assert rest[-1][0] == 20


def test_python(lammps: Lammps, folder: Path) -> None:
    found = lammps.execute([sys.executable, "run.py"], folder, ranks=2)
    assert found.code == 0, found.text
    assert found.text.count("etotal -299") == 1
