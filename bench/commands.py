"""``python -m bench.commands``: our test and model-devi against deepmd-kit's.

Whole commands with one thread, in turns, start-up and reading included, each in its own
environment. What they print and write is compared: at tolerance 0 every digit of the
errors, and of the deviations. Writes JSON to bench/results.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from . import ratios
from .report_files import RESULTS, report_of
from .worker import peer_environment

PEER = "deepmd-kit"
TOLERANCES = {"dpse-fast, tol 0": 0.0, "dpse-fast": 1e-5}
ERROR = re.compile(r"(\w+ +R?M[SA]+E\S*) +: (\S+) eV")
MOST_SECONDS = 1200


def timed(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    """CPU and wall seconds of a command, and what it said.

    Files that an earlier round wrote are removed: deepmd-kit appends to them.

    Raises
    ------
    click.ClickException
        If it fails.
    """
    for file in folder.glob("*.out"):
        file.unlink()
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode:
        raise click.ClickException(f"{command[0]}: {done.stdout[-1000:]}")
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    written = {file.name: file.read_text() for file in folder.glob("*.out")}
    return {"cpu": cpu, "wall": wall, "said": done.stdout, "written": written}


def table_of(answer: Mapping[str, Any]) -> Any:
    """The numbers of model_devi.out, without the column of steps."""
    return np.loadtxt(answer["written"]["model_devi.out"].splitlines())[:, 1:]


@click.command()
@click.option("-m", "--models", multiple=True, required=True, help="Of a committee.")
@click.option("-s", "--system", required=True, help="A npy system with labels.")
@click.option("--peer-python", required=True, help="Of deepmd-kit's environment.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--output", default=str(RESULTS), show_default=True)
def main(
    models: tuple[str, ...], system: str, peer_python: str, rounds: int, output: str
) -> None:
    """Errors of the first model, and deviations of all, on one system."""
    files = [str(Path(one).resolve()) for one in models]
    place = str(Path(system).resolve())
    frames = [np.load(one) for one in sorted(Path(place).glob("set.*/energy.npy"))]
    facts: dict[str, Any] = {
        "models": [Path(one).name for one in files],
        "frames": sum(map(len, frames)),
        "atoms": len((Path(place) / "type.raw").read_text().split()),
        "threads": 1,
    }
    dp = [str(Path(peer_python).parent / "dp")]
    ours = [sys.executable, "-m", "dpse_fast.cli"]
    with report_of("bench.commands", output, **facts) as (report, folder):
        measured = partial(_turns, dp, ours, folder, rounds)
        arguments = ["-m", files[0], "-s", place]
        answers = measured("test", [*arguments, "-d", "details"])
        errors = {
            name: ERROR.findall(each[0]["said"]) for name, each in answers.items()
        }
        report["test"] = {
            name: {
                **_times(answers, name),
                "errors": dict(errors[name]),
                "prints_the_same": errors[name] == errors[PEER],
            }
            for name in answers
        }
        answers = measured("model-devi", ["-m", *files, "-s", place])
        first = {name: each[0] for name, each in answers.items()}
        reference = table_of(first[PEER])
        report["model-devi"] = {
            name: {
                **_times(answers, name),
                "writes_the_same": each["written"] == first[PEER]["written"],
                "largest_relative_difference": float(
                    np.abs(table_of(each) / reference - 1).max()
                ),
            }
            for name, each in first.items()
        }


def _turns(
    dp: list[str],
    ours: list[str],
    folder: Path,
    rounds: int,
    command: str,
    arguments: list[str],
) -> dict[str, list[dict[str, Any]]]:
    theirs = {**os.environ, **peer_environment(1)}
    calls = {
        PEER: partial(timed, [*dp, command, *arguments], theirs, folder),
    }
    for name, tolerance in TOLERANCES.items():
        more = ["--threads", "1", "--tol", str(tolerance)]
        call = [*ours, command, *arguments, *more]
        calls[name] = partial(timed, call, dict(os.environ), folder)
    return ratios.take_turns(calls, rounds, command)


def _times(answers: Mapping[str, list[dict[str, Any]]], name: str) -> dict[str, Any]:
    each = answers[name]
    seconds = ratios.by_clock(each)
    return {
        "seconds": {clock: ratios.median(values) for clock, values in seconds.items()},
        "times_faster": ratios.times_faster(answers[PEER], each),
        "rounds": seconds,
    }


if __name__ == "__main__":
    main()
