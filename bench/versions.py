"""``python -m bench.versions --against PYTHON``: two dpse-fast in turns.

Both evaluate the same structure with the same model, a new neighbour list in every
call, round by round; then each is started anew, in turns, up to its first energy.
Ratios tell how many times faster this installation is. Writes JSON to bench/results.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from . import ratios
from .comparison import Contest, differences
from .progress import say
from .report_files import RESULTS, report_of
from .startup import seconds_to_first_energy
from .system import system_named
from .worker import Worker

WATER = Path(__file__).parents[1] / "examples" / "water.xyz"
CASES = (("double", 1), ("mixed", 1), ("single", 1), ("double", 2))  # and threads
THIS, OTHER = "this", "against"


def pythons(against: str | None) -> dict[str, str]:
    """The interpreter of each installation."""
    return {THIS: sys.executable} | ({OTHER: against} if against else {})


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Those of `bench.versions` and of `bench.npt`."""
    for option in (
        click.option("-m", "--model", help="Default: the embedded one."),
        click.option("--structure", default=str(WATER), help="Default: water."),
        click.option("--tol", default=1e-5, show_default=True, metavar="EV/Å"),
        click.option("--output", default=str(RESULTS), help="Folder."),
    ):
        command = option(command)
    return command


@contextmanager
def contest_of(
    module: str,
    model: str | None,
    structure: str,
    atoms: int,
    tol: float,
    output: str,
    **facts: Any,
) -> Iterator[tuple[dict[str, Any], Contest]]:
    """A report, see `report_of`, and what is evaluated for it, by `options`."""
    system = system_named(structure, model, atoms)
    facts["atoms"] = len(system.types)
    with report_of(module, output, **facts) as (report, folder):
        yield report, Contest(system, model, tol, folder)


Starts = dict[str, Callable[[], Worker]]


def starts_of(contest: Contest, against: str, precision: str, threads: int) -> Starts:
    """What starts each installation."""
    return {
        name: partial(
            contest.worker,
            f"{name}, {precision}",
            python=python,
            precision=precision,
            threads=threads,
        )
        for name, python in pythons(against).items()
    }


def evaluations(starts: Starts, rounds: int) -> dict[str, Any]:
    """Seconds by round, how far the numbers are apart, and the largest memory."""
    with ExitStack() as stack:
        workers = {name: stack.enter_context(s()) for name, s in starts.items()}
        for worker in workers.values():
            worker.evaluate()  # compiles
        numbers = [worker.numbers() for worker in workers.values()]
        calls = {name: worker.evaluate for name, worker in workers.items()}
        answers = ratios.take_turns(calls, rounds, "evaluations")
    clocks = {name: ratios.by_clock(each) for name, each in answers.items()}
    return {
        "times_faster": ratios.times_faster(answers[OTHER], answers[THIS]),
        "seconds": {
            clock: {name: each[clock] for name, each in clocks.items()}
            for clock in ("cpu", "wall")
        },
        "differences": differences(*numbers),
        "bitwise_equal_forces": bool(
            np.array_equal(*(each["forces"] for each in numbers))
        ),
        "peak_bytes": {name: each[-1]["peak_bytes"] for name, each in answers.items()},
    }


def first_energies(starts: Starts, repeats: int) -> dict[str, Any]:
    """Seconds from the start of a process, with warm caches."""
    calls = {name: partial(seconds_to_first_energy, s) for name, s in starts.items()}
    found = ratios.take_turns(calls, repeats, "first energy")
    faster = ratios.ratio_by_round(found[OTHER], found[THIS])
    return {"seconds": found, "times_faster": faster}


@click.command(help=__doc__)
@options
@click.option("--against", required=True, metavar="PYTHON", help="Of the other one.")
@click.option("--atoms", default=5184, show_default=True, help="About how many.")
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1))
@click.option("--starts", default=5, show_default=True, type=click.IntRange(1))
def main(against: str, rounds: int, starts: int, **given: Any) -> None:
    with contest_of("bench.versions", evaluations=[], **given) as (report, contest):
        for precision, threads in CASES:
            found = evaluations(starts_of(contest, against, precision, threads), rounds)
            case = {"precision": precision, "threads": threads}
            report["evaluations"].append({**case, **found})
            say(f"{precision}, {threads} threads: {found['times_faster']}")
        starting = starts_of(contest, against, *CASES[0])
        report["first_energy"] = first_energies(starting, starts)
        say(f"first energy: {report['first_energy']['times_faster']}")


if __name__ == "__main__":
    main()
