"""``python -m bench.npt``: molecular dynamics at constant pressure, step by step.

ASE moves water by Martyna, Tobias and Klein's equations at the pressure of the first
frame, so that the cell changes at every step. Reports seconds of a step, how often the
neighbour list was built, and how far the forces of a frame are from those of a fresh
evaluation. Another installation of dpse-fast takes turns with this one, block by block
of steps from the same start. Writes JSON to bench/results.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np

import dpse_fast

from . import ratios
from .machine import describe_machine, slug, without_folders
from .other_work import OtherWork
from .progress import say
from .report_files import significant
from .system import first_frame, system_of
from .worker import Worker, WorkerError

HERE = Path(__file__).parent
WATER = HERE.parent / "examples" / "water.xyz"
THIS, OTHER = "this", "against"
TIMESTEP = 0.5  # fs

Answers = list[dict[str, Any]]


def entry(answers: Answers, steps: int, volume: float) -> dict[str, Any]:
    """What blocks of so many steps say.

    Parameters
    ----------
    volume : Å³, at the start
    """
    last = answers[-1]
    found: dict[str, Any] = {
        "version": last["version"],
        "commit": last["commit"],
        "list_builds": last["builds"],
        "steps_per_build": steps * len(answers) / last["builds"],
        "force_difference_at_end_ev_per_angstrom": last["largest_force_difference"],
        "largest_force_difference_ev_per_angstrom": max(
            answer["largest_force_difference"] for answer in answers
        ),
        "energy_at_end_ev": last["energy"],
        "volume_strain_by_block": [answer["volume"] / volume - 1 for answer in answers],
    }
    for clock in ("wall", "cpu"):
        each = [1e3 * answer[clock] / steps for answer in answers]
        found[f"{clock}_ms_per_step"] = {
            "median": ratios.median(each),
            "lowest": min(each),
            "blocks": each,
        }
    return found


def times_faster(this: Answers, other: Answers) -> dict[str, Any]:
    """Of this installation, by blocks that were run in turns."""
    return {
        clock: ratios.ratio_by_round(
            [answer[clock] for answer in other], [answer[clock] for answer in this]
        )
        for clock in ("wall", "cpu")
    }


def take_turns(workers: Sequence[Worker], blocks: int) -> dict[str, Answers]:
    """The answers of each, by its name."""
    found: dict[str, Answers] = {worker.name: [] for worker in workers}
    for k in range(blocks):
        for worker in workers[:: 1 if k % 2 else -1]:
            answer: dict[str, Any] = worker.evaluate()
            found[worker.name].append(answer)
            say(
                f"block {k + 1} of {blocks}, {worker.name}: {answer['wall']:.1f} s, "
                f"{answer['builds']} lists so far"
            )
    return found


@click.command(help=__doc__)
@click.option("-m", "--model", help="Default: the embedded one.")
@click.option("--structure", default=str(WATER), help="Periodic; default: water.")
@click.option("--against", metavar="PYTHON", help="Has another dpse-fast, and ASE.")
@click.option("--atoms", default=1536, show_default=True, help="About how many.")
@click.option("--blocks", default=20, show_default=True, type=click.IntRange(1))
@click.option(
    "--steps", default=50, show_default=True, type=click.IntRange(1), help="Of a block."
)
@click.option("--skin", default=1.0, show_default=True, help="Å")
@click.option("--threads", default=2, show_default=True)
@click.option("--precision", default="double", show_default=True)
@click.option("--tol", default=1e-5, show_default=True, metavar="EV/Å")
@click.option("--seed", default=1, show_default=True, help="Of the velocities.")
@click.option("--output", default=str(HERE / "results"), help="Folder.")
def main(
    model: str | None,
    structure: str,
    against: str | None,
    atoms: int,
    blocks: int,
    steps: int,
    skin: float,
    threads: int,
    precision: str,
    tol: float,
    seed: int,
    output: str,
) -> None:
    potential = dpse_fast.load(model)
    frame = first_frame(structure, potential)
    system = system_of(frame, potential, atoms)
    pythons = {THIS: sys.executable} | ({OTHER: against} if against else {})
    report: dict[str, Any] = {
        "command": without_folders(["python -m bench.npt", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "machine": describe_machine(),
        "atoms": len(system.positions),
        "steps": blocks * steps,
        "steps_of_a_block": steps,
        "timestep_fs": TIMESTEP,
        "skin_angstrom": skin,
        "threads": threads,
        "precision": precision,
    }
    try:
        with tempfile.TemporaryDirectory() as temporary, OtherWork() as others:
            folder = Path(temporary)
            options = {
                "structure": system.save(folder / "structure.npz"),
                "model": os.path.abspath(model) if model else None,
                **{"precision": precision, "threads": threads, "tol": tol},
                **{"skin": skin, "steps": steps, "seed": seed, "timestep": TIMESTEP},
            }
            with ExitStack() as stack:
                workers = [
                    stack.enter_context(Worker(name, python, "npt.py", options, folder))
                    for name, python in pythons.items()
                ]
                answers = take_turns(workers, blocks)
    except WorkerError as error:
        raise click.ClickException(str(error)) from None
    volume = abs(float(np.linalg.det(system.cell)))
    for name, each in answers.items():
        report[name] = entry(each, steps, volume)
    if against:
        report["times_faster"] = times_faster(answers[THIS], answers[OTHER])
    report["other_work_cores"] = others.cores
    name = f"{slug(report['machine']['processor'])}-{report['date']}-npt.json"
    target = Path(output) / name
    target.write_text(json.dumps(significant(report), indent=1) + "\n")
    say(f"wrote {target.name}")


if __name__ == "__main__":
    main()
