"""What bench/gpu counts, and how its steps fare; on the processors."""

from __future__ import annotations

import json
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from dpse_fast.kernels.cuda.streams import Streams

import dpse_fast
from bench import gemm
from bench.gpu import hardware, instructions, peer, report, running, steps
from bench.gpu.__main__ import main, options_of
from bench.gpu.backend import Backend
from bench.gpu.ceilings import CARDS, Ceilings, card_named, measured_ceilings
from bench.gpu.copper import LATTICE, copper_cell, copper_model
from bench.gpu.estimate import estimate, estimate_text
from bench.gpu.models import Subject, plan_of, subjects, surroundings, water
from bench.gpu.motion import BLOCK, SHIFT, Box
from bench.gpu.roofline import (
    ASSUMED,
    Efficiencies,
    achieved,
    least_seconds,
    seconds_of,
)
from bench.gpu.surroundings import surroundings_of
from bench.gpu.work import Counting, Part, work_of
from bench.gpu.workers import capacity, ceilings, timings
from bench.worker import Worker
from dpse_fast.cuda.vectors import whole
from dpse_fast.plan import Plan

# Of the shells of an fcc crystal, in nearest distances, and the atoms in them.
SHELLS = {1.0: 12, 2.0**0.5: 6, 3.0**0.5: 24}


@pytest.fixture(scope="module")
def planned() -> Callable[[str], Plan]:
    """The embedded model's plan, which its file keeps, by precision."""
    found: dict[str, Plan] = {}

    def plan(precision: str) -> Plan:
        if precision not in found:
            potential = water().load("cpu", precision)
            found[precision] = plan_of(potential, water().frame(potential))
        return found[precision]

    return plan


def around(plan: Plan) -> Any:
    return surroundings(plan, water().frame(water().load("cpu", "double")))


def test_neighbours_of_a_crystal_are_its_shells() -> None:
    cell = copper_cell()
    nearest = LATTICE / 2**0.5
    near, far = nearest * 1.01, nearest * 1.5
    found = surroundings_of(
        cell.positions + 7.3, cell.types, np.asarray(cell.cell), near, far - near, 1
    )
    assert found.pairs.tolist() == [[SHELLS[1.0]]]
    assert found.listed.tolist() == [[SHELLS[1.0] + SHELLS[2.0**0.5]]]


def test_pairs_of_types_are_seen_from_both_sides(
    planned: Callable[[str], Plan],
) -> None:
    found = around(planned("double"))
    for counts in (found.pairs, found.listed):
        both = found.share[:, None] * counts
        np.testing.assert_allclose(both, both.T, rtol=1e-12)
    assert (found.listed > found.pairs).all()
    # Hydrogens of a molecule see its oxygen and each other.
    assert found.share.sum() == pytest.approx(1)


def test_products_of_the_nets_are_those_of_their_layers(
    planned: Callable[[str], Plan],
) -> None:
    plan = planned("mixed")
    near = around(plan)
    work = {gemm_: work_of(plan, near, Counting(gemm_)) for gemm_ in ("tf32", "tf32x3")}
    layers = [
        [
            (whole(n_in), whole(n_out))
            for n_in, n_out in plan.fitting[c].shapes
            if n_out > 1
        ]
        for c in sorted(plan.fitting)
    ]
    expected = near.mean(np.array([gemm.layer_flops(shapes) for shapes in layers]))
    found = _part(work["tf32"], "fitting", "products")
    assert found.product == pytest.approx(expected)
    assert _part(work["tf32x3"], "fitting", "products").product == pytest.approx(
        3 * expected
    )


def _part(work: dict[str, list[Part]], stage: str, name: str) -> Part:
    return next(part for part in work[stage] if part.name == name)


