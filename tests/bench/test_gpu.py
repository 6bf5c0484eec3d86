"""How the steps of bench/gpu fare, on the processors."""

from __future__ import annotations

import json
import stat
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import dpse_fast
from bench.gpu import hardware, peer, report, running, steps
from bench.gpu.__main__ import main, options_of
from bench.gpu.backend import Backend
from bench.gpu.copper import copper_model
from bench.gpu.models import Subject, subjects
from bench.gpu.motion import BLOCK, SHIFT, Box
from bench.gpu.workers import capacity, ceilings, timings
from bench.worker import Worker


def small() -> Subject:
    model = copper_model(embedding=(4, 8, 16), fitting=(16, 16), axis=4)
    return Subject("small", "small copper", model, 0.0, None)


def test_only_the_first_step_of_a_block_needs_a_new_list() -> None:
    potential = small().load("cpu", "double")
    box = Box(Backend(), small().frame(potential), potential.type_map, 32)
    assert box.n_atoms == 32
    session = potential.session(1.0)
    builds = []
    for step in range(2 * BLOCK + 1):
        session.compute(*box.arguments(step))
        builds.append(session.list_builds)
    assert builds == [1] * BLOCK + [2] * BLOCK + [3]
    before, after = box.positions(BLOCK - 1).copy(), box.positions(BLOCK)
    assert (after - before)[:, 0].mean() == pytest.approx(SHIFT, abs=0.05)


def test_timings_of_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    options = {
        "blocks": 2,
        "stages_at": 32,
        "ceilings": {"memory": 1e10, "float64": 1e10, "product_float64": 1e10},
    }
    ends = time.monotonic() + 60
    measured = timings.Measurement(Backend(), small(), ends, options)
    kind = timings.Kind("double", "float32", True)
    measured.run(kind, 32)
    measured.run(kind, 10**9)
    done, left_out = map(json.loads, capsys.readouterr().out.splitlines())
    assert done["atoms"] == 32
    assert len(done["block_seconds"]) == 2
    assert done["list_builds"] == 3
    assert "note" not in done
    pace = sorted(done["block_seconds"])
    assert done["ns_per_atom"] == pytest.approx(1e9 * sum(pace) / 2 / BLOCK / 32)
    assert set(done["stages"]["ns_per_atom"]) >= set(report.STAGES)
    assert "about" in left_out["left_out"]


