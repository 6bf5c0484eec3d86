"""What bench/gpu measures, on the processors."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

import dpse_fast
from bench.gpu import peer, report, steps
from bench.gpu.backend import Backend
from bench.gpu.copper import copper_model, neighbour_distances
from bench.gpu.models import Kind, subjects
from bench.gpu.motion import BLOCK, SHIFT, Box
from bench.gpu.workers import capacity, ceilings, describe, timings
from bench.gpu.workers.tiny import small_copper
from bench.table import number
from bench.worker import Worker, WorkerError
from tests.bench.gpu_run import run_for, script

DOUBLE = Kind("double")


def test_only_the_first_step_of_a_block_needs_a_new_list() -> None:
    potential = small_copper().load("cpu", DOUBLE)
    box = Box(Backend(), small_copper().frame(potential), potential.type_map, 32)
    assert box.n_atoms == 32
    session = potential.session(1.0)
    builds = []
    for step in range(2 * BLOCK + 1):
        session.compute(*box.arguments(step))
        builds.append(session.list_builds)
    assert builds == [1] * BLOCK + [2] * BLOCK + [3]
    before = box.arguments(BLOCK - 1)[0].copy()
    after = box.arguments(BLOCK)[0]
    assert (after - before)[:, 0].mean() == pytest.approx(SHIFT, abs=0.05)


def test_timings_of_a_model() -> None:
    ceilings = {"product_float64": 1e10}
    options = {"blocks": 2, "stages_at": 32, "ceilings": ceilings}
    ends = time.monotonic() + 60
    measured = timings.Measurement(Backend(), small_copper(), ends, options)
    done, left_out = measured.run(DOUBLE, 32), measured.run(DOUBLE, 10**9)
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
    text = report.timings_text({"runs": [done, left_out]})
    assert f"| double | {number(stages['neighbours'])} |" in text
    assert "about" in left_out["left_out"]


@pytest.mark.parametrize(
    ("kind", "rate"),
    [
        (DOUBLE, 1.0),
        (Kind("mixed"), 2.0),
        (Kind("single", "tf32"), 12.0),
        (Kind("mixed", "tf32x3"), 4.0),
    ],
)
def test_products_have_the_rate_of_their_own_kind(kind: Kind, rate: float) -> None:
    rates = {"product_float64": 1.0, "product_float32": 2.0, "product_tf32": 12.0}
    assert timings.product_rate(kind, rates) == rate
    assert timings.product_rate(kind, {}) is None


def test_capacity_tries_less_where_memory_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class OutOfMemoryError(Exception):
        pass

    tried = []
    problems = [OutOfMemoryError(), dpse_fast.InputError("positions: too many")]

    def scarce(*arguments: Any) -> dict[str, Any]:
        tried.append(arguments[-1])
        if problems:
            raise problems.pop(0)
        return {"atoms": tried[-1]}

    monkeypatch.setattr(capacity, "try_size", scarce)
    options = {"device": "cpu", "kind": ["double"], "atoms": 1000}
    records = list(capacity.records(options))
    assert tried == [1000, 850, 722]
    errors = ["out of memory", "positions: too many", None]
    assert [record.get("error") for record in records] == errors
    room = {"bytes_per_atom": 912, "fixed_bytes": 10**6}
    assert capacity.planned_atoms(room, 10**9 + 10**6) == pytest.approx(
        899.9e6 / (912 + capacity.BOX_BYTES), rel=1e-3
    )


def test_the_sanitizer_is_skipped_out_loud_and_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(steps, "FOLDERS", ())
    with pytest.raises(steps.Skipped, match="no GPU"):
        steps.sanitize(run_for(tmp_path), {}, 60)
    run = run_for(tmp_path, device="cuda")
    with pytest.raises(steps.Skipped, match="PATH"):
        steps.sanitize(run, {}, 60)
    text = "echo ========= ERROR SUMMARY: 3 errors\nexit 9"
    script(tmp_path / "compute-sanitizer", text)
    found: steps.Found = {}
    with pytest.raises(steps.Failed, match="code 9"):
        steps.sanitize(run, found, 60)
    assert "3 errors" in str(found)


def test_driver_numbers_get_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe.driver_says() is None
    script(tmp_path / "nvidia-smi", "echo NVIDIA H100, 580.1, P0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    expected = {"name": "NVIDIA H100", "driver_version": "580.1", "pstate": "P0"}
    assert describe.driver_says() == expected


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
    monkeypatch.setattr(peer, "OURS", (DOUBLE,))
    options = ("--peer-python", sys.executable, "--peer-atoms", "192")
    found: steps.Found = {}
    steps.peer(run_for(tmp_path, *options), found, 120)
    assert found["reference"] == peer.UNCOMPRESSED
    assert any("no compression here" in note for note in found["notes"])
    assert found["versions"]["deepmd-kit"] == "9.9"
    ours = found["agreement"]["dpse-fast, double"]
    assert ours["force_max_ev_per_angstrom"] < 1e-9
    theirs = found["contenders"][peer.UNCOMPRESSED]["times_faster_than"]
    assert set(theirs[peer.UNCOMPRESSED]["wall"].values()) == {1.0}
    assert "| dpse-fast, double |" in report.peer_text(found)


def test_our_worker_takes_the_device_that_it_is_told(tmp_path: Path) -> None:
    options = {"model": None, "structure": str(tmp_path / "s.npz"), "tol": 1e-5}
    options |= {"precision": "double", "threads": 1, "device": "no such device"}
    np.savez(tmp_path / "s.npz", positions=[], types=[], cell=[])
    with (
        Worker("ours", "ours.py", options, tmp_path) as worker,
        pytest.raises(WorkerError, match="no such device"),
    ):
        worker.evaluate(60)


def test_a_report_names_what_was_left_out() -> None:
    run = {"subject": "water", **Kind("mixed", "tf32", False).described()}
    run |= {"asked_for": 9, "left_out": "too large"}
    text = report.timings_text({"how": "Thus.", "runs": [run]})
    assert "water, mixed, tf32, atomics, 9 atoms: too large" in text
    failed = {**run, "tried": 9, "error": "out of memory"}
    assert "9 atoms: out of memory" in report.capacity_text({"runs": [failed]})


def test_subjects_are_chosen_by_name(tmp_path: Path) -> None:
    both = subjects({"subjects": ["water", "second"]})
    assert [s.label.split()[0] for s in both] == ["water,", "copper"]
    options = {"subjects": ["second"], "model2": "m.pb", "label2": "m.pb"}
    (found,) = subjects(options)
    assert (found.source, found.label) == ("m.pb", "m.pb")
    with pytest.raises(click.BadParameter, match="PRECISION,GEMM, got 'half,float32'"):
        run_for(tmp_path, "--kind", "half,float32")


def test_ceilings_of_products_and_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "SQUARE", {"cpu": 32})
    monkeypatch.setattr(ceilings, "ROWS", {"cpu": 16})
    monkeypatch.setattr(ceilings, "COPIED", {"cpu": 2**12})
    found = ceilings.products(Backend()) | ceilings.copies(Backend())
    for name, both in found["fitting_shapes"].items():
        assert max(both) <= found[f"product_{name.split()[0]}"]
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
