"""How the steps of bench/gpu fare, on the processors."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import dpse_fast
from bench.gpu import hardware, peer, report, running, steps
from bench.gpu.__main__ import main
from bench.gpu.backend import Backend
from bench.gpu.copper import copper_model, neighbour_distances
from bench.gpu.models import Subject, subjects
from bench.gpu.motion import BLOCK, SHIFT, Box
from bench.gpu.workers import capacity, ceilings, timings
from bench.worker import Worker
from tests.bench.gpu_run import run_for, script


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
        "ceilings": {"product_float64": 1e10},
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
    stages = done["stages"]["ns_per_atom"]
    assert set(stages) >= set(report.STAGES)
    # 16 channels and axis 4: 64 inputs less the 6 that are there twice, then 16, 16, 1.
    products = done["products"]
    flops = 4 * (58 * 16 + 16 * 16 + 16)
    assert products["flops_per_atom"] == flops
    assert products["ns_per_atom"] == pytest.approx(flops / 10)
    assert products["of_fitting"] == pytest.approx(flops / 10 / stages["fitting"])
    assert products["of_step"] == pytest.approx(flops / 10 / done["ns_per_atom"])
    assert f"| double | {report.number(stages['neighbours'])} |" in report.timings_text(
        {"runs": [done, left_out]}
    )
    assert "about" in left_out["left_out"]


def test_products_are_held_against_their_own_kind() -> None:
    rates = {"product_float64": 1.0, "product_float32": 2.0, "product_tf32": 12.0}
    found = [
        timings.Kind(*kind, True).product_rate(rates)
        for kind in (
            ("double", "float32"),
            ("mixed", "float32"),
            ("single", "tf32"),
            ("mixed", "tf32x3"),
        )
    ]
    assert found == [1.0, 2.0, 12.0, 4.0]
    assert timings.Kind("mixed", "tf32x3", True).product_rate({}) is None


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


def test_what_a_worker_found_is_saved_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import time; print('{\"atoms\": 5}', flush=True); time.sleep(60)"
    monkeypatch.setattr(
        steps, "worker_command", lambda *_: [sys.executable, "-c", code]
    )
    monkeypatch.setattr(running, "POLL", 0.2)
    run = run_for(tmp_path)
    saved: list[Any] = []
    run.save = lambda: saved.append(json.dumps(run.report))
    found = {"how": "so"}
    done = run.worker("timings", 3.0, found)
    assert done.late
    assert saved == ['{"timings": {"how": "so", "runs": [{"atoms": 5}]}}']
    assert found["runs"] == done.records == [{"atoms": 5}]


def test_numbers_are_a_whole_file_at_every_moment(tmp_path: Path) -> None:
    for steps_done in ({}, {"describe": {"status": "ok"}}):
        given = {"device": "cuda", "date": "2026-01-02", "steps": steps_done}
        path = report.write_numbers(given, tmp_path)
        assert json.loads(path.read_text())["steps"] == steps_done
    assert [p.name for p in tmp_path.iterdir()] == ["device-cuda-2026-01-02.json"]


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
    saved = []
    run.save = lambda: saved.append({k: o["status"] for k, o in run.outcomes.items()})
    steps.perform(
        run,
        (
            steps.Step("fails", "", 5, 200, fails),
            steps.Step("breaks", "", 5, 200, breaks),
            steps.Step("skips", "", 5, 200, skips),
            steps.Step("works", "", 40, 60, works),
        ),
    )
    outcomes = run.outcomes
    assert [o["status"] for o in outcomes.values()] == [
        *("failed", "failed", "skipped", "ok")
    ]
    # Written down after each of them.
    assert [len(each) for each in saved] == [1, 2, 3, 4]
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
    script(
        tmp_path / "compute-sanitizer",
        "echo ========= ERROR SUMMARY: 3 errors\nexit 9",
    )
    with pytest.raises(steps.Failed, match="code 9") as error:
        steps.sanitize(run, 60)
    assert "3 errors" in str(error.value.found)


def test_driver_numbers_get_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hardware.driver_says() is None
    script(tmp_path / "nvidia-smi", "echo NVIDIA H100, 580.1, P0")
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
    assert "9 atoms: out of memory" in report.capacity_text({"runs": [failed]})


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


def test_copper_is_the_published_architecture() -> None:
    model = copper_model()
    descriptor = model.descriptors[0]
    assert (descriptor.width, descriptor.sel, descriptor.rcut) == (100, (512,), 8.0)
    assert model.fitting[0].widths == (240, 240, 240, 1)
    assert model.digest() == copper_model().digest()
    # Shells of 12, 6, 24, 12, 24, 8 … atoms within 8 Å of fcc copper.
    assert len(neighbour_distances()) == 176
    # Unit variance of the rows of the crystal, empty slots counted.
    assert 0 < descriptor.davg[0, 0, 0] < descriptor.dstd[0, 0, 0]
