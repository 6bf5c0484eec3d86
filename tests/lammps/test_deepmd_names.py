"""Scripts that say deepmd run unchanged and give deepmd-kit's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lammps_deepmd import ARGON, CHANGING, SCRIPTS, write_data
from lammps_runs import (
    DATA,
    DRIVING,
    DYNAMICS,
    OTHER,
    Lammps,
    Outcome,
    numbers,
    start,
    thermo,
)

GOLDEN = Path(__file__).parent / "golden" / "names.npz"
DIGITS = 1e-10
EXACT = {"DPSE_TOL": "0"}
ENERGY = thermo("step pe pxx")
SUFFIX = {"suffix": "dpse", "variables": EXACT}


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as saved:
        return {name: saved[name] for name in saved}


@pytest.fixture(scope="module", params=[1, 2], ids=["1-rank", "2-ranks"])
def outcome(
    request: pytest.FixtureRequest,
    lammps: Lammps,
    tmp_path_factory: pytest.TempPathFactory,
) -> Outcome:
    """All scripts in one process: the names are still there after clear."""
    folder = tmp_path_factory.mktemp("names")
    write_data(folder)
    script = "\nclear\n".join(SCRIPTS.values())
    return lammps.run(script, folder, ranks=request.param, **SUFFIX)


def close(found: np.ndarray, expected: np.ndarray) -> None:
    """To ten digits of the largest number of each column."""
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= DIGITS * np.abs(expected).max(0)).all()


@pytest.mark.parametrize("name", SCRIPTS)
def test_unchanged_scripts_with_the_suffix(
    outcome: Outcome, golden: dict[str, np.ndarray], name: str
) -> None:
    close(outcome.runs[list(SCRIPTS).index(name)], golden[name])


@pytest.mark.parametrize("name", ["adapted", "real", "electron"])
def test_deviation_of_unchanged_scripts(
    outcome: Outcome, golden: dict[str, np.ndarray], name: str
) -> None:
    """In the run's units, and not scaled by what fix adapt changes."""
    found = numbers(outcome.folder / f"{name}.out")
    np.testing.assert_allclose(found, golden[f"{name}.out"], rtol=3e-6)


def test_atoms_that_come_and_go(
    lammps: Lammps, golden: dict[str, np.ndarray], tmp_path: Path
) -> None:
    runs = lammps.run(CHANGING, tmp_path, **SUFFIX).runs
    close(np.concatenate(runs), golden["changing"])


def test_atoms_that_come_and_go_on_two_ranks(lammps: Lammps, tmp_path: Path) -> None:
    """After each change, the energy is that of a run that starts with these atoms."""
    marks = ("unfix put", "unfix off", "unfix exchange")
    script = CHANGING
    for k, mark in enumerate(marks):
        script = script.replace(f"{mark}\n", f"{mark}\nwrite_data {k}.data\n")
    script += f"write_data {len(marks)}.data"
    again = "".join(
        f"\nclear\n{start(f'{k}.data')}\npair_style deepmd {DRIVING}\n"
        f"pair_coeff * * O H\n{thermo('step atoms pe')}\nrun 0\n"
        for k in range(len(marks) + 1)
    )
    runs = lammps.run(script + again, tmp_path, ranks=2, **SUFFIX).runs
    before, after = runs[:4], runs[4:]
    sizes = [run[-1][1] for run in before]
    assert len(set(sizes)) > 2
    for run, fresh in zip(before, after, strict=True):
        assert fresh[0][1] == run[-1][1]
        assert fresh[0][2] == pytest.approx(run[-1][2], rel=1e-11)


@pytest.mark.parametrize("value", ["", "0", "1"])
def test_the_name_itself_is_asked_for(
    lammps: Lammps, tmp_path: Path, value: str
) -> None:
    script = f"{start()}\npair_style deepmd demo\npair_coeff * * O H\nrun 0"
    asked = value == "1"
    variables = {"DPSE_LAMMPS_DEEPMD": value}
    found = lammps.run(script, tmp_path, fails=not asked, variables=variables)
    assert ("Unrecognized pair style 'deepmd'" in found.text) != asked


def test_compute_that_knows_no_suffix_finds_the_name(
    lammps: Lammps, tmp_path: Path
) -> None:
    """compute ti looks for pair styles without the suffix."""
    script = f"""
{start()}
variable factor equal 0.5
variable slope equal 1.0
pair_style deepmd demo
pair_coeff * * O H
compute ti all ti deepmd * v_factor v_slope
{thermo("step pe c_ti")}
run 0
"""
    variables = {"DPSE_LAMMPS_DEEPMD": "1"}
    run = lammps.run(script, tmp_path, variables=variables).runs[0]
    assert run[0][2] == pytest.approx(2 * run[0][1], rel=1e-12)


