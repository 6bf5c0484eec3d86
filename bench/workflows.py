"""``python -m bench.workflows``: inputs of DP-GEN, dpti and APEX on both engines.

Runs what these tools generate, unchanged, with deepmd-kit's plugin for LAMMPS, with
ours, and with deepmd-kit's on our library. Compares which structures DP-GEN selects,
model_devi.out, thermodynamic output. DP-GEN's iterations are timed in turns. Writes
JSON to bench/results.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from . import ratios
from .lammps import BUILDER
from .peers import call
from .progress import say
from .report_files import RESULTS, report_of
from .workflow_runs import Runner, generate, runners

VERSIONS = """
import importlib.metadata as m, sys
for n in sys.argv[1:]:
    try: print(n, m.version(n))
    except m.PackageNotFoundError: pass
"""
PACKAGES = ("dpgen", "dpdispatcher", "dpdata", "dpti", "apex-flow", "deepmd-kit")
Numbers = NDArray[np.float64]


def versions(*pythons: str) -> dict[str, str]:
    """Of the tools and of LAMMPS in these environments."""
    found: dict[str, str] = {}
    for python in pythons:
        said = call("versions", [python, "-c", VERSIONS, *PACKAGES], environment={})
        found |= dict(line.split(" ", 1) for line in said.splitlines())
    return found


def difference(found: Numbers, reference: Numbers) -> dict[str, float]:
    """Largest differences, and relative to the largest number of the column."""
    if found.shape != reference.shape:
        raise click.ClickException(f"{found.shape} numbers, not {reference.shape}")
    off = np.abs(found - reference)
    scale = np.abs(reference).max(axis=0)
    relative = off.max(axis=0) / np.where(scale > 0, scale, 1)
    return {"largest": float(off.max()), "of_the_column": float(relative.max())}


def dpgen(all_runners: list[Runner], python: str, folder: Path, rounds: int) -> Any:
    """Iterations in turns; what was selected must be the same in all rounds."""
    numbers = count()
    calls: dict[str, Callable[[], dict[str, Any]]] = {
        runner.name: lambda r=runner: r.iteration(  # type: ignore[misc]
            python, folder / f"dpgen{next(numbers)}"
        )
        for runner in all_runners
    }
    runs = ratios.take_turns(calls, rounds, "DP-GEN")
    first = next(iter(runs))
    reference = runs[first][0]
    entries = {}
    for name, each in runs.items():
        loop = [sum(run["loop"]) for run in each]
        deviations = each[0]["deviations"], reference["deviations"]
        base = [sum(run["loop"]) for run in runs[first]]
        entries[name] = {
            "loop_seconds": loop,
            "exploration_seconds": [run["seconds_of_exploration"] for run in each],
            "times_faster": ratios.ratio_by_round(base, loop),
            "frames": {kind: len(rows) for kind, rows in each[0]["judged"].items()},
            "same_judgement": [r["judged"] == reference["judged"] for r in each],
            "same_selection": [r["chosen"] == reference["chosen"] for r in each],
            "model_devi": difference(*deviations),
            "numbers": deviations[0].size,
            "numbers_that_differ": int((deviations[0] != deviations[1]).sum()),
        }
        say(f"{name}: {entries[name]}")
    return entries


def tasks(tool: str, all_runners: list[Runner], python: str, folder: Path) -> Any:
    """Each generated input once; differences from the first runner."""
    made = folder / tool
    names = generate(tool, python, made)
    found: dict[str, dict[str, Any]] = {}
    for runner in all_runners:
        own = shutil.copytree(made, folder / f"{tool} {runner.name}", symlinks=True)
        found[runner.name] = {str(name): runner.task(own / name) for name in names}
        say(f"{tool}: {runner.name}")
    first = found[all_runners[0].name]
    return {
        name: {
            task: {
                "thermo": [
                    difference(a, b)
                    for a, b in zip(run["thermo"], first[task]["thermo"], strict=True)
                ],
                "loop_seconds": sum(run["loop"]),
            }
            for task, run in each.items()
        }
        for name, each in found.items()
    }


@click.command(help=__doc__)
@click.option("--peer-python", required=True, help="Has deepmd-kit[lmp].")
@click.option("--lammps-python", default=sys.executable, help="Default: this one.")
@click.option("--dpgen-python", help="Has dpgen.")
@click.option("--dpti-python", help="Has dpti.")
@click.option("--apex-python", help="Has apex-flow.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(
    peer_python: str,
    lammps_python: str,
    dpgen_python: str | None,
    dpti_python: str | None,
    apex_python: str | None,
    rounds: int,
    output: str,
) -> None:
    ours, peer = map(os.path.abspath, (lammps_python, peer_python))
    tools = {"dpgen": dpgen_python, "dpti": dpti_python, "apex": apex_python}
    pythons = {tool: os.path.abspath(p) for tool, p in tools.items() if p}
    with report_of("bench.workflows", output) as (report, folder):
        report["versions"] = versions(peer, *pythons.values())
        plugin = folder / "plugin"
        code = f"import build; print(build.build({str(plugin)!r}))"
        call("plugin", [ours, "-c", code], BUILDER, environment={})
        command = [ours, "-m", "dpse_fast.cli", "library", "--deepmd", str(folder)]
        call("library", command, environment={})
        contenders = runners(ours, peer, plugin, folder / "libdeepmd_c.so")
        measure = {
            "dpgen": partial(dpgen, rounds=rounds),
            "dpti": partial(tasks, "dpti"),
            "apex": partial(tasks, "apex"),
        }
        for tool, python in pythons.items():
            report[tool] = measure[tool](contenders, python=python, folder=folder)


if __name__ == "__main__":
    main()
