"""``python -m bench.workflows``: inputs of DP-GEN, dpti and APEX on both engines.

Runs what these tools generate, unchanged, with deepmd-kit's plugin for LAMMPS, with
ours, and with deepmd-kit's on our library. Compares which structures DP-GEN selects,
model_devi.out, thermodynamic output. DP-GEN's iterations are timed in turns. Writes
JSON to bench/results.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
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
from .workflow_runs import Runner, digest, generate, runners

VERSIONS = """
import importlib.metadata as m, sys
for n in sys.argv[1:]:
    try: print(n, m.version(n))
    except m.PackageNotFoundError: pass
"""
PACKAGES = ("dpgen", "dpti", "apex-flow", "phonoLAMMPS", "deepmd-kit", "lammps")
Numbers = NDArray[np.float64]
Reference = dict[str, Any]  # arrays and texts of the first runner


def versions(pythons: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Of the tools and of LAMMPS in each environment."""
    found = {}
    for name, python in pythons.items():
        said = call("versions", [python, "-c", VERSIONS, *PACKAGES], environment={})
        found[name] = dict(line.split(" ", 1) for line in said.splitlines())
    return found


def difference(found: Numbers, reference: Numbers) -> dict[str, float]:
    """Largest differences, and relative to the largest number of the column."""
    if found.shape != reference.shape:
        raise click.ClickException(f"{found.shape} numbers, not {reference.shape}")
    off = np.abs(found - reference)
    scale = np.abs(reference).max(axis=0)
    relative = off.max(axis=0) / np.where(scale > 0, scale, 1)
    return {"largest": float(off.max()), "of_the_column": float(relative.max())}


def dpgen(
    all_runners: list[Runner],
    python: str,
    folder: Path,
    rounds: int,
    beads: int | None,
    kept: Reference,
) -> dict[str, Any]:
    """Iterations in turns, compared with the first of the first runner."""
    numbers, name_of_all = count(), "dpgen-beads" if beads else "dpgen"
    calls: dict[str, Callable[[], dict[str, Any]]] = {
        runner.name: lambda r=runner: r.iteration(  # type: ignore[misc]
            python, folder / f"dpgen{next(numbers)}", beads
        )
        for runner in all_runners
    }
    runs = ratios.take_turns(calls, rounds, "DP-GEN")
    first = next(iter(runs))
    reference = runs[first][0]
    kept[f"{name_of_all}/deviations"] = reference["deviations"]
    kept[f"{name_of_all}/judged"] = json.dumps(reference["judged"])
    kept[f"{name_of_all}/chosen"] = json.dumps(reference["chosen"])
    kept[f"{name_of_all}/inputs"] = digest(folder / "dpgen0")
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


def tasks(
    tool: str, all_runners: list[Runner], python: str, folder: Path, kept: Reference
) -> dict[str, Any]:
    """Each generated input once, at tol 0; differences from the first runner."""
    made = folder / tool
    names = generate(tool, python, made)
    if not names:
        raise click.ClickException(f"{tool} made no task")
    found: dict[str, dict[str, Any]] = {}
    exact = [r for r in all_runners[1:] if r.environment.get("DPSE_TOL") == "0"]
    for runner in [all_runners[0], *exact]:
        own = shutil.copytree(made, folder / f"{tool} {runner.name}", symlinks=True)
        found[runner.name] = {str(name): runner.task(own / name) for name in names}
        say(f"{tool}: {runner.name}")
    first = found[all_runners[0].name]
    for name in names:
        kept[f"{tool}/{name}/inputs"] = digest(made / name)
        kept[f"{tool}/{name}/thermo"] = np.concatenate(first[str(name)]["thermo"])
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
@click.option("--beads", type=int, help="DP-GEN with path integrals of so many.")
@click.option("--reference", help="Adds deepmd-kit's numbers to this .npz.")
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(
    peer_python: str,
    lammps_python: str,
    dpgen_python: str | None,
    dpti_python: str | None,
    apex_python: str | None,
    rounds: int,
    beads: int | None,
    reference: str | None,
    output: str,
) -> None:
    kept: Reference = {}
    ours, peer = map(os.path.abspath, (lammps_python, peer_python))
    tools = {"dpgen": dpgen_python, "dpti": dpti_python, "apex": apex_python}
    pythons = {tool: os.path.abspath(p) for tool, p in tools.items() if p}
    with report_of("bench.workflows", output) as (report, folder):
        report["versions"] = versions({"peer": peer, "ours": ours, **pythons})
        plugin = folder / "plugin"
        code = f"import build; print(build.build({str(plugin)!r}))"
        call("plugin", [ours, "-c", code], BUILDER, environment={})
        command = [ours, "-m", "dpse_fast.cli", "library", "--deepmd", str(folder)]
        call("library", command, environment={})
        contenders = runners(ours, peer, plugin, folder / "libdeepmd_c.so")
        for tool, python in pythons.items():
            measure = (
                partial(dpgen, rounds=rounds, beads=beads)
                if tool == "dpgen"
                else partial(tasks, tool)
            )
            report[tool] = measure(contenders, python=python, folder=folder, kept=kept)
    if reference:
        before = dict(np.load(reference)) if Path(reference).exists() else {}
        np.savez_compressed(reference, **before | kept)


if __name__ == "__main__":
    main()