def test_words_of_2019(lammps: Lammps, tmp_path: Path) -> None:
    """Without keywords: models, steps between rows, file of the deviation."""
    tail = f"pair_coeff * * O H\n{DYNAMICS}\nrun 4"
    models = f"pair_style deepmd {DRIVING} {OTHER}"
    script = f"{start()}\n{models} 2 old.out\n{tail}\nclear\n"
    script += f"{start()}\n{models} out_freq 2 out_file new.out\n{tail}"
    lammps.run(script, tmp_path, **SUFFIX)
    old, new = ((tmp_path / f"{age}.out").read_text() for age in ("old", "new"))
    assert old == new
    assert len(old.splitlines()) == 4


def test_options_of_the_environment(lammps: Lammps, tmp_path: Path) -> None:
    """They are for what has no words of its own, and are said."""
    pair = "pair_coeff * * O H"
    styles = ["deepmd demo", "deepmd demo precision double"]
    script = "\nclear\n".join(
        f"{start()}\npair_style {style}\n{pair}\n{ENERGY}\nrun 0"
        for style in (*styles, "dpse demo")
    )
    variables = {
        "DPSE_PRECISION": "mixed",
        "DPSE_DETERMINISTIC": "no",
        "DPSE_SKIN": "2",
    }
    found = lammps.run(script, tmp_path, suffix="dpse", variables=variables)
    mixed, double, ours = (run[0][1] for run in found.runs)
    said = "of the environment: deterministic no"
    assert found.text.count(f"{said} precision mixed") == 1
    assert double == ours
    assert mixed != double
    assert mixed == pytest.approx(double, rel=1e-5)
    for variable, value, expected in (
        ("DPSE_PRECISION", "half", "precision"),
        ("DPSE_TOLL", "0", "DPSE_TOLL: there is no such variable"),
    ):
        failed = lammps.run(
            script, tmp_path, fails=True, suffix="dpse", variables={variable: value}
        )
        assert expected in failed.text.split("ERROR")[1]


def test_restart_files_are_those_of_pair_style_deepmd(
    lammps: Lammps, tmp_path: Path
) -> None:
    """Without models: pair_style comes again, and the deviation is appended."""
    pair = f"pair_style deepmd {DRIVING} {OTHER} out_freq 2\npair_coeff * * O H"
    script = (
        f"{start()}\n{pair}\n{DYNAMICS}\n{ENERGY}\nrun 2\nwrite_restart half\nrun 2"
    )
    whole = lammps.run(script, tmp_path, **SUFFIX).runs[1]
    assert str(DRIVING).encode() not in (tmp_path / "half").read_bytes()
    rest = (
        f"read_restart half\n{pair}\nfix run all nve\ntimestep 0.0005\n{ENERGY}\nrun 2"
    )
    again = lammps.run(rest, tmp_path, **SUFFIX).runs[0]
    np.testing.assert_allclose(again, whole, rtol=1e-10)
    steps = numbers(tmp_path / "model_devi.out")[:, 0]
    assert steps.tolist() == [0, 2, 2, 4, 2, 4]
    failed = lammps.run("read_restart half\nrun 0", tmp_path, fails=True, suffix="dpse")
    assert "pair coeffs are not set" in failed.text


def test_names_of_types_as_pair_style_deepmd_takes_them(
    lammps: Lammps, tmp_path: Path
) -> None:
    ways = ["O H", "O H O", "O NULL", "O"]
    script = "\nclear\n".join(
        f"{start()}\npair_style deepmd demo\npair_coeff * * {names}\n{ENERGY}\nrun 0"
        for names in ways
    )
    found = lammps.run(script, tmp_path, suffix="dpse")
    whole, more, null, fewer = (run[0] for run in found.runs)
    np.testing.assert_array_equal(more, whole)
    np.testing.assert_array_equal(fewer, null)
    assert whole[1] != null[1]
    said = [line for line in found.warnings if "pair_coeff names" in line]
    assert len(said) == 2
    assert "names 1 types (O) and the run has 2; taken as O NULL" in said[1]


