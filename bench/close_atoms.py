"""``python -m bench.close_atoms``: what atoms closer than certified cost.

Molecules of water are squeezed at random until a part of all atoms has a neighbour
closer than the plan is certified for, as in a collision cascade. Times of evaluations
of these boxes, in turns, as ratios to the box as it is; and how far forces are from
those of exact tables. Writes JSON to bench/results.
"""

from __future__ import annotations

import time
import warnings
from functools import partial
from typing import Any

import click
import numpy as np

import dpse_fast
from dpse_fast.cli.replicated_box import replicated, water_cell
from dpse_fast.trajectory import model_types

from . import ratios
from .progress import say
from .report_files import RESULTS, report_of

PARTS = (0.0, 0.001, 0.01, 0.1)  # of the molecules
SQUEEZED = 0.75  # of the bonds of a molecule
NONE, EXACT = "0 of the molecules", "tol=0, as it is"


def squeezed(
    positions: np.ndarray, part: float, rng: np.random.Generator
) -> np.ndarray:
    """Positions (N, 3) of water, O H H, with some molecules drawn together."""
    found = positions.copy()
    n = len(positions) // 3
    for k in rng.choice(n, round(part * n), replace=False):
        oxygen = found[3 * k]
        found[3 * k : 3 * k + 3] = oxygen + SQUEEZED * (
            found[3 * k : 3 * k + 3] - oxygen
        )
    return found


@click.command(help=__doc__)
@click.option("--atoms", default=5184, show_default=True, help="About how many.")
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(1))
@click.option("--precision", default="double", show_default=True)
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(atoms: int, rounds: int, precision: str, output: str) -> None:
    warnings.simplefilter("ignore")
    box = replicated(water_cell(), atoms)
    potential = dpse_fast.load(precision=precision, threads=1)
    exact = dpse_fast.load(precision=precision, tol=0.0, threads=1)
    types = model_types(box, potential.type_map)
    rng = np.random.default_rng(1)
    with report_of(
        "bench.close_atoms", output, atoms=box.n_atoms, precision=precision
    ) as (report, _):
        places = {
            f"{part:g} of the molecules": squeezed(box.positions, part, rng)
            for part in PARTS
        }
        calls: dict[str, Any] = {
            name: partial(seconds, potential, at, types, box.cell)
            for name, at in places.items()
        }
        calls[EXACT] = partial(seconds, exact, box.positions, types, box.cell)
        for call in calls.values():
            call()  # compiles, and makes the unreduced plan
        found = ratios.take_turns(calls, rounds, "evaluations")
        report["seconds"] = found
        report["times_longer"] = {
            name: ratios.ratio_by_round(each, found[NONE])
            for name, each in found.items()
        }
        report["structures"] = {
            name: differences(potential, exact, at, types, box.cell)
            for name, at in places.items()
        }
        for name, each in report["times_longer"].items():
            say(f"{name}: {each['median']:.3g} times as long")
        for name, facts in report["structures"].items():
            say(f"{name}: {facts}")


def seconds(potential: dpse_fast.Potential, *structure: Any) -> float:
    """Of processor time."""
    start = time.process_time()
    potential.compute(*structure)
    return time.process_time() - start


def differences(
    potential: dpse_fast.Potential, exact: dpse_fast.Potential, *structure: Any
) -> dict[str, float]:
    """Atoms that are evaluated unreduced, and the largest force and error, eV/Å."""
    found, expected = potential.compute(*structure), exact.compute(*structure)
    return {
        "unreduced_atoms": found.report.unreduced_atoms,
        "largest_force": float(np.abs(expected.forces).max()),
        "largest_error": float(np.abs(found.forces - expected.forces).max()),
    }


if __name__ == "__main__":
    main()