def test_capacity_tries_less_where_memory_is_short(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class OutOfMemoryError(Exception):
        pass

    tried = []

    def scarce(*arguments: Any) -> dict[str, Any]:
        tried.append(arguments[-1])
        if len(tried) == 1:
            raise OutOfMemoryError
        if len(tried) == 2:
            raise dpse_fast.errors.InputError("positions: too many")
        return {"atoms": tried[-1]}

    monkeypatch.setattr(capacity, "try_size", scarce)
    kind = ("double", "float32", True)
    capacity.measure(Backend(), small(), kind, {"atoms": 1000})
    records = [json.loads(x) for x in capsys.readouterr().out.splitlines()]
    assert tried == [1000, 850, 722]
    assert [r.get("error") for r in records] == [
        "out of memory",
        "positions: too many",
        None,
    ]
    room = {"bytes_per_atom": 912, "fixed_bytes": 10**6}
    assert capacity.planned_atoms(room, 10**9 + 10**6) == pytest.approx(
        899.9e6 / (912 + capacity.BOX_BYTES), rel=1e-3
    )


def test_a_process_that_takes_too_long_is_ended_with_its_children() -> None:
    code = "import subprocess, sys; print('{\"a\": 1}', flush=True); "
    code += "p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    done = running.run([sys.executable, "-c", code], 2.0)
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
    done = running.run([sys.executable, "-c", code], 60)
    assert done.problem() == "ended with code 1: it broke"
    assert done.records == [{"kept": 2}]
    assert running.run([sys.executable, "-c", ""], 60).problem() is None
    code = "def f(): raise OSError('no /a/folder/file.txt of a/b')\nf()"
    said = running.run([sys.executable, "-c", code], 60).last_words
    assert said.endswith("OSError: no file.txt of a/b")
    assert "line" not in said


def run_for(tmp_path: Path, **changed: Any) -> steps.Run:
    given = main.make_context("bench.gpu", []).params
    options = options_of({**given, "device": "cpu", **changed})
    environment = steps.environment_of(tmp_path, "cpu")
    return steps.Run(options, tmp_path, environment, time.monotonic() + 100)


def test_later_steps_run_where_one_fails(tmp_path: Path) -> None:
    given: dict[str, float] = {}

    def fails(_: steps.Run, seconds: float) -> steps.Found:
        given["fails"] = seconds
        raise steps.Failed("it did not work", {"half": 1})

    def breaks(_: steps.Run, seconds: float) -> steps.Found:
        raise KeyError("odd")

    def skips(_: steps.Run, seconds: float) -> steps.Found:
        raise steps.Skipped("no tool")

    def works(_: steps.Run, seconds: float) -> steps.Found:
        given["works"] = seconds
        return {"all": 2}

    run = run_for(tmp_path)
    outcomes = steps.perform(
        run,
        (
            steps.Step("fails", "", 5, 200, fails),
            steps.Step("breaks", "", 5, 200, breaks),
            steps.Step("skips", "", 5, 200, skips),
            steps.Step("works", "", 40, 60, works),
        ),
    )
    assert [o["status"] for o in outcomes.values()] == [
        *("failed", "failed", "skipped", "ok")
    ]
    assert outcomes["fails"]["why"] == "it did not work"
    assert "odd" in outcomes["breaks"]["why"]
    assert run.report == {"fails": {"half": 1}, "works": {"all": 2}}
    # 50 s are kept for the later ones, and no step gets more than its own.
    assert given["fails"] == pytest.approx(50, abs=2)
    assert given["works"] == 60


def test_what_is_kept_for_later_steps_starves_none(tmp_path: Path) -> None:
    given: list[float] = []

    def works(_: steps.Run, seconds: float) -> steps.Found:
        given.append(seconds)
        return {}

    run = run_for(tmp_path)
    names = ("a", "b", "c")
    steps.perform(run, tuple(steps.Step(n, "", 90, 95, works) for n in names))
    assert given == [pytest.approx(s, abs=2) for s in (50, 50, 95)]


def test_the_exit_code_tells_whether_a_step_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: steps.Run, seconds: float) -> steps.Found:
        raise steps.Failed("broken on purpose")

    monkeypatch.setattr(steps, "STEPS", (steps.Step("bad", "", 1, 9, fails),))
    command = ["--device", "cpu", "--output", str(tmp_path)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "broken on purpose" in result.output
    (data,) = tmp_path.glob("*.json")
    assert json.loads(data.read_text())["steps"]["bad"]["status"] == "failed"
    text = data.with_suffix(".md").read_text()
    assert "broken on purpose" in text
    assert str(tmp_path) not in text + data.read_text()


def test_the_sanitizer_is_skipped_out_loud_and_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_for(tmp_path)
    with pytest.raises(steps.Skipped, match="no GPU"):
        steps.sanitize(run, 60)
    run.options = {**run.options, "device": "cuda"}
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(hardware, "FOLDERS", ())
    with pytest.raises(steps.Skipped, match="PATH"):
        steps.sanitize(run, 60)
    tool = tmp_path / "compute-sanitizer"
    tool.write_text("#!/bin/sh\necho ========= ERROR SUMMARY: 3 errors\nexit 9\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(steps.Failed, match="code 9") as error:
        steps.sanitize(run, 60)
    assert "3 errors" in str(error.value.found)


def test_driver_numbers_get_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hardware.driver_says() is None
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho NVIDIA H100, 580.1, P0\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert hardware.driver_says() == {
        "name": "NVIDIA H100",
        "driver_version": "580.1",
        "pstate": "P0",
    }


FAKE_DEEPMD = {
    "deepmd/__init__.py": "",
    "deepmd/__main__.py": """
import shutil, sys
if "compress" in sys.argv:
    sys.exit("no compression here")
shutil.copyfile(*sys.argv[-2:])
""",
    "deepmd/infer.py": """
import numpy as np, dpse_fast
class DeepPot:
    def __init__(self, path):
        self.potential = dpse_fast.load(path, device="cpu", sel_overflow="truncate")
    def eval(self, positions, cell, types):
        r = self.potential.compute(positions[0], types, cell.reshape(3, 3))
        return np.array([[r.energy]]), r.forces[None], r.virial.reshape(1, 9)
""",
    "deepmd_kit.dist-info/METADATA": "Name: deepmd-kit\nVersion: 9.9\n",
}


def test_a_peer_takes_turns_with_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in FAKE_DEEPMD.items():
        path = tmp_path / "peer" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "peer"))
    embedded = str(Path(dpse_fast.__file__).parent / "data" / "water.h5")
    monkeypatch.setattr(peer, "our_dp", lambda model, folder: embedded)
    monkeypatch.setattr(peer, "ROUNDS", 2)
    monkeypatch.setattr(peer, "OURS", (("double", "float32"),))
    run = run_for(tmp_path, peer_python=sys.executable, peer_atoms=192)
    found = steps.peer(run, 120)
    assert found["reference"] == peer.UNCOMPRESSED
    assert any("no compression here" in note for note in found["notes"])
    assert found["versions"]["deepmd-kit"] == "9.9"
    ours = found["agreement"]["dpse-fast, double"]
    assert ours["force_max_ev_per_angstrom"] < 1e-9
    theirs = found["contenders"][peer.UNCOMPRESSED]["times_faster"]
    assert theirs == {"median": 1.0, "lowest": 1.0, "highest": 1.0}
    assert "| dpse-fast, double |" in report.peer_text(found)