@pytest.mark.parametrize("precision", ["double", "mixed", "single"])
def test_bytes_of_a_pair_are_those_that_the_kernels_keep(
    planned: Callable[[str], Plan], precision: str
) -> None:
    plan = planned(precision)
    near = around(plan)
    more = near._replace(pairs=near.pairs * 2)
    extra = near.mean(near.pairs.sum(axis=1))
    before, after = work_of(plan, near), work_of(plan, more)

    def per_pair(stage: str, name: str) -> float:
        old, new = _part(before, stage, name), _part(after, stage, name)
        return (new.memory - old.memory) / extra

    item, wide = plan.dtype.itemsize, 3 * plan.geometry_dtype.itemsize
    # Place in the row, row of the table, offset, difference; see `BatchPairs`.
    assert per_pair("environment", "environment") == pytest.approx(2 + 4 + item + wide)
    assert per_pair("moments", "moments") == pytest.approx(4 + item + wide)
    # … and the gradient, read and written.
    assert per_pair("gradients", "pair gradients") == pytest.approx(
        2 + 4 + item + 3 * wide
    )
    assert per_pair("forces", "gather") == pytest.approx(wide)


def test_precisions_count_where_they_are_meant(planned: Callable[[str], Plan]) -> None:
    for precision, table, geometry in (
        ("double", "float64", "float64"),
        ("mixed", "float32", "float64"),
        ("single", "float32", "float32"),
    ):
        work = work_of(planned(precision), around(planned(precision)))
        part = _part(work, "moments", "moments")
        kinds = {k for k in ("float32", "float64") if getattr(part, k)}
        assert kinds == {table, geometry}


def test_a_list_that_is_kept_longer_costs_less(planned: Callable[[str], Plan]) -> None:
    plan = planned("double")
    near = around(plan)
    often, seldom = (work_of(plan, near, Counting(interval=n)) for n in (5, 50))
    old, new = (_part(work, "neighbours", "build") for work in (often, seldom))
    assert old.memory == pytest.approx(10 * new.memory)
    assert _part(often, "neighbours", "follow") == _part(seldom, "neighbours", "follow")


def test_atomic_additions_need_no_reverse_pairs(
    planned: Callable[[str], Plan],
) -> None:
    plan = planned("mixed")
    near = around(plan)
    exact, loose = (
        work_of(plan, near, Counting(deterministic=d)) for d in (True, False)
    )
    assert loose["forces"][0].memory < exact["forces"][0].memory
    assert loose["forces"][0].gathered == 0
    least, most = (w["neighbours"][0].instructions for w in (loose, exact))
    assert least < most


def test_instructions_grow_with_what_a_warp_does() -> None:
    table = instructions.Table(turn=100, channel=10, chunk=1000, row=5)
    streams = Streams(lanes=8, channels=3, sweeps=1)
    # 64 pairs in four streams are 16 turns, in two chunks and a half of one.
    assert table.of(64, 1, streams) == 5 + 16 * 130 + 2.5 * 1000
    assert table.of(64, 1, streams._replace(sweeps=2)) == 5 + 2 * (16 * 130 + 2500)
    building = instructions.Building(0, 0, 0, 0, pairs=7, halving=10)
    # 96 pairs in two segments are four chunks; 16 neighbours are halved five times.
    assert building.of(500.0, 96.0, 16.0, 2) == 4 * (7 + 5 * 10)
    passes = instructions.Building(1, 2, 0, 50, 0, 0)
    n = 320 / 32 + instructions.LINES / 2
    assert passes.of(320.0, 0.0, 0.0, 2) == pytest.approx(2 * (5 * n + 50))


def test_the_slowest_resource_decides() -> None:
    part = Part("a", memory=10.0, float32=30.0, product=8.0)
    rates = Ceilings(memory=10.0, float32=10.0, product_tf32=1.0)
    assert seconds_of(part, rates, "tf32") == (8.0, "products in tf32")
    # A rate that is not known bounds nothing.
    assert seconds_of(part, rates, "float32") == (3.0, "float32")
    half = Efficiencies(arithmetic=0.25)
    assert seconds_of(part, rates, "float32", half)[0] == 12.0
    assert seconds_of(Part("b"), rates, "float32") == (0.0, "nothing")


def test_tables_beyond_l1_come_from_l2() -> None:
    rates = Ceilings(memory=1.0, l1=100.0, l2=10.0, l1_size=1000.0)
    small, large = (Part("t", cached=100.0, footprint=f) for f in (1000.0, 4000.0))
    assert seconds_of(small, rates, "float32") == (1.0, "l1")
    assert seconds_of(large, rates, "float32") == (7.5, "l2")


