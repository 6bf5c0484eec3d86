"""A short part of the campaign with a fixed seed, and the harness itself."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from . import reliability
from .calls import Calls
from .certificates import Certificates
from .command_faults import CommandFaults
from .damaged_caches import DAMAGES, damage
from .interrupts import Interrupts
from .memory import growth_after_warm_up
from .registry import TARGETS
from .results_file import add_results, result_of
from .session_steps import SessionSteps
from .target import Outcome, Target, failure_text, outcome_of
from .trajectory_files import BOMBS, TrajectoryFiles
from .workers import Tally, execute_all

FEW: dict[type[Target], range] = {
    TrajectoryFiles: range(300),
    Calls: range(120),
    SessionSteps: range(3),
    CommandFaults: range(2),
    Certificates: range(28),
}


@pytest.mark.parametrize("kind", FEW)
def test_a_few_executions(kind: type[Target], tmp_path: Path) -> None:
    target = kind(seed=7)
    if isinstance(target, Calls):
        target.slowest = float("inf")  # tests measure no times
    (tmp_path / "shared").mkdir()
    target.prepare(tmp_path / "shared")
    counts: Counter[str] = Counter()
    for number in FEW[kind]:
        if kind is TrajectoryFiles and number % BOMBS == BOMBS - 1:
            continue
        found = outcome_of(target, number, tmp_path)
        if not isinstance(found, Outcome):
            raise AssertionError(f"number {number}") from found
        counts.update(found.counts)
    assert counts


@pytest.mark.usefixtures("interruptible")
def test_a_few_interrupts(tmp_path: Path) -> None:
    target = Interrupts(seed=7)
    target.prepare(tmp_path)
    for number in range(4):
        found = outcome_of(target, number, tmp_path)
        assert isinstance(found, Outcome), found


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage(kind: str, tmp_path: Path) -> None:
    target = TARGETS["caches"](1)
    folder = tmp_path / "dpse-fast"
    folder.mkdir()
    contents = {f"{k}.nbc": bytes([k]) * 50 for k in range(4)}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    damage(tmp_path, kind, target.rng(3))
    if kind == "read-only":
        assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o400}
        folder.chmod(0o700)
    else:
        found = {p.name: p.is_file() and p.read_bytes() for p in folder.glob("*")}
        assert found != contents


class Odd(Target):
    """Fails in every way that there is."""

    name, promise, tried, time_limit, batch = "odd", "", "", 5.0, 4

    def execute(self, number: int, folder: Path) -> Outcome | str:
        if number == 2:
            os.kill(os.getpid(), 9)
        if number == 5:
            time.sleep(60)
        if number == 6:
            raise ValueError("of six")
        if number == 7:
            os._exit(3)
        return Outcome({"odd" if number % 2 else "even": 1}, {"number": number})


def test_the_harness_survives_everything(tmp_path: Path) -> None:
    said: dict[int, str] = {}
    found = execute_all(Odd(), tmp_path, 2, 10, float("inf"), said.__setitem__)
    assert found.counts == {"even": 3, "odd": 3, "FAILURE": 4}
    assert found.executions == 10
    assert found.figures == {"number": 9}
    assert said.keys() == {2, 5, 6, 7}
    assert said[2] == "killed by SIGKILL"
    assert said[5] == "more than 5 s"
    assert said[6].startswith("ValueError: of six [test_campaign.py:")
    assert said[7] == "exit code 3"


def test_the_harness_stops_in_time(tmp_path: Path) -> None:
    found = execute_all(Odd(), tmp_path, 1, None, time.monotonic() - 1, print)
    assert found.executions == 0


def test_failures_of_one_kind_are_said_once() -> None:
    tally = Tally()
    assert tally.fail(3, "ValueError: got 17 [a.py:3]")
    assert not tally.fail(9, "ValueError: got 4 [a.py:3]")
    assert tally.fail(1, "KeyError: 'x' [a.py:3]")
    first = tally.listed_failures()[0]
    assert (first["times"], first["numbers"]) == (2, [3, 9])


def test_growth_is_told_from_noise() -> None:
    noise = [(k, 10**6 + 1000 * (k % 2)) for k in range(100)]
    assert abs(growth_after_warm_up(noise)) < 200
    grown = [(k, m + 500 * k) for k, m in noise]
    assert growth_after_warm_up(grown) == pytest.approx(500 * 74, rel=0.02)
    warm = [(k, min(k, 20) * 10**5) for k in range(100)]
    assert growth_after_warm_up(warm) == pytest.approx(0, abs=1)


def test_the_table_has_the_figures(tmp_path: Path) -> None:
    results, tally = tmp_path / "r.json", Tally()
    tally.add(Outcome({"error": 1200}, {"files": 150, "MiB beyond 4 files": 6.6}))
    tally.fail(3, "wrong")
    add_results(results, "models", result_of(TARGETS["models"](3), tally, 60.0, 2))
    add_results(results, "c", result_of(TARGETS["c"](3), "no C compiler", 1.0, 2))
    rows = reliability.table(json.loads(results.read_text())).splitlines()
    models, c = (
        next(r for r in rows if TARGETS[n].promise in r) for n in ("models", "c")
    )
    assert "mutations of 150 files" in models
    assert "2 executions (seed 3): 1,200 error" in models
    assert "**1 failure**; MiB beyond 4 files: 6.6" in models
    assert "skipped: no C compiler" in c
    assert sum("not run yet" in row for row in rows) == len(TARGETS) - 2


def test_the_page_has_the_table_of_its_figures() -> None:
    page = reliability.PAGE.read_text()
    assert page.count(reliability.BEGIN) == page.count(reliability.END) == 1
    stored = reliability.PAGE.with_suffix(".json")
    results: dict[str, Any] = {"targets": {}}
    if stored.exists():
        results = json.loads(stored.read_text())
    assert reliability.page_with(page, results) == page


def test_failures_name_no_folders() -> None:
    error = ValueError('File "/home/me/a b.py", line 1, of /tmp/x-1/out.h5: 1/2 eV')
    assert (
        failure_text(error)
        == 'ValueError: File "…/a b.py", line 1, of …/out.h5: 1/2 eV'
    )
