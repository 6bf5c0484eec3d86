"""``dpse-fast eval``: a trajectory, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .frame_reports import Records, Table
from .json_errors import report_on_failure
from .ranks_command import RanksCommand, first_rank, other_rank
from .reading_options import reading_options
from .report import print_json
from .run_results import (
    REMEDY,
    open_results,
    origin_of,
    results_path,
    told_of_results,
)
from .warning_summary import WarningSummary

if TYPE_CHECKING:
    from .. import Potential
    from ..trajectory import ReadingOptions
    from ..writers import RunOutput
    from .evaluation_run import EvaluationRun


@click.command("eval", cls=RanksCommand)
@click.argument("trajectory", type=click.Path())
@options.MODEL
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the results to .xyz or .extxyz, .h5 or .hdf5.",
)
@options.RESUME
@options.SKIP_BAD
@click.option("--atomic", is_flag=True, help="Energies and virials of each atom too.")
@options.INDEX
@reading_options(labels=True)
@options.FRAME_TYPE_MAP
@options.parameter_options
@options.SEL_OVERFLOW
@options.engine_options
@options.AS_JSON
def command(
    trajectory: str,
    model: str | None,
    output: str | None,
    resume: bool,
    skip_bad: bool,
    atomic: bool,
    index: str,
    reading: ReadingOptions,
    type_map: tuple[str, ...] | None,
    fparam: tuple[float, ...] | None,
    aparam: tuple[float, ...] | None,
    as_json: bool,
    **engine: Any,
) -> None:
    """Energy, forces and virial of every frame of TRAJECTORY.

    TRAJECTORY is a file of any format that ASE reads (extxyz, POSCAR, LAMMPS dump
    or data, traj, cif, …) or a directory with a deepmd npy system. Energies, forces
    and virials that it holds are compared with the model's. Its fparam and aparam
    are used if the model takes them.

    Until all frames are evaluated, the results are in a file beside FILE, such as
    out.partial.h5 for out.h5; an error, an interrupt or a kill leaves it with all
    frames that were finished, and --resume goes on after them.

    Under mpirun, the ranks share the frames; the output is that of one process.
    """
    from ..trajectory import check_trajectory, iterate_frames
    from .complete_run import complete_run
    from .evaluation_run import EvaluationRun
    from .frame_evaluator import FrameEvaluator
    from .frame_loop import FrameLoop

    with WarningSummary() as warned:
        check_trajectory(trajectory, index)
        target = _target(output, resume, {"trajectory": trajectory, "model": model})
        potential = options.load_potential(model, type_map, **engine)
        reading = replace(reading, names=potential.type_map, type_map=type_map)
        read = partial(iterate_frames, trajectory, index, reading)
        evaluator = FrameEvaluator(potential, type_map, atomic, fparam, aparam)
        run = EvaluationRun(evaluator)
        if (other := other_rank()) is not None:
            other.serve(run.evaluate, read, warned)
            return
        report = Records() if as_json else Table(run)
        results = None
        if target is not None:
            results = _open(target, potential, click.get_current_context().params)
        told = partial(
            _summary, trajectory, model, output, run, report, warned, results
        )
        report_on_failure(told)
        loop = FrameLoop(run, report, warned, results, skip_bad, first_rank())
        complete_run(loop, read, report, results, REMEDY)
    report.end()
    if as_json:
        print_json({**told(), "error": None})
    elif output is not None:
        click.echo(f"written to {output}")


def _target(
    output: str | None, resume: bool, inputs: Mapping[str, str | None]
) -> Path | None:
    """Where the results go, if they can."""
    from ..writers import WRITERS

    if output is None:
        if resume:
            raise click.UsageError("--resume: expected the --output of the earlier run")
        return None
    return results_path(output, tuple(WRITERS), inputs)


def _open(target: Path, potential: Potential, params: Mapping[str, Any]) -> RunOutput:
    from ..writers import RunDescription, writer_of

    origin = origin_of(potential, params)
    description = RunDescription(potential.type_map, origin, params["atomic"])
    return open_results(target, writer_of(target), description, potential, params)


def _summary(
    trajectory: str,
    model: str | None,
    output: str | None,
    run: EvaluationRun,
    report: Records | Table,
    warned: WarningSummary,
    results: RunOutput | None,
) -> dict[str, Any]:
    """What is known of the run, complete or not, ready for JSON."""
    potential = run.potential
    return {
        "model": {
            "path": model,
            "types": potential.type_map,
            "digest": potential.model.digest(),
        },
        "trajectory": trajectory,
        **told_of_results(output, results),
        "precision": potential.precision,
        "threads": potential.threads,
        "frames": report.records,
        "skipped": report.skipped,
        "summary": run.summary(),
        "warnings": warned.entries(),
    }
