"""``dpse-fast eval``: a trajectory, frame by frame."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .frame_reports import Records, Table
from .reading_options import reading_options
from .report import print_json
from .warning_summary import WarningSummary

if TYPE_CHECKING:
    from .. import Potential
    from ..trajectory import ReadingOptions
    from ..writers import ResultWriter


@click.command("eval")
@click.argument("trajectory", type=click.Path())
@options.MODEL
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the results to .xyz or .extxyz, .h5 or .hdf5.",
)
@click.option("--atomic", is_flag=True, help="Energies and virials of each atom too.")
@click.option(
    "--index",
    default=":",
    metavar="SLICE",
    help="Frames, such as 3, -1, :10 or ::5.  [default: all]",
)
@reading_options(labels=True)
@click.option(
    "--type-map",
    callback=options.split_names,
    metavar="O,H",
    help="Elements of types 0, 1, … of a model that names none, or of a trajectory "
    "that only numbers its types (LAMMPS: types 1, 2, …). OW=O,HW=H takes these names "
    "of the trajectory for types of the model.",
)
@options.parameter_options
@options.SEL_OVERFLOW
@options.engine_options
@options.AS_JSON
def command(
    trajectory: str,
    model: str | None,
    output: str | None,
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
    """
    from ..trajectory import check_trajectory, read_frames
    from ..writers import check_output
    from .evaluation_run import EvaluationRun

    if output is not None and Path(output).resolve() == Path(trajectory).resolve():
        raise click.UsageError("--output: expected another file than the trajectory.")
    with WarningSummary() as warned:
        check_trajectory(trajectory, index)
        if output is not None:
            check_output(output)
        potential = options.load_potential(model, type_map, **engine)
        reading = replace(reading, names=potential.type_map, type_map=type_map)
        frames = read_frames(trajectory, index, reading)
        run = EvaluationRun(potential, type_map, atomic, fparam, aparam)
        report = Records() if as_json else Table(run)
        with _writer(output, potential, model, trajectory) as writer, _bar() as bar:
            for frame in frames:
                warned.where = frame.name
                evaluation, record = run.evaluate(frame)
                if writer is not None:
                    writer.write(evaluation)
                report.add(record)
                bar.update()
                warned.where = ""  # warnings of the reader name the frame
    if isinstance(report, Table):
        report.end()
        if output is not None:
            click.echo(f"written to {output}")
        return
    print_json(
        {
            "model": {
                "path": model,
                "types": potential.type_map,
                "digest": potential.model.digest(),
            },
            "trajectory": trajectory,
            "output": output,
            "precision": potential.precision,
            "threads": potential.threads,
            "frames": report.records,
            "summary": run.summary(),
            "warnings": warned.entries(),
        }
    )


@contextmanager
def _writer(
    output: str | None, potential: Potential, model: str | None, trajectory: str
) -> Iterator[ResultWriter | None]:
    from .. import __version__
    from ..writers import RunDescription, open_writer

    if output is None:
        yield None
        return
    origin = {
        "program": f"dpse-fast {__version__}",
        "model": model or "default",
        "model_digest": potential.model.digest(),
        "trajectory": trajectory,
    }
    with open_writer(output, RunDescription(potential.type_map, origin)) as writer:
        yield writer


@contextmanager
def _bar() -> Iterator[Any]:
    """A progress bar on standard error, if that is a terminal."""
    from tqdm import tqdm

    shown = sys.stderr.isatty()
    with tqdm(unit=" frames", disable=not shown, leave=False) as bar:
        yield bar