def test_fewer_types_in_the_model(lammps: Lammps, tmp_path: Path) -> None:
    """pair_style deepmd does not count atoms of the others; under our name we ask."""
    write_data(tmp_path)
    ways = ["* * O H NULL", "* *", "1*3 1*"]
    style = f"{start(ARGON)}\npair_style deepmd demo"
    script = "\nclear\n".join(
        f"{style}\npair_coeff {words}\n{ENERGY}\nrun 0" for words in ways
    )
    found = lammps.run(script, tmp_path, suffix="dpse")
    named, *bare = (run[0] for run in found.runs)
    for run in bare:
        np.testing.assert_array_equal(run, named)
    said = [line for line in found.warnings if "and the run 3" in line]
    assert len(said) == 2
    assert "taken as pair_coeff * * O H NULL; atoms of type 3 do not count" in said[0]
    ours = f"{start(ARGON)}\npair_style dpse demo\npair_coeff * *"
    failed = lammps.run(ours, tmp_path, fails=True)
    assert "with NULL for those without a model" in failed.text
    part = f"{start()}\npair_style deepmd demo\npair_coeff 1 1* O H"
    failed = lammps.run(part, tmp_path, fails=True, suffix="dpse")
    assert "for all types at once" in failed.text


def test_more_types_in_the_model(lammps: Lammps, tmp_path: Path) -> None:
    script = f"{start()}\nset group all type 1\nwrite_data one.data\nclear\n"
    text = f"pair_style dpse demo\npair_coeff * *\n{ENERGY}\nrun 0"
    lammps.run(script, tmp_path)
    data = (tmp_path / "one.data").read_text()
    (tmp_path / "one.data").write_text(
        data.replace("2 atom types", "1 atom types").replace("2 1.008\n", "")
    )
    warnings = lammps.run(f"{start('one.data')}\n{text}", tmp_path).warnings
    assert any("the run 1: taken as pair_coeff * * O" in line for line in warnings)


def test_scale_of_some_types(lammps: Lammps, tmp_path: Path) -> None:
    """pair_style deepmd takes that of types 1 and 1; under our name it is an error."""
    script = f"""
{start()}
variable factor equal 0.25
pair_style deepmd demo
pair_coeff * * O H
{ENERGY}
run 0
fix scaled all adapt 1 pair deepmd scale 1 1 v_factor
run 0
"""
    found = lammps.run(script, tmp_path, suffix="dpse")
    whole, scaled = (run[0][1] for run in found.runs)
    assert scaled == pytest.approx(0.25 * whole, rel=1e-13)
    assert any("scale of some types only" in line for line in found.warnings)
    ours = script.replace("deepmd", "dpse")
    failed = lammps.run(ours, tmp_path, fails=True)
    assert "must change scale of all types" in failed.text


def test_two_suffixes_and_types_without_a_model(lammps: Lammps, tmp_path: Path) -> None:
    """fix adapt asks for all types, also those that are left to another style."""
    write_data(tmp_path)
    names = ("dpse", "deepmd")
    script = "\nclear\n".join(
        f"""
{start(ARGON)}
variable factor equal 0.25
pair_style hybrid/overlay lj/cut 5.0 {name} {DRIVING}
pair_coeff * * {name} O H NULL
pair_coeff * 3 lj/cut 0 1
compute part all pair {name}
{thermo("step pe c_part")}
run 0
fix scaled all adapt 1 pair {name} scale 1*2 1*2 v_factor
run 0
"""
        for name in names
    )
    (tmp_path / "in.test").write_text(script)
    words = ("-sf", "hybrid", "omp", "dpse", "-in", "in.test", "-log", "none")
    found = lammps.execute([lammps.binary, *words], tmp_path)
    assert found.code == 0, found.text
    energies = [run[0][2] for run in found.runs]
    assert energies[1] == pytest.approx(0.25 * energies[0], rel=1e-13)
    assert energies[2:] == pytest.approx(energies[:2], rel=1e-13)


def test_dp_gen_writes_this(lammps: Lammps, tmp_path: Path) -> None:
    """Models by relative names, a variable for the file, types in the model's order."""
    for k, model in enumerate((DRIVING, OTHER, DRIVING)):
        (tmp_path / f"graph.{k:03}.pb").write_bytes(model.read_bytes())
    graphs = " ".join(f"graph.{k:03}.pb" for k in range(3))
    script = f"""
variable NSTEPS equal 4
variable THERMO_FREQ equal 2
units metal
boundary p p p
atom_style atomic
neighbor 1.0 bin
box tilt large
read_data {DATA}
change_box all triclinic
mass 1 16.0
mass 2 1.0
pair_style deepmd {graphs} out_freq ${{THERMO_FREQ}} out_file model_devi.out
pair_coeff * *
thermo_style custom step temp pe ke etotal press vol lx ly lz xy xz yz
thermo ${{THERMO_FREQ}}
velocity all create 330.0 234567
fix 1 all nvt temp 330.0 330.0 0.1
timestep 0.0005
run ${{NSTEPS}} upto
"""
    found = lammps.run(script, tmp_path, **SUFFIX)
    assert len(found.runs[0]) == 3
    rows = numbers(tmp_path / "model_devi.out")
    assert rows[:, 0].tolist() == [0, 2, 4]
    assert (rows[:, 4] > 0).all()
