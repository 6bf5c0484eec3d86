"""How the steps of bench/gpu fare, and the processes that they start."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench import report_files
from bench.gpu import running, steps
from bench.gpu.__main__ import main
from tests.bench.gpu_run import run_for


def python(code: str, seconds: float = 60) -> running.Finished:
    return running.Process([sys.executable, "-c", code]).wait(seconds)


def test_a_process_that_takes_too_long_is_ended_with_its_children() -> None:
    code = "import subprocess, sys; print('{\"a\": 1}', flush=True); "
    code += "p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    done = python(code, 2.0)
    assert done.late
    assert done.seconds < 30
    assert done.records == [{"a": 1}]
    assert "stopped after" in str(done.problem())
    child = int(done.said.split()[-1])
    for _ in range(50):
        if not _is_alive(child):
            return
        time.sleep(0.1)
    raise AssertionError("the child lives")


def _is_alive(number: int) -> bool:
    status = Path(f"/proc/{number}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_what_a_process_said_last_is_its_problem() -> None:
    code = "print('{\"kept\": 2}'); print('{broken'); raise SystemExit('it broke')"
    done = python(code)
    assert done.problem() == "ended with code 1: it broke"
    assert done.records == [{"kept": 2}]
    assert python("").problem() is None
    code = "def f(): raise OSError('no /a/folder/file.txt of a/b')\nf()"
    said = python(code).last_words
    assert said.endswith("OSError: no file.txt of a/b")
    assert "line" not in said


def test_what_a_worker_found_is_saved_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import time; print('{\"atoms\": 5}', flush=True); time.sleep(60)"
    monkeypatch.setattr(
        steps, "worker_command", lambda *_: [sys.executable, "-c", code]
    )
    run, found = run_for(tmp_path), {"how": "so"}
    saved: list[Any] = []
    run.save = lambda: saved.append(json.dumps(found))
    done = run.worker("timings", 3.0, found)
    assert done.late
    assert saved == ['{"how": "so", "runs": [{"atoms": 5}]}']
    assert found["runs"] == done.records == [{"atoms": 5}]


def test_numbers_are_a_whole_file_at_every_moment(tmp_path: Path) -> None:
    for steps_done in ({}, {"describe": {"status": "ok"}}):
        given = {"date": "2026-01-02", "steps": steps_done}
        path = report_files.write(given, str(tmp_path), "device cuda")
        assert json.loads(path.read_text())["steps"] == steps_done
    assert [p.name for p in tmp_path.iterdir()] == ["device-cuda-2026-01-02.json"]


def test_later_steps_run_where_one_fails(tmp_path: Path) -> None:
    given: dict[str, float] = {}

    def step(name: str, least: float, most: float, error: Exception | None) -> Any:
        def work(_: steps.Run, found: steps.Found, seconds: float) -> None:
            given[name] = seconds
            if name not in ("breaks", "skips"):
                found["about"] = name
            if error:
                raise error

        return steps.Step(name, "", least, most, work)

    run = run_for(tmp_path)
    saved = []
    run.save = lambda: saved.append({k: o["status"] for k, o in run.outcomes.items()})
    plan = (
        step("fails", 5, 200, steps.Failed("it did not work")),
        step("breaks", 5, 200, KeyError("odd")),
        step("skips", 5, 200, steps.Skipped("no tool")),
        step("works", 40, 60, None),
    )
    steps.perform(run, plan)
    statuses = ["failed", "failed", "skipped", "ok"]
    assert [o["status"] for o in run.outcomes.values()] == statuses
    # Written down after each of them.
    assert [len(each) for each in saved] == [1, 2, 3, 4]
    assert run.outcomes["fails"]["why"] == "it did not work"
    assert "odd" in run.outcomes["breaks"]["why"]
    assert run.report == {k: {"about": k} for k in ("fails", "works")}
    # 50 s are kept for the later ones, and no step gets more than its own.
    assert given["fails"] == pytest.approx(50, abs=2)
    assert given["works"] == 60
    # What is kept for later steps starves none.
    run = run_for(tmp_path)
    steps.perform(run, tuple(step(name, 90, 95, None) for name in ("a", "b", "c")))
    assert [given[k] for k in "abc"] == [pytest.approx(s, abs=2) for s in (50, 50, 95)]


def test_a_run_measures_and_its_exit_code_tells_whether_a_step_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: steps.Run, found: steps.Found, seconds: float) -> None:
        raise steps.Failed("broken on purpose")

    bad = steps.Step("bad", "", 1, 9, fails)
    monkeypatch.setattr(steps, "STEPS", (steps.STEPS[5], bad))
    options = ["--device", "cpu", "--model", "water", "--kind", "double"]
    options += ["--sizes", "192", "--blocks", "1", "--output", str(tmp_path)]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 1
    (data,) = tmp_path.glob("*.json")
    found = json.loads(data.read_text())
    statuses = {name: outcome["status"] for name, outcome in found["steps"].items()}
    assert statuses == {"timings": "ok", "bad": "failed"}
    assert found["timings"]["runs"][0]["atoms"] == 192
    assert data.with_suffix(".png").exists()
    text = data.with_suffix(".md").read_text()
    assert "broken on purpose" in text
    assert "| double | 192 |" in text
    assert str(tmp_path) not in text + data.read_text()
