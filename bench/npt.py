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
from .versions import OTHER, THIS, contest_of, options, pythons
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
    against: str | None,
    blocks: int,
    steps: int,
    skin: float,
    threads: int,
    precision: str,
    seed: int,
    **given: Any,
) -> None:
    common: dict[str, Any] = {"threads": threads, "precision": precision}
    facts: dict[str, Any] = {
        "steps_of_a_block": steps,
        "timestep_fs": TIMESTEP,
        "skin_angstrom": skin,
    }
    facts |= {"steps": blocks * steps, **common}
    dynamics: dict[str, Any] = {
        "skin": skin,
        "steps": steps,
        "seed": seed,
        "timestep": TIMESTEP,
    }
    dynamics |= common
    with contest_of("bench.npt", **facts, **given) as (report, contest):
        with ExitStack() as stack:
            calls = {
                name: stack.enter_context(
                    contest.worker(name, "npt.py", python, **dynamics)
                ).evaluate
                for name, python in pythons(against).items()
            }
            answers = ratios.take_turns(calls, blocks, "blocks")
        volume = abs(float(np.linalg.det(contest.system.cell)))
        for name, each in answers.items():
            report[name] = entry(each, steps, volume)
        if against:
            both = answers[OTHER], answers[THIS]
            report["times_faster"] = ratios.times_faster(*both)


if __name__ == "__main__":
    main()
