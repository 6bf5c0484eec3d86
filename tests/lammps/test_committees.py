"""Several models in pair_style dpse: their deviation, and how it is planned."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lammps_runs import DATA, DRIVING, DYNAMICS, OTHER, Lammps, numbers, start, thermo

import dpse_fast
from dpse_fast.formats import read
from dpse_fast.formats.exchange.writer import write
from dpse_fast.trajectory import read_frames

TOL = 0.02  # eV/Å
PRINTED = 1e-6  # relative, of the digits of model_devi.out
SAID = re.compile(r"pair_style dpse: 3 models, (.*); certificate .*: (\S+) eV/A")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three, of which the last has its types in the other order."""
    file = tmp_path_factory.mktemp("models") / "swapped.h5"
    other = read(OTHER).model
    write(replace(other, type_map=other.type_map[::-1]), file)
    return f"{DRIVING} {OTHER} {file}"


def script(style: str, steps: int, coeff: str = "O H") -> str:
    return f"""
{start()}
pair_style {style}
pair_coeff * * {coeff}
{DYNAMICS}
{thermo("step pe pxx pxy")}
run {steps}
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_deviation_of_models_with_other_orders_of_types(
    lammps: Lammps, models: str, tmp_path: Path, ranks: int
) -> None:
    """Rows of one step are the same, whether there is output in those before or not."""
    ways = {"every.out": (1, "atomic"), "last.out": (4, "atomic")}
    styles = [
        script(f"dpse {models} tol 0 out_freq {freq} out_file {file} {more}", 4)
        for file, (freq, more) in ways.items()
    ]
    found = lammps.run("\nclear\n".join(styles), tmp_path, ranks=ranks)
    np.testing.assert_array_equal(found.runs[0], found.runs[1])
    every, last = (numbers(tmp_path / file) for file in ways)
    assert every[:, 0].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(last, every[[0, 4]])

    (frame,) = read_frames(str(DATA))
    types = np.where(np.arange(192) % 3, "H", "O").tolist()
    committee = dpse_fast.load(models.split(), tol=0)
    result = committee.compute(frame.positions, types, frame.cell)
    deviation = result.deviation
    assert deviation is not None
    np.testing.assert_allclose(every[0, 7:], deviation.forces, rtol=PRINTED)
    expected = (deviation.max_force, deviation.min_force, deviation.mean_force)
    np.testing.assert_allclose(every[0, 4:7], expected, rtol=PRINTED)
    np.testing.assert_allclose(every[0, 1], deviation.max_virial, rtol=PRINTED)
    assert found.runs[0][0][1] == pytest.approx(result.energy, rel=1e-12)


def test_tolerance_of_the_deviation(
    lammps: Lammps, models: str, tmp_path: Path
) -> None:
    """The dynamics stay; the deviation is as far off as the log says at most."""
    first = script(f"dpse {models} out_freq 2 out_file exact.out atomic", 2)
    style = f"dpse {models} deviation_tol {TOL} out_freq 2 out_file planned.out atomic"
    planned = script(style, 2)
    rest = """
read_restart half
fix run all nve
timestep 0.0005
run 2
"""
    both = f"{first}\nclear\n{planned}\nwrite_restart half\nclear\n{rest}"
    found = lammps.run(both, tmp_path)
    np.testing.assert_array_equal(found.runs[1], found.runs[0])
    said = SAID.findall(found.text)
    assert [one[0] for one in said] == [
        "all with the options of the first",
        *[f"those after the first with deviation_tol {TOL}"] * 2,
    ]
    exact, coarse = (numbers(tmp_path / f"{name}.out") for name in ("exact", "planned"))
    assert coarse[:, 0].tolist() == [0, 2, 2, 4]
    np.testing.assert_array_equal(coarse[1], coarse[2])
    off = np.abs(coarse[:2] - exact)[:, 4:]
    assert 0 < off.max() <= float(said[1][1]) + float(said[0][1])

    # Inputs of pair_style deepmd have no word for it.
    alias = style.replace("dpse ", "deepmd ", 1).replace(f"deviation_tol {TOL} ", "")
    alias = script(alias.replace("planned.out", "variable.out"), 0)
    single = script(f"deepmd {DRIVING}", 0)
    variables = {"DPSE_DEVIATION_TOL": str(TOL)}
    found = lammps.run(
        f"{alias}\nclear\n{single}", tmp_path, suffix="dpse", variables=variables
    )
    assert found.text.count(f"of the environment: deviation_tol {TOL}") == 1
    row = numbers(tmp_path / "variable.out")
    np.testing.assert_array_equal(row[0], coarse[0])


@pytest.mark.parametrize(
    ("style", "coeff", "text"),
    [
        (f"{DRIVING} deviation_tol 0.1", "O H", "got 1 and 100"),
        (f"{DRIVING} {OTHER} deviation_tol 0.1 out_freq 0", "O H", "got 2 and 0"),
        (f"{DRIVING} {OTHER} deviation_tol low", "O H", "expected a number, got 'low'"),
        (f"{DRIVING} {OTHER}", "O He", "expected types of the model (O H) or NULL"),
        (
            f"{DRIVING} other.h5",
            "O H",
            "models[1]: other.h5: expected all types of the first model (O, H)",
        ),
    ],
)
def test_what_is_refused(
    lammps: Lammps, tmp_path: Path, style: str, coeff: str, text: str
) -> None:
    write(replace(read(OTHER).model, type_map=("O", "C")), tmp_path / "other.h5")
    found = lammps.run(script(f"dpse {style}", 0, coeff), tmp_path, fails=True)
    assert text in found.text.split("ERROR", 1)[1]
