"""Time and memory from a thousand to a million atoms, a fresh process each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .machine import available_memory
from .progress import say
from .ratios import growth, median, power_law
from .worker import SCRIPTS

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MOST_SECONDS = 400
BYTES_PER_ATOM = 3000  # what a run may need at most before it is tried


def sizes_up_to(largest: float) -> list[int]:
    """Powers of ten, and the largest itself."""
    below = [n for n in SIZES if n < 0.99 * largest]
    return [*below, round(largest)]


def steps_for(n_atoms: int) -> int:
    """Counted steps: enough to take a median of, few where each takes long."""
    return min(max(300_000 // n_atoms, 2), 20)


def run_one(options: Mapping[str, Any]) -> dict[str, Any]:
    """One size in a process of its own; what failed is an ``error`` in its place."""
    command = [sys.executable, str(SCRIPTS / "one_size.py"), json.dumps(options)]
    failed = {"atoms_asked_for": options["atoms"], "precision": options["precision"]}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=MOST_SECONDS
        )
    except subprocess.TimeoutExpired:
        return {**failed, "error": f"took more than {MOST_SECONDS} s"}
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        return {**failed, "error": words[-1]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def summarise(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Exponent of the time of a step, µs and bytes per atom of every size."""
    sizes = [run["atoms"] for run in runs]
    seconds = [median(run["step_seconds"]) for run in runs]
    cpu = [median(run["step_cpu_seconds"]) for run in runs]
    rows = []
    for run, n, each, used in zip(runs, sizes, seconds, cpu, strict=True):
        row = {"atoms": n, "seconds_per_step": each, "us_per_atom": 1e6 * each / n}
        row["cpu_us_per_atom"] = 1e6 * used / n
        row["first_seconds"] = run["first_seconds"]
        if run["rss_peak_bytes"] is not None:
            own = run["rss_peak_bytes"] - run["rss_before_load_bytes"]
            row |= {"peak_bytes": run["rss_peak_bytes"], "own_bytes": own}
            row["own_bytes_per_atom"] = own / n
        rows.append(row)
    own = [row["own_bytes"] for row in rows if "own_bytes" in row]
    return {
        "sizes": rows,
        "time": power_law(sizes, seconds),
        "cpu_time": power_law(sizes, cpu),
        "bytes_per_added_atom": growth(sizes, own) if len(own) == len(sizes) else None,
    }


def measure_scaling(
    precisions: Sequence[str],
    largest: float,
    threads: int,
    model: str | None,
    tol: float,
    structure: str | None,
) -> dict[str, Any]:
    """Steps of molecular dynamics (skin 1 Å) on all threads, size by size."""
    runs: list[dict[str, Any]] = []
    notes = []
    for n in sizes_up_to(largest):
        room = available_memory()
        if room is not None and BYTES_PER_ATOM * n > room:
            notes.append(f"{n} atoms: not tried, {room >> 20} MiB of memory are free")
            say(notes[-1])
            continue
        for precision in precisions:
            say(f"scaling: {n} atoms, {precision}")
            options = {"atoms": n, "steps": steps_for(n), "precision": precision}
            options |= {"threads": threads, "model": model, "tol": tol}
            runs.append(run_one({**options, "structure": structure}))
            if "error" in runs[-1]:
                notes.append(f"{n} atoms, {precision}: {runs[-1]['error']}")
                say(notes[-1])
    good = [run for run in runs if "error" not in run]
    return {
        "threads": threads,
        "precisions": {
            p: summarise([run for run in good if run["precision"] == p])
            for p in precisions
        },
        "notes": notes,
        "runs": runs,
    }
