"""Kernels by Nsight Compute: shares of the card's peaks, bytes and operations a second.

The sections SpeedOfLight and SpeedOfLight_RooflineChart as a raw CSV page: a line of
names, one of units, then one for each launch of a kernel
(https://docs.nvidia.com/nsight-compute/NsightComputeCli).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

Row = dict[str, str]

SECTIONS = ("SpeedOfLight", "SpeedOfLight_RooflineChart")
NOT_ALLOWED = "ERR_NVGPUCTRPERM"
DURATION = "gpu__time_duration.sum"
TIMES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "s": 1.0}  # first letters of the units
PEAKS = {
    "compute": "sm__throughput.avg.pct_of_peak_sustained_elapsed",
    "memory": "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed",
    "dram": "gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed",
    "l2": "lts__throughput.avg.pct_of_peak_sustained_elapsed",
    "l1": "l1tex__throughput.avg.pct_of_peak_sustained_active",
}
BYTES = "dram__bytes.sum.per_second"
CYCLES = "smsp__cycles_elapsed.avg.per_second"
# A cycle, of the roofline chart's single and double precision; not of tensor cores.
OPERATIONS = {
    real: (
        f"smsp__sass_thread_inst_executed_op_{letter}add_pred_on.sum.per_cycle_elapsed",
        f"smsp__sass_thread_inst_executed_op_{letter}mul_pred_on.sum.per_cycle_elapsed",
        f"derived__smsp__sass_thread_inst_executed_op_{letter}fma_pred_on_x2",
    )
    for real, letter in (("float32", "f"), ("float64", "d"))
}


def profiling_command(ncu: str, page: Path, command: Sequence[str]) -> list[str]:
    """A command under ncu, from where it asks to be profiled.

    Clocks stay as they are: ncu would hold them at their base.
    """
    return [
        *(ncu, "--csv", "--page", "raw", "--print-units", "base"),
        *("--print-kernel-base", "function", "--log-file", str(page)),
        *("--clock-control", "none", "--profile-from-start", "off"),
        *(word for section in SECTIONS for word in ("--section", section)),
        *command,
    ]


def kernels_of(page: str) -> list[dict[str, Any]]:
    """Each kernel of a raw page, the one that took longest first.

    Returns
    -------
    Of each: ``kernel``, ``launches``, ``seconds`` of all of them, and as means over
    that time ``percent_of_peak`` by the names of `PEAKS`, ``bytes_per_s`` of memory
    and ``flops`` by precision, outside tensor cores; what the page lacks is left out
    """
    lines = [line for line in page.splitlines() if line.startswith('"')]
    rows = list(csv.DictReader(lines))
    if len(rows) < 2:
        return []
    units, *launches = rows
    second = TIMES[units[DURATION][:1]]
    found = {}
    for name in dict.fromkeys(row["Kernel Name"] for row in launches):
        own = [row for row in launches if row["Kernel Name"] == name]
        found[name] = _kernel(name, own, second)
    return sorted(found.values(), key=lambda kernel: -float(kernel["seconds"]))


def _kernel(name: str, rows: list[Row], second: float) -> dict[str, Any]:
    seconds = [second * (_number(row, DURATION) or 0.0) for row in rows]

    def mean(quantity: Callable[[Row], float | None]) -> float | None:
        found = [quantity(row) for row in rows]
        values = [value for value in found if value is not None]
        if len(values) < len(rows):
            return None
        weighted = sum(t * value for t, value in zip(seconds, values, strict=True))
        return weighted / max(sum(seconds), 1e-12)

    peaks = {short: mean(partial(_number, name=m)) for short, m in PEAKS.items()}
    flops = {real: mean(partial(_flops, names=n)) for real, n in OPERATIONS.items()}
    return {
        "kernel": name,
        "launches": len(rows),
        "seconds": sum(seconds),
        "percent_of_peak": {k: v for k, v in peaks.items() if v is not None},
        "bytes_per_s": mean(partial(_number, name=BYTES)),
        "flops": {k: v for k, v in flops.items() if v is not None},
    }


def _flops(row: Row, names: Sequence[str]) -> float | None:
    cycles, *each = (_number(row, name) for name in (CYCLES, *names))
    counts = [x for x in each if x is not None]
    return None if cycles is None or len(counts) < len(names) else cycles * sum(counts)


def _number(row: Row, name: str) -> float | None:
    """Of a column; None where there is none."""
    try:
        return float(row[name].replace(",", ""))
    except (KeyError, ValueError):
        return None
