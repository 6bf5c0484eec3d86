"""Time and memory from a thousand to a million atoms, a fresh process each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .comparison import Contest
from .machine import available_memory
from .progress import say
from .ratios import growth, median, power_law
from .worker import WorkerError

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


def run_one(contest: Contest, atoms: int, precision: str, **options: Any) -> Any:
    """One size in a process of its own; what failed is an ``error`` in its place."""
    options |= {"atoms": atoms, "precision": precision}
    name = f"{atoms} atoms, {precision}"
    say(f"scaling: {name}")
    try:
        with contest.worker(name, "one_size.py", **options) as worker:
            return worker.evaluate(MOST_SECONDS)
    except WorkerError as error:
        say(str(error))
        return {"atoms_asked_for": atoms, "precision": precision, "error": str(error)}


def summarise(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Exponent of the time of a step, µs and bytes per atom of every size."""
    rows = []
    for run in runs:
        n, peak = run["atoms"], run["rss_peak_bytes"]
        wall, cpu = median(run["step_seconds"]), median(run["step_cpu_seconds"])
        row = {"atoms": n, "seconds_per_step": wall, "us_per_atom": 1e6 * wall / n}
        row |= {"cpu_us_per_atom": 1e6 * cpu / n, "first_seconds": run["first_seconds"]}
        if peak is not None:
            own = peak - run["rss_before_load_bytes"]
            row |= {"peak_bytes": peak, "own_bytes": own, "own_bytes_per_atom": own / n}
        rows.append(row)
    sizes = [row["atoms"] for row in rows]
    clocks = {"time": "step_seconds", "cpu_time": "step_cpu_seconds"}
    bytes_of_all = [row["own_bytes"] for row in rows if "own_bytes" in row]
    known = len(bytes_of_all) == len(sizes)
    return {
        "sizes": rows,
        **{
            name: power_law(sizes, [median(run[seconds]) for run in runs])
            for name, seconds in clocks.items()
        },
        "bytes_per_added_atom": growth(sizes, bytes_of_all) if known else None,
    }


def measure_scaling(
    contest: Contest,
    precisions: Sequence[str],
    largest: float,
    threads: int,
    structure: str | None,
) -> dict[str, Any]:
    """Steps of molecular dynamics (skin 1 Å) on all threads, size by size.

    Parameters
    ----------
    structure : trajectory file of a cell to copy, or None for water
    """
    runs: list[dict[str, Any]] = []
    notes = []
    for n in sizes_up_to(largest):
        room = available_memory()
        if room is not None and BYTES_PER_ATOM * n > room:
            notes.append(f"{n} atoms: not tried, {room >> 20} MiB of memory are free")
            say(notes[-1])
            continue
        options = {"threads": threads, "structure": structure, "steps": steps_for(n)}
        runs += [run_one(contest, n, precision, **options) for precision in precisions]
    good = [run for run in runs if "error" not in run]
    return {
        "threads": threads,
        "precisions": {
            p: summarise([run for run in good if run["precision"] == p])
            for p in precisions
        },
        "notes": notes + [run["error"] for run in runs if "error" in run],
        "runs": runs,
    }
