"""The command line of the campaign."""

from __future__ import annotations

import argparse
import math
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from bench.machine import available_cores

from .registry import TARGETS
from .reliability import write_table
from .results_file import add_results, result_of
from .target import Outcome, Skipped, Target, outcome_of
from .workers import Tally, execute_all, peak_mib, start_of_worker


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m campaign", description=__doc__)
    parser.add_argument("--only", help=f"targets with commas: {', '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, help="for all targets  [10]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--full", action="store_true", help="by numbers of executions, not by minutes"
    )
    parser.add_argument("--count", type=int, help="executions of each target at most")
    parser.add_argument("--number", type=int, help="repeat this execution alone")
    parser.add_argument("--workers", type=int, default=available_cores())
    parser.add_argument(
        "--results", type=Path, help="JSON file that figures are put in"
    )
    parser.add_argument(
        "--report", type=Path, help="write the table of docs/reliability.md from JSON"
    )
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """1 if anything failed."""
    parser = arguments()
    asked = parser.parse_args(given)
    if asked.report:
        write_table(asked.report)
        return 0
    names = asked.only.split(",") if asked.only else list(TARGETS)
    if unknown := set(names) - TARGETS.keys():
        parser.error(f"--only: expected {', '.join(TARGETS)}, got {', '.join(unknown)}")
    targets = [TARGETS[name](asked.seed, asked.full) for name in names]
    if asked.number is not None:
        if len(targets) != 1:
            parser.error("--number: expected --only with one target")
        return repeat(targets[0], asked.number)
    minutes = asked.minutes
    if minutes is None:
        minutes = math.inf if asked.full or asked.count else 10.0
    failed = False
    for k, target in enumerate(targets):
        start = time.monotonic()
        share = target.share / sum(later.share for later in targets[k:])
        count = asked.count or (target.full if asked.full else None)
        print(f"{target.name}: …", flush=True)
        found = run(target, asked.workers, count, start + 60 * minutes * share)
        seconds = time.monotonic() - start
        minutes -= seconds / 60
        if isinstance(found, str):
            print(f"{target.name}: SKIPPED, {found}", flush=True)
        else:
            failed |= bool(found.failures)
            print(f"{target.name}: {summary(found)} in {seconds:.0f} s", flush=True)
        if asked.results:
            entry = result_of(target, found, seconds, asked.workers)
            add_results(asked.results, target.name, entry)
    return int(failed)


def run(target: Target, workers: int, count: int | None, end: float) -> Tally | str:
    """What a target found, or why it was skipped."""

    def say(number: int, text: str) -> None:
        more = " --full" if target.is_full else ""
        print(
            f"FAILURE --only {target.name} --seed {target.seed}{more} "
            f"--number {number}: {text}",
            flush=True,
        )

    with tempfile.TemporaryDirectory(prefix="campaign-") as name:
        folder = Path(name)
        shared = folder / "shared"
        shared.mkdir()
        try:
            target.prepare(shared)
        except Skipped as reason:
            return str(reason)
        return execute_all(target, folder, workers, count, end, say)


def repeat(target: Target, number: int) -> int:
    """Execute a number in this process; its files stay."""
    folder = Path(tempfile.mkdtemp(prefix=f"campaign-{target.name}-{number}-"))
    (folder / "shared").mkdir()
    try:
        target.prepare(folder / "shared")
    except Skipped as reason:
        print(f"{target.name}: SKIPPED, {reason}")
        return 0
    start_of_worker()
    found = outcome_of(target, number, folder)
    print(f"files: {folder}")
    if isinstance(found, Outcome):
        print(dict(found.counts), dict(found.figures))
        return 0
    traceback.print_exception(found)
    return 1


def summary(found: Tally) -> str:
    """One line."""
    counts = ", ".join(f"{found.counts[k]} {k}" for k in sorted(found.counts))
    figures = "".join(f"; {k} {v:.4g}" for k, v in sorted(found.figures.items()))
    return (
        f"{found.executions} executions: {counts}{figures}; "
        f"peak {peak_mib(found):.0f} MiB"
    )