def test_our_worker_stays_on_the_processors_unless_told(tmp_path: Path) -> None:
    options = {"model": None, "structure": "none.npz", "tol": 1e-5, "threads": 1}
    options |= {"precision": "double", "device": "no such device", "gemm": None}
    np.savez(tmp_path / "s.npz", positions=[], types=[], cell=[])
    options["structure"] = str(tmp_path / "s.npz")
    with (
        Worker("ours", sys.executable, "ours.py", options, tmp_path) as worker,
        pytest.raises(Exception, match="no such device"),
    ):
        worker.evaluate(60)


def test_a_report_names_what_was_left_out() -> None:
    run = {"subject": "water", "precision": "mixed", "gemm": "tf32", "asked_for": 9}
    run |= {"deterministic": False, "left_out": "too large"}
    text = report.timings_text({"how": "Thus.", "runs": [run]})
    assert "water, mixed, tf32, atomics, 9 atoms: too large" in text
    failed = {**run, "tried": 9, "error": "out of memory"}
    assert "9 atoms: out of memory" in report.capacity_text({"trials": [failed]})


def test_subjects_are_chosen_by_name(tmp_path: Path) -> None:
    assert [s.name for s in subjects({})] == ["water", "copper"]
    options = {"subjects": ["second"], "model2": "m.pb", "label2": "m.pb"}
    (found,) = subjects(options)
    assert (found.source, found.label) == ("m.pb", "m.pb")
    with pytest.raises(Exception, match="--kind"):
        run_for(tmp_path, kinds=("half,float32",))


def test_ceilings_of_products_and_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "SQUARE", {"cpu": 32})
    monkeypatch.setattr(ceilings, "ROWS", {"cpu": 16})
    monkeypatch.setattr(ceilings, "COPIED", {"cpu": 2**12})
    found = ceilings.products(Backend()) | ceilings.copies(Backend())
    best = [
        max(both) for name, both in found["fitting_shapes"].items() if "32 " in name
    ]
    assert found["product_float32"] >= max(best)
    assert found["copy"] > 0
    assert "product_tf32" not in found


def test_reads_stay_inside_their_arrays() -> None:
    for size, l2, n_warps in ((2**28, 50 * 2**20, 64 * 132), (2**14, 2**16, 2)):
        for numbers, part, hop, _ in ceilings.reads_of(size, l2, n_warps).values():
            n_parts = numbers // (4 * part)
            assert numbers <= size
            assert part % ceilings.STEP == 0
            assert n_parts >= 1
            assert hop <= n_parts
