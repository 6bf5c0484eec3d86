"""Kernels by Nsight Compute: shares of the card's peaks, bytes and operations a second.

The sections SpeedOfLight and SpeedOfLight_RooflineChart as a raw CSV page: a line of
names, one of units, then one for each launch of a kernel
(https://docs.nvidia.com/nsight-compute/NsightComputeCli).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    rows = list(csv.DictReader(x for x in page.splitlines() if x.startswith('"')))
    found = []
    for name in dict.fromkeys(row["Kernel Name"] for row in rows[1:]):
        own = [_numbers(row) for row in rows[1:] if row["Kernel Name"] == name]
        found.append({"kernel": name, **_kernel(own, TIMES[rows[0][DURATION][:1]])})
    return sorted(found, key=lambda kernel: -float(kernel["seconds"]))


def _numbers(row: dict[str, str]) -> dict[str, float]:
    """The columns that are numbers, and operations a second by precision."""
    found = {}
    for name, text in row.items():
        try:
            found[name] = float(text.replace(",", ""))
        except ValueError:
            continue
    for real, names in OPERATIONS.items():
        if found.keys() >= {CYCLES, *names}:
            found[real] = found[CYCLES] * sum(found[name] for name in names)
    return found


def _kernel(rows: list[dict[str, float]], second: float) -> dict[str, Any]:
    seconds = [second * row[DURATION] for row in rows]

    def means(names: dict[str, str]) -> dict[str, float]:
        """Over the time of all launches, of what all of them have."""
        return {
            key: sum(t * row[name] for t, row in zip(seconds, rows, strict=True))
            / max(sum(seconds), 1e-12)
            for key, name in names.items()
            if all(name in row for row in rows)
        }

    return {
        "launches": len(rows),
        "seconds": sum(seconds),
        "percent_of_peak": means(PEAKS),
        "bytes_per_s": means({"bytes": BYTES}).get("bytes"),
        "flops": means({real: real for real in OPERATIONS}),
    }
