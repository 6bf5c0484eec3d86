"""Kernels by Nsight Compute in bench/gpu, from a page of the form that it writes."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from bench.gpu import nsight, report, steps
from bench.gpu.nsight import BYTES, CYCLES, DURATION, OPERATIONS, PEAKS
from bench.gpu.workers import one_step
from tests.bench.gpu_run import run_for, script

ROW = {"ID": "0", "Process Name": "python3", "Kernel Name": "", "Block Size": "1, 1, 1"}


def page(*launches: dict[str, Any], unit: str = "ns", without: str = "") -> str:
    """A raw page: names, units, then a line a launch; numbers with separators."""
    metrics = [DURATION, *PEAKS.values(), BYTES, CYCLES]
    metrics += [name for names in OPERATIONS.values() for name in names]
    names = [*ROW, *(m for m in metrics if not without or without not in m)]
    out = io.StringIO()
    writer = csv.DictWriter(
        out, names, restval="0", extrasaction="ignore", quoting=csv.QUOTE_ALL
    )
    writer.writeheader()
    writer.writerow({name: "" for name in names} | {DURATION: unit})
    for launch in launches:
        values = {k: f"{v:,}" for k, v in launch.items() if k != "name"}
        writer.writerow(ROW | {"Kernel Name": launch["name"]} | values)
    return "==PROF== Connected to process 7\n" + out.getvalue()


ADD, MULTIPLY, TWICE_FMA = OPERATIONS["float32"]
SHORT = {"name": "gather", DURATION: 1_000, PEAKS["dram"]: 80.0, BYTES: 2_000_000}
LONG = {
    "name": "moments",
    DURATION: 3_000,
    PEAKS["compute"]: 50.0,
    **{ADD: 1.0, MULTIPLY: 2.0, TWICE_FMA: 7.0, CYCLES: 1_500_000_000},
}


def test_kernels_of_a_page_are_summed_by_their_name() -> None:
    later = LONG | {DURATION: 9_000, PEAKS["compute"]: 90.0}
    first, second = nsight.kernels_of(page(SHORT, LONG, later))
    assert (first["kernel"], first["launches"]) == ("moments", 2)
    assert first["seconds"] == pytest.approx(12e-6)
    # The longer launch counts three times as much.
    assert first["percent_of_peak"]["compute"] == pytest.approx(80.0)
    assert first["flops"]["float32"] == pytest.approx(15e9)
    assert second["percent_of_peak"]["dram"] == 80.0
    assert second["bytes_per_s"] == 2e6


def test_units_and_missing_columns() -> None:
    (found,) = nsight.kernels_of(page(LONG, unit="usecond", without="fadd"))
    assert found["seconds"] == pytest.approx(3e-3)
    assert set(found["flops"]) == {"float64"}
    assert nsight.kernels_of("==WARNING== No kernels were profiled.\n") == []


FAKE = """
while [ "$1" != --log-file ]; do shift; done
cp {page} "$2"
echo '{{"atoms": 96000}}'
"""


@pytest.fixture
def gpu_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> steps.Run:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(steps, "FOLDERS", ())
    return run_for(tmp_path, "--model", "water", device="cuda")


def test_every_configuration_is_profiled(gpu_run: steps.Run, tmp_path: Path) -> None:
    (tmp_path / "page").write_text(page(SHORT, LONG))
    script(tmp_path / "ncu", FAKE.format(page=tmp_path / "page"))
    found: steps.Found = {}
    saved: list[int] = []
    gpu_run.save = lambda: saved.append(len(found["runs"]))
    steps.kernels(gpu_run, found, 60)
    assert [run["kind"] for run in found["runs"]] == ["mixed, float32", "double"]
    assert saved == [1, 2]
    text = report.kernels_text(found)
    assert "| water, double, 96,000 atoms |" in text
    assert "| moments | 1 | 0.003 | 50 |" in text


@pytest.mark.parametrize(
    ("ncu", "error", "why"),
    [
        (None, steps.Skipped, r"ncu .* is not on the PATH"),
        ("echo ==ERROR== ERR_NVGPUCTRPERM; exit 1", steps.Skipped, "may not read"),
        ("exit 0", steps.Failed, "no kernel"),
    ],
)
def test_a_card_that_cannot_be_profiled_is_said_to_be(
    gpu_run: steps.Run, tmp_path: Path, ncu: str | None, error: type, why: str
) -> None:
    if ncu:
        script(tmp_path / "ncu", ncu)
    with pytest.raises(error, match=why):
        steps.kernels(gpu_run, {}, 60)


def test_clocks_are_left_alone() -> None:
    command = nsight.profiling_command("ncu", Path("p.csv"), ["python", "-m", "x"])
    at = command.index("--clock-control")
    assert command[at : at + 2] == ["--clock-control", "none"]
    assert command[-3:] == ["python", "-m", "x"]
    assert [c for c in command if c.startswith("SpeedOfLight")] == list(nsight.SECTIONS)


def test_one_step_builds_a_list_where_it_is_profiled() -> None:
    options = {"device": "cpu", "subjects": ["water"], "atoms": 192, "kind": ["double"]}
    assert [*one_step.records(options)] == [{"atoms": 192, "list_builds": 2}]
