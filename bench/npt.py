"""``python -m bench.npt``: molecular dynamics at constant pressure, step by step.

ASE moves water by Martyna, Tobias and Klein's equations at the pressure of the first
frame, so that the cell changes at every step. Reports seconds of a step, how often the
neighbour list was built, and how far the forces of a frame are from those of a fresh
evaluation. Another installation of dpse-fast takes turns with this one, block by block
of steps from the same start. Writes JSON to bench/results.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import click
import numpy as np

from . import ratios
from .comparison import Contest
from .report_files import report_of
from .system import system_named
from .versions import OTHER, THIS, options, pythons
from .worker import Answer

TIMESTEP = 0.5  # fs


def entry(answers: list[Answer], steps: int, volume: float) -> dict[str, Any]:
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
    for clock, seconds in ratios.by_clock(answers).items():
        each = [1e3 * x / steps for x in seconds]
        found[f"{clock}_ms_per_step"] = {
            "median": ratios.median(each),
            "lowest": min(each),
            "blocks": each,
        }
    return found


@click.command(help=__doc__)
@options
@click.option("--against", metavar="PYTHON", help="Has another dpse-fast, and ASE.")
@click.option("--atoms", default=1536, show_default=True, help="About how many.")
@click.option("--blocks", default=20, show_default=True, type=click.IntRange(1))
@click.option(
    "--steps", default=50, show_default=True, type=click.IntRange(1), help="Of a block."
)
@click.option("--skin", default=1.0, show_default=True, help="Å")
@click.option("--threads", default=2, show_default=True)
@click.option("--precision", default="double", show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the velocities.")
def main(
    model: str | None,
    structure: str,
    against: str | None,
    atoms: int,
    blocks: int,
    steps: int,
    tol: float,
    output: str,
    seed: int,
    **dynamics: Any,
) -> None:
    system = system_named(structure, model, atoms)
    facts = {
        "atoms": len(system.positions),
        "steps": blocks * steps,
        "steps_of_a_block": steps,
        "timestep_fs": TIMESTEP,
        "skin_angstrom": dynamics["skin"],
        "threads": dynamics["threads"],
        "precision": dynamics["precision"],
    }
    dynamics |= {"steps": steps, "seed": seed, "timestep": TIMESTEP}
    with report_of("bench.npt", output, **facts) as (report, folder):
        contest = Contest(system, model, tol, folder)
        with ExitStack() as stack:
            calls = {
                name: stack.enter_context(
                    contest.worker(name, "npt.py", python, **dynamics)
                ).evaluate
                for name, python in pythons(against).items()
            }
            answers = ratios.take_turns(calls, blocks, "blocks")
        volume = abs(float(np.linalg.det(system.cell)))
        for name, each in answers.items():
            report[name] = entry(each, steps, volume)
        if against:
            faster = ratios.times_faster(answers[OTHER], answers[THIS])
            report["times_faster"] = faster


if __name__ == "__main__":
    main()
