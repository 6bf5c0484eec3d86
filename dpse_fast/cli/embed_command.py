"""``dpse-fast embed``: descriptors and last layers of a trajectory."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from . import options
from .frame_reports import Records
from .json_errors import report_on_failure
from .ranks_command import RanksCommand, first_rank, other_rank
from .reading_options import reading_options
from .report import print_json
from .run_results import REMEDY, open_results, origin_of, results_path
from .run_results import told_of_results as told_of
from .warning_summary import WarningSummary

if TYPE_CHECKING:
    from .. import Potential
    from ..trajectory import ReadingOptions
    from ..writers.features import FeatureDescription

WANTED = ("both", "descriptor", "last-layer")


@click.command("embed", cls=RanksCommand)
@click.argument("trajectory", type=click.Path())
@options.MODEL
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    help="Write to .h5 or .hdf5; descriptors alone, of frames of one size, to .npy.",
)
@click.option(
    "--features",
    "wanted",
    type=click.Choice(WANTED),
    help="What is written.  [default: both; to .npy, descriptor]",
)
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help="Of the numbers that are written; all are computed in float64.",
)
@options.RESUME
@options.SKIP_BAD
@options.INDEX
@reading_options(labels=False)
@options.FRAME_TYPE_MAP
@options.parameter_options
@options.SEL_OVERFLOW
@options.HEAD
@options.THREADS
@options.AS_JSON
def command(
    trajectory: str,
    model: str | None,
    output: str,
    wanted: str | None,
    dtype: str,
    resume: bool,
    skip_bad: bool,
    index: str,
    reading: ReadingOptions,
    type_map: tuple[str, ...] | None,
    fparam: tuple[float, ...] | None,
    aparam: tuple[float, ...] | None,
    sel_overflow: str,
    head: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Descriptors of every atom of TRAJECTORY, and what the last layer takes.

    As deepmd-kit's "dp embed" and "dp eval-desc", with the same numbers in the same
    order. TRAJECTORY is as for eval. The numbers are computed on the processors,
    with nothing left out of the model.

    Until all frames are done, the results are in a file beside FILE, such as
    out.partial.h5 for out.h5, and --resume goes on after them.

    Under mpirun, the ranks share the frames; the output is that of one process.
    """
    from ..trajectory import check_trajectory, iterate_frames
    from ..writers.features import writer_of_features
    from .complete_run import complete_run
    from .feature_run import FeatureRun, FeatureTable
    from .frame_evaluator import FrameEvaluator
    from .frame_loop import FrameLoop

    with WarningSummary() as warned:
        check_trajectory(trajectory, index)
        inputs = {"trajectory": trajectory, "model": model}
        target = results_path(output, (".h5", ".hdf5", ".npy"), inputs)
        wanted = _wanted(wanted, target.suffix.lower())
        potential = options.load_potential(
            model,
            type_map,
            device="cpu",
            tol=0,
            threads=threads,
            sel_overflow=sel_overflow,
            head=head,
        )
        params = {**click.get_current_context().params, "wanted": wanted}
        described = _description(potential, wanted, dtype, params)
        last_layer = described.last_layer > 0
        reading = replace(reading, names=potential.type_map, type_map=type_map)
        read = partial(iterate_frames, trajectory, index, reading)
        evaluator = FrameEvaluator(potential, type_map, fparam=fparam, aparam=aparam)
        run = FeatureRun(evaluator, last_layer)
        if (other := other_rank()) is not None:
            other.serve(run.evaluate, read, warned)
            return
        report = Records() if as_json else FeatureTable(run)
        writer = writer_of_features(target)
        results = open_results(target, writer, described, potential, params)

        def told() -> dict[str, Any]:
            return {
                "model": {
                    "path": model,
                    "types": potential.type_map,
                    "digest": potential.model.digest(),
                },
                "trajectory": trajectory,
                **told_of(output, results),
                "threads": potential.threads,
                "descriptor": described.descriptor or None,
                "atomic_feature": described.last_layer or None,
                "frames": report.records,
                "skipped": report.skipped,
                "summary": run.summary(),
                "warnings": warned.entries(),
            }

        report_on_failure(told)
        loop = FrameLoop(run, report, warned, results, skip_bad, first_rank())
        complete_run(loop, read, report, results, REMEDY)
    report.end()
    if as_json:
        print_json({**told(), "error": None})
    else:
        click.echo(f"written to {output}")


def _wanted(wanted: str | None, suffix: str) -> str:
    if suffix != ".npy":
        return wanted or "both"
    if wanted not in (None, "descriptor"):
        raise click.UsageError(
            f"--features: expected descriptor with .npy, which holds one array, got "
            f"{wanted}; write to .h5."
        )
    return "descriptor"


def _description(
    potential: Potential, wanted: str, dtype: str, params: dict[str, Any]
) -> FeatureDescription:
    from ..writers.features import FeatureDescription

    with_descriptor, with_last = wanted != "last-layer", wanted != "descriptor"
    return FeatureDescription(
        type_map=potential.type_map,
        attributes=origin_of(potential, params),
        descriptor=potential.model.n_features if with_descriptor else 0,
        last_layer=potential.model.last_layer_width() if with_last else 0,
        dtype=dtype,
    )
