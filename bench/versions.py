"""``python -m bench.versions --against PYTHON``: two dpse-fast in turns.

Both evaluate the same structure with the same model, a new neighbour list in every
call, round by round; then each is started anew, in turns, up to its first energy.
Ratios tell how many times faster this installation is. Writes JSON to bench/results.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

import dpse_fast

from . import ratios
from .comparison import differences
from .machine import describe_machine, slug, without_folders
from .npt import OTHER, THIS, WATER
from .other_work import OtherWork
from .progress import say
from .report_files import significant
from .startup import seconds_to_first_energy
from .system import first_frame, system_of
from .worker import Worker, WorkerError

RESULTS = Path(__file__).parent / "results"
CASES = (("double", 1), ("mixed", 1), ("single", 1), ("double", 2))  # and threads


class Contest:
    """Two installations and what both of them evaluate."""

    def __init__(
        self, pythons: dict[str, str], options: dict[str, Any], folder: Path
    ) -> None:
        self._pythons, self._options, self._folder = pythons, options, folder

    def worker(self, which: str, precision: str, threads: int) -> Worker:
        options = {**self._options, "precision": precision, "threads": threads}
        python = self._pythons[which]
        return Worker(f"{which}, {precision}", python, "ours.py", options, self._folder)

    def evaluations(self, precision: str, threads: int, rounds: int) -> dict[str, Any]:
        """Seconds by round, how far the numbers are apart, and the largest memory."""
        with ExitStack() as stack:
            workers = {
                which: stack.enter_context(self.worker(which, precision, threads))
                for which in (THIS, OTHER)
            }
            for worker in workers.values():
                worker.evaluate()  # compiles
            numbers = [worker.numbers() for worker in workers.values()]
            answers: dict[str, list[dict[str, float]]] = {THIS: [], OTHER: []}
            for k in range(rounds):
                for which in (THIS, OTHER)[:: 1 if k % 2 else -1]:
                    answers[which].append(workers[which].evaluate())
        seconds = {
            clock: {w: [a[clock] for a in each] for w, each in answers.items()}
            for clock in ("cpu", "wall")
        }
        return {
            "precision": precision,
            "threads": threads,
            "times_faster": {
                clock: ratios.ratio_by_round(each[OTHER], each[THIS])
                for clock, each in seconds.items()
            },
            "seconds": seconds,
            "differences": differences(*numbers),
            "bitwise_equal_forces": bool(
                np.array_equal(*(each["forces"] for each in numbers))
            ),
            "peak_bytes": {w: each[-1]["peak_bytes"] for w, each in answers.items()},
        }

    def first_energies(self, repeats: int) -> dict[str, Any]:
        """Seconds from the start of a process, with warm caches."""
        found: dict[str, list[float]] = {THIS: [], OTHER: []}
        for k in range(repeats):
            for which in (THIS, OTHER)[:: 1 if k % 2 else -1]:
                found[which].append(
                    seconds_to_first_energy(partial(self.worker, which, *CASES[0]))
                )
        return {
            "seconds": found,
            "times_faster": ratios.ratio_by_round(found[OTHER], found[THIS]),
        }


@click.command(help=__doc__)
@click.option("--against", required=True, metavar="PYTHON", help="Of the other one.")
@click.option("-m", "--model", help="Default: the embedded one.")
@click.option("--structure", default=str(WATER), help="Periodic; default: water.")
@click.option("--atoms", default=5184, show_default=True, help="About how many.")
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1))
@click.option("--starts", default=5, show_default=True, type=click.IntRange(1))
@click.option("--tol", default=1e-5, show_default=True, metavar="EV/Å")
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(
    against: str,
    model: str | None,
    structure: str,
    atoms: int,
    rounds: int,
    starts: int,
    tol: float,
    output: str,
) -> None:
    potential = dpse_fast.load(model)
    system = system_of(first_frame(structure, potential), potential, atoms)
    report: dict[str, Any] = {
        "command": without_folders(["python -m bench.versions", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": describe_machine(),
        "atoms": len(system.positions),
    }
    try:
        with tempfile.TemporaryDirectory() as temporary, OtherWork() as others:
            folder = Path(temporary)
            options = {
                "structure": system.save(folder / "structure.npz"),
                "model": os.path.abspath(model) if model else None,
                "tol": tol,
            }
            contest = Contest({THIS: sys.executable, OTHER: against}, options, folder)
            report["evaluations"] = []
            for precision, threads in CASES:
                found = contest.evaluations(precision, threads, rounds)
                report["evaluations"].append(found)
                say(f"{precision}, {threads} threads: {found['times_faster']}")
            report["first_energy"] = contest.first_energies(starts)
            say(f"first energy: {report['first_energy']['times_faster']}")
    except WorkerError as error:
        raise click.ClickException(str(error)) from None
    report["other_work_cores"] = others.cores
    name = f"{slug(report['machine']['processor'])}-{report['date']}-versions.json"
    target = Path(output) / name
    target.write_text(json.dumps(significant(report), indent=1) + "\n")
    say(f"wrote {target.name}")


if __name__ == "__main__":
    main()
