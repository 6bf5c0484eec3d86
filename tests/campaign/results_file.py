"""The figures of a campaign as JSON: each target's last run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.machine import describe_machine

from .target import Target
from .workers import Tally, peak_mib


def result_of(
    target: Target, found: Tally | str, seconds: float, workers: int
) -> dict[str, Any]:
    """The entry of a target; text says why it was skipped."""
    machine = describe_machine()
    entry: dict[str, Any] = {
        "seed": target.seed,
        "full": target.is_full,
        "workers": workers,
        "seconds": round(seconds, 1),
        "processor": machine["processor"],
        "versions": machine["versions"],
        "system": machine["system"],
    }
    if isinstance(found, str):
        return {**entry, "skipped": found}
    return {
        **entry,
        "executions": found.executions,
        "outcomes": dict(sorted(found.counts.items())),
        "figures": {k: round(v, 3) for k, v in sorted(found.figures.items())},
        "peak_mib": round(peak_mib(found), 1),
        "failures": found.listed_failures(),
    }


def add_results(path: Path, name: str, entry: dict[str, Any]) -> None:
    """Put a target's entry into the file, in place of an earlier one."""
    found = json.loads(path.read_text()) if path.exists() else {"targets": {}}
    found["targets"][name] = entry
    path.write_text(json.dumps(found, indent=1) + "\n")
