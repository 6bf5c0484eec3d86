"""``dpse-fast model-devi``: deviations of a committee, as ``dp model-devi``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError
from . import options
from .json_errors import report_on_failure
from .output_file import refuse_inputs
from .ranks_command import RanksCommand, first_rank, other_rank
from .reading_options import reading_options
from .report import print_json
from .run_results import note_earlier
from .warning_summary import WarningSummary

if TYPE_CHECKING:
    from .. import Committee, Potential
    from ..trajectory import ReadingOptions
    from ..writers.deviation_file import DeviationFile
    from .deviation_report import DeviationReport
    from .deviation_run import DeviationRun


@click.command("model-devi", cls=RanksCommand)
@click.option(
    "-m",
    "--models",
    multiple=True,
    required=True,
    metavar="FILE",
    help="Model files: -m 0.pb 1.pb 2.pb, or -m 0.pb -m 1.pb -m 2.pb.",
)
@click.argument("more", nargs=-1, metavar="[FILE]...")
@click.option(
    "-s",
    "--system",
    default=".",
    show_default=True,
    metavar="PATH",
    help="Directory with npy systems, found recursively, or a trajectory.",
)
@options.SET_PREFIX
@click.option(
    "-o",
    "--output",
    default="model_devi.out",
    show_default=True,
    metavar="FILE",
    help="Where deviations are written.",
)
@click.option(
    "-f",
    "--frequency",
    type=int,
    default=1,
    show_default=True,
    metavar="STEPS",
    help="Steps from frame to frame, for the first column.",
)
@click.option(
    "--real_error",
    "--real-error",
    "real_error",
    is_flag=True,
    help="Root mean square errors against the labels instead of deviations.",
)
@click.option("--atomic", is_flag=True, help="Of the force on each atom too.")
@click.option(
    "--relative",
    type=click.FloatRange(min=0),
    metavar="EV/Å",
    help="Divide deviations of forces by their magnitudes plus this level.",
)
@click.option(
    "--relative_v",
    "--relative-v",
    "relative_v",
    type=click.FloatRange(min=0),
    metavar="EV",
    help="The same for virials per atom.",
)
@click.option(
    "--deviation-tol",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="EV/Å",
    help="Plan all models but the first for this tolerance, in mixed precision: "
    "faster. 0: as the first.",
)
@options.SKIP_BAD
@reading_options(labels=True)
@options.FRAME_TYPE_MAP
@options.parameter_options
@options.SEL_OVERFLOW
@options.engine_options
@options.AS_JSON
def command(
    models: tuple[str, ...],
    more: tuple[str, ...],
    system: str,
    output: str,
    frequency: int,
    real_error: bool,
    atomic: bool,
    relative: float | None,
    relative_v: float | None,
    deviation_tol: float,
    skip_bad: bool,
    reading: ReadingOptions,
    type_map: tuple[str, ...] | None,
    fparam: tuple[float, ...] | None,
    aparam: tuple[float, ...] | None,
    as_json: bool,
    **engine: Any,
) -> None:
    """How far models are apart in energies, forces and virials of each frame.

    As deepmd-kit's "dp model-devi", with its columns. An existing file is replaced
    when all frames are evaluated; until then they are in a file beside it, such as
    model_devi.partial.out.

    Under mpirun, the ranks share the frames; the output is that of one process.
    """
    from ..trajectory.system_list import Systems, systems_at
    from ..writers.deviation_file import DeviationFile
    from .complete_run import complete_run
    from .deviation_report import DeviationReport
    from .deviation_run import DeviationOptions, DeviationRun
    from .frame_evaluator import FrameEvaluator
    from .frame_loop import FrameLoop

    files = [*models, *more]
    if len(files) < 2 and not real_error:
        raise click.UsageError(f"--models: expected two or more, got {len(files)}.")
    if not real_error:
        _refuse_labels(reading)
    elif deviation_tol:
        raise click.UsageError("--deviation-tol: has no effect with --real_error.")
    asked = DeviationOptions(frequency, real_error, atomic, relative, relative_v)
    with WarningSummary() as warned:
        paths = systems_at(system, reading.format)
        target = _target(output, {"system": system}, files)
        together = _loaded(files, type_map, engine, deviation_tol)
        names = together.type_map
        reading = replace(reading, names=names, type_map=type_map, labels=real_error)
        systems = Systems(paths, reading)
        evaluator = FrameEvaluator(together, type_map, fparam=fparam, aparam=aparam)
        run = DeviationRun(evaluator, len(files), systems, asked)
        if (other := other_rank()) is not None:
            other.serve(run.evaluate, systems.frames, warned)
            return
        results = DeviationFile(target, paths, atomic)
        note_earlier(results.earlier)
        replaced = target.exists()
        report = DeviationReport(run, files, as_json)

        def told() -> dict[str, Any]:
            return _summary(files, output, run, report, results, warned)

        report_on_failure(told)
        loop = FrameLoop(run, report, warned, results, skip_bad, first_rank())
        complete_run(loop, systems.frames, report, results)
        if replaced:
            click.echo(f"note: {output} was replaced, not appended to", err=True)
    report.end()
    if as_json:
        print_json({**told(), "error": None})
    else:
        click.echo(f"written to {output}")


def _refuse_labels(reading: ReadingOptions) -> None:
    for key in ("energy_key", "forces_key", "virial_key", "stress_key"):
        if getattr(reading, key) is not None:
            option = key.replace("_", "-")
            raise click.UsageError(f"--{option}: has no effect without --real_error.")


def _target(output: str, inputs: dict[str, str], models: list[str]) -> Path:
    from ..writers.run_output import partial_of

    target = Path(output)
    if target.is_dir() or not target.name:
        raise InputError(f"output {output}: is a directory")
    if not target.parent.is_dir():
        raise InputError(f"output {output}: the folder {target.parent} does not exist")
    for one in models:
        refuse_inputs(output, [target, partial_of(target)], {**inputs, "model": one})
    return target.resolve()  # what a link points to is replaced, not the link


def _loaded(
    files: list[str],
    type_map: tuple[str, ...] | None,
    engine: dict[str, Any],
    deviation_tol: float,
) -> Potential | Committee:
    if len(files) == 1:
        return options.load_potential(files[0], type_map, **engine)
    engine = {**engine, "deviation_tol": deviation_tol}
    return options.load_potential(files, type_map, **engine)


def _summary(
    files: list[str],
    output: str,
    run: DeviationRun,
    report: DeviationReport,
    results: DeviationFile,
    warned: WarningSummary,
) -> dict[str, Any]:
    """What is known of the run, complete or not, ready for JSON."""
    from .deviation_report import deviation_accuracy

    partial = None if results.is_complete or not run.n_frames else results.partial
    together = run.evaluator.potential
    potentials = getattr(together, "potentials", (together,))
    return {
        "models": [
            {
                "path": file,
                "digest": one.model.digest(),
                "domain": domain.summary(),
            }
            for file, one, domain in zip(files, potentials, run.domains, strict=True)
        ],
        **deviation_accuracy(together),
        "types": together.type_map,
        "systems": run.systems.paths,
        "output": output if results.is_complete else None,
        "partial_output": partial,
        "precision": together.precision,
        "threads": together.threads,
        "frames": report.records,
        "skipped": report.skipped,
        "warnings": warned.entries(),
    }
