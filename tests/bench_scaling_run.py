"""What bench/workers/one_size.py prints, with numbers of our own."""

from __future__ import annotations


def run(atoms: int, seconds: float, peak: int | None) -> dict[str, object]:
    return {
        "atoms": atoms,
        "step_seconds": [seconds, 3 * seconds, 2 * seconds],
        "step_cpu_seconds": [4 * seconds],
        "first_seconds": 1.0,
        "rss_before_load_bytes": None if peak is None else 10**8,
        "rss_peak_bytes": peak,
    }
