"""``python -m bench.hessian``: what second derivatives cost, and how exact they are.

Cost: rows of a few atoms in water of several sizes, on one thread, and as many
evaluations of all forces as differences of these take. Exactness: the embedded model,
and others (``--case``), against differences of all forces of sixth order, and with
``--peer-python`` (an environment with deepmd-kit and JAX) against deepmd-kit's code
differentiated twice; by step for the difference of fourth order that is used, and by
tolerance of the plan. Writes JSON to bench/results.
"""

from __future__ import annotations

import subprocess
import time
import warnings
from collections.abc import Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import click
import numpy as np

import dpse_fast
from dpse_fast.cli import main as dpse_fast_command
from dpse_fast.cli.replicated_box import replicated, water_cell
from dpse_fast.cpu.force_differences import POINTS, STEP, WEIGHTS
from dpse_fast.trajectory import model_types

from .progress import say
from .ratios import median, take_turns
from .report_files import RESULTS, report_of
from .system import first_frame

SIZES = (192, 1536, 12288)
FEW, MORE = 2, 6  # atoms; their difference leaves out the list, and one evaluation
STEPS = range(-16, -5)  # powers of two, Å
TOLERANCES = (1e-4, 1e-5, 1e-6)  # eV/Å
SIXTH = (1, 3 / 4), (2, -3 / 20), (3, 1 / 60)
FOURTH = tuple(zip(POINTS[2:].tolist(), WEIGHTS[2:].tolist(), strict=True))
WORKER = Path(__file__).parent / "workers" / "deepmd_hessian.py"


def cost(atoms: int, rounds: int) -> dict[str, Any]:
    """Processor seconds of a column, and of the forces of all atoms."""
    box = replicated(water_cell(), atoms)
    pot = dpse_fast.load(threads=1, device="cpu", tol=0.0)
    given = box.positions, model_types(box, pot.type_map), box.cell
    chosen = np.random.default_rng(0).permutation(box.n_atoms)[:MORE]
    calls = {
        "few": partial(seconds, partial(pot.hessian, *given, atoms=chosen[:FEW])),
        "more": partial(seconds, partial(pot.hessian, *given, atoms=chosen)),
        "forces": partial(seconds, partial(pot.compute, *given)),
    }
    for call in calls.values():
        call()
    found = take_turns(calls, rounds, f"{box.n_atoms} atoms")
    few, more, forces = (median(found[name]) for name in calls)
    column = (more - few) / (3 * (MORE - FEW))
    return {
        "atoms": box.n_atoms,
        "ms_per_column": 1e3 * column,
        "ms_all_forces": 1e3 * forces,
        "times_cheaper_than_all_forces": len(POINTS) * forces / column,
        "seconds": found,
    }


def seconds(call: Any) -> float:
    """Of processor time."""
    start = time.process_time()
    call()
    return time.process_time() - start


def of_all_forces(
    pot: dpse_fast.Potential,
    given: tuple[Any, ...],
    atoms: Sequence[int],
    step: float,
    stencil: Sequence[tuple[float, float]],
) -> np.ndarray:
    """Rows (3n, 3N) from evaluations of everything."""
    positions, *rest = given
    rows = []
    for atom in atoms:
        for axis in np.eye(3):
            total = np.zeros(positions.shape)
            for point, weight in stencil:
                for sign in (1, -1):
                    moved = positions.copy()
                    moved[atom] += sign * point * step * axis
                    forces = pot.compute(moved, *rest).forces
                    total -= sign * weight / step * forces
            rows.append(total.reshape(-1))
    return np.array(rows)


def exactness(
    model: str | None, structure: str | None, folder: Path, peer: str | None
) -> dict[str, Any]:
    """Largest errors relative to the largest second derivative, of two atoms' rows."""
    pot = dpse_fast.load(model, threads=1, device="cpu", tol=0.0)
    frame = water_cell() if structure is None else first_frame(structure, pot)
    given = frame.positions, model_types(frame, pot.type_map), frame.cell
    assert frame.cell is not None
    atoms = [0, 1]
    found = pot.second_derivatives(*given, atoms=atoms)
    largest = float(np.abs(found.hessian).max())

    def error(rows: np.ndarray, expected: np.ndarray) -> float:
        return float(np.abs(rows - expected).max()) / largest

    expected = of_all_forces(pot, given, atoms, 2.0**-12, SIXTH)
    report: dict[str, Any] = {
        "model": "embedded water" if model is None else Path(model).name,
        "atoms": frame.n_atoms,
        "largest_ev_per_square_angstrom": largest,
        "asymmetry": found.asymmetry / largest,
        "error_to_all_forces": error(found.hessian, expected),
    }
    if peer:
        source = model or str(resources.files("dpse_fast.data") / "water.h5")
        files = [str(folder / name) for name in ("model.dp", "given.npz", "rows.npy")]
        dpse_fast_command(["convert", source, files[0]])
        np.savez(files[1], coord=given[0], atype=given[1], box=frame.cell, atoms=atoms)
        subprocess.run([peer, str(WORKER), *files], check=True, capture_output=True)
        expected = np.load(files[2])
        report["error_to_deepmd_kit"] = error(found.hessian, expected)
    report["reference"] = "deepmd-kit, JAX" if peer else "all forces, sixth order"
    report["error_by_step_angstrom"] = {
        f"2^{power}": error(
            of_all_forces(pot, given, atoms[:1], 2.0**power, FOURTH), expected[:3]
        )
        for power in STEPS
    }
    report["error_by_tolerance"] = {
        f"{tol:g}": error(
            of_all_forces(
                dpse_fast.load(model, threads=1, device="cpu", tol=tol),
                *(given, atoms[:1], STEP, FOURTH),
            ),
            expected[:3],
        )
        for tol in TOLERANCES
    }
    return report


@click.command(help=__doc__)
@click.option("--atoms", "sizes", multiple=True, type=int, default=SIZES)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--case", "cases", multiple=True, nargs=2, metavar="MODEL STRUCTURE")
@click.option("--peer-python", metavar="FILE", help="Has deepmd-kit and JAX.")
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(
    sizes: tuple[int, ...],
    rounds: int,
    cases: tuple[tuple[str, str], ...],
    peer_python: str | None,
    output: str,
) -> None:
    warnings.simplefilter("ignore")
    with report_of("bench.hessian", output) as (report, folder):
        report["step_angstrom"], report["points"] = STEP, POINTS.tolist()
        report["cost"] = []
        for atoms in sizes:
            report["cost"].append(cost(atoms, rounds))
            say(str({k: v for k, v in report["cost"][-1].items() if k != "seconds"}))
        report["exactness"] = []
        for model, structure in ((None, None), *cases):
            found = exactness(model, structure, folder, peer_python)
            report["exactness"].append(found)
            say(str(found))


if __name__ == "__main__":
    main()