def test_gathered_bytes_count_once() -> None:
    part = Part("g", memory=10.0, gathered=4.0)
    reached = replace(ASSUMED, memory=1.0, gathered=0.5)
    rates = Ceilings(memory=1.0)
    assert seconds_of(part, rates, "float32")[0] == 10.0
    assert seconds_of(part, rates, "float32", reached)[0] == 14.0


def test_a_stage_as_fast_as_its_ceilings_is_the_whole_roofline() -> None:
    work = {"fitting": [Part("a", memory=8.0), Part("b", product=3.0)], "forces": []}
    rates = Ceilings(memory=2.0, product_float64=1.0)
    assert least_seconds(work, rates, "float64") == {"fitting": 7.0, "forces": 0.0}
    found = achieved(work, {"fitting": 14.0}, rates, "float64")
    assert set(found) == {"fitting"}
    assert found["fitting"]["fraction_of_roofline"] == 0.5
    assert found["fitting"]["memory_bytes_per_s"] == pytest.approx(8 / 14)


def test_parts_add_up() -> None:
    part = Part("a", memory=2.0, footprint=5.0, instructions=1.0)
    twice = part.times(0.5).plus(part.times(1.5))
    assert twice == Part("a", memory=4.0, footprint=5.0, instructions=2.0)


def test_cards_are_known_by_the_names_of_devices() -> None:
    assert card_named("NVIDIA H100 80GB HBM3") is CARDS["H100"]
    assert card_named("NVIDIA A100-SXM4-80GB") is CARDS["A100"]
    assert card_named("Tesla V100-SXM2-16GB") is None
    measured = {"l2": 5.0, "copy": 3.0, "memory": 7.0}
    found = measured_ceilings(measured, CARDS["H100"].ceilings())
    assert (found.l2, found.memory) == (5.0, 7.0)
    assert found.l1 == CARDS["H100"].ceilings().l1
    assert measured_ceilings(measured, None).l1 == 0.0


def test_measured_memory_is_the_best_of_its_measurements() -> None:
    measured = {"ceilings": {"copy": 3.0, "memory_read": 4.0, "l2": 9.0}}
    assert steps.known_ceilings(measured)["memory"] == 4.0
    assert steps.known_ceilings({})["memory"] == 0.0


def test_an_estimate_says_that_it_is_one(planned: Callable[[str], Plan]) -> None:
    plan = planned("mixed")
    near = around(plan)
    older, newer = (estimate(plan, near, CARDS[c], "tf32") for c in ("H100", "H200"))
    for found in (older, newer):
        assert found["million_atom_steps_per_s"] < found["at_the_peaks"]
    for stage, ns in newer["likely_ns_per_atom"].items():
        assert ns <= older["likely_ns_per_atom"][stage]
    exact = estimate(plan, near, CARDS["H200"], "tf32x3")
    assert exact["flops_per_atom"] > 2 * newer["flops_per_atom"]
    text = estimate_text(CARDS["H200"], {"water": {"mixed, tf32": newer}})
    assert text.startswith("ESTIMATE for one H200; nothing here was measured.")
    assert "4.8 TB/s" in text
    assert "memory 0.85" in text


def test_estimates_need_no_gpu() -> None:
    command = ["--estimate", "H200", "--model", "water", "--json"]
    found = json.loads(CliRunner().invoke(main, command).output)
    assert found["estimate"] is True
    assert "double" in found["models"]["water, the embedded model"]


def test_copper_is_the_published_architecture() -> None:
    model = copper_model()
    descriptor = model.descriptors[0]
    assert (descriptor.width, descriptor.sel, descriptor.rcut) == (100, (512,), 8.0)
    assert model.fitting[0].widths == (240, 240, 240, 1)
    again = copper_model()
    assert model.digest() == again.digest()
    # Unit variance of the rows of the crystal, empty slots counted.
    assert 0 < descriptor.davg[0, 0, 0] < descriptor.dstd[0, 0, 0]


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
