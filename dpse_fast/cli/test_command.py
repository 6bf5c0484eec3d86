"""``dpse-fast test``: errors against labels, as deepmd-kit's ``dp test``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from . import options
from .json_errors import report_on_failure
from .output_file import refuse_inputs
from .ranks_command import RanksCommand, first_rank, other_rank
from .reading_options import reading_options
from .report import print_json
from .run_results import note_earlier
from .warning_summary import WarningSummary

if TYPE_CHECKING:
    from ..trajectory import ReadingOptions
    from ..writers.detail_files import DetailFiles
    from .comparison_report import ComparisonReport
    from .comparison_run import ComparisonRun


@click.command("test", cls=RanksCommand)
@click.option(
    "-m", "--model", required=True, metavar="FILE", help="Of any supported format."
)
@click.option(
    "-s",
    "--system",
    metavar="PATH",
    help="Directory with npy systems, found recursively, or a trajectory.  "
    "[default: .]",
)
@click.option(
    "-f",
    "--datafile",
    metavar="FILE",
    help="File with a path of a system on each line.",
)
@click.option(
    "--train-data",
    metavar="FILE",
    help="Training input (JSON), whose training data are taken.",
)
@click.option(
    "--valid-data",
    metavar="FILE",
    help="Training input (JSON), whose validation data are taken.",
)
@options.SET_PREFIX
@click.option(
    "-n",
    "--numb-test",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="The first N frames of each system; 0: all.",
)
@click.option(
    "--shuffle-test",
    "--shuffle",
    "shuffle",
    is_flag=True,
    help="Permute the frames of each npy system, before N of them are taken.",
)
@click.option(
    "-r",
    "--rand-seed",
    type=int,
    metavar="SEED",
    help="Of the permutations, which are deepmd-kit's.",
)
@click.option(
    "-d",
    "--detail-file",
    metavar="PREFIX",
    help="Write labels and predictions to PREFIX.e.out, .f.out, .v.out and others.",
)
@click.option("-a", "--atomic", is_flag=True, hidden=True)
@click.option("--by-type", is_flag=True, help="Errors of forces for each type too.")
@options.SKIP_BAD
@reading_options(labels=True)
@options.FRAME_TYPE_MAP
@options.parameter_options
@options.SEL_OVERFLOW
@options.engine_options
@options.AS_JSON
def command(
    model: str,
    system: str | None,
    datafile: str | None,
    train_data: str | None,
    valid_data: str | None,
    numb_test: int,
    shuffle: bool,
    rand_seed: int | None,
    detail_file: str | None,
    atomic: bool,
    by_type: bool,
    skip_bad: bool,
    reading: ReadingOptions,
    type_map: tuple[str, ...] | None,
    fparam: tuple[float, ...] | None,
    aparam: tuple[float, ...] | None,
    as_json: bool,
    **engine: Any,
) -> None:
    """Errors of energies, forces, virials and stresses against their labels.

    As deepmd-kit's "dp test": of each system, and averages over all systems, weighted
    by numbers of values. What a system has no labels for is not compared.

    Under mpirun, the ranks share the frames; the output is that of one process.
    """
    from ..trajectory.system_list import Systems, shuffle_of
    from .comparison_report import ComparisonReport
    from .comparison_run import ComparisonRun
    from .complete_run import complete_run
    from .frame_evaluator import FrameEvaluator
    from .frame_loop import FrameLoop

    if atomic:
        raise click.UsageError("--atomic: energies of atoms are not compared.")
    _check_seed(shuffle, rand_seed)
    named = {
        "system": system,
        "datafile": datafile,
        "train-data": train_data,
        "valid-data": valid_data,
    }
    with WarningSummary() as warned:
        given = {key: value for key, value in named.items() if value}
        paths = _paths(given, reading.format)
        potential = options.load_potential(model, type_map, **engine)
        reading = replace(reading, names=potential.type_map, type_map=type_map)
        permuted = shuffle_of(rand_seed) if shuffle else None
        systems = Systems(paths, reading, numb_test or None, permuted)
        evaluator = FrameEvaluator(potential, type_map, fparam=fparam, aparam=aparam)
        run = ComparisonRun(evaluator, systems, by_type)
        if (other := other_rank()) is not None:
            other.serve(run.evaluate, systems.frames, warned)
            return
        details = None
        if detail_file is not None:
            details = _details(detail_file, paths, {"model": model, **given})
        report = ComparisonReport(run, as_json)

        def told() -> dict[str, Any]:
            return _summary(model, run, report, details, warned)

        report_on_failure(told)
        loop = FrameLoop(run, report, warned, details, skip_bad, first_rank())
        complete_run(loop, systems.frames, report, details)
    report.end()
    if as_json:
        print_json({**told(), "error": None})


def _paths(named: dict[str, str], format: str | None) -> list[str]:
    """The systems, which are named in one way."""
    from ..trajectory.system_list import systems_at, systems_in, systems_of_input

    if len(named) > 1:
        one, other = list(named)[:2]
        raise click.UsageError(f"--{other}: cannot be used together with --{one}.")
    if not named:
        return systems_at(".", format)
    ((key, value),) = named.items()
    if key == "system":
        return systems_at(value, format)
    if key == "datafile":
        return systems_in(value, format)
    return systems_of_input(
        value, "training_data" if key == "train-data" else "validation_data"
    )


def _check_seed(shuffle: bool, rand_seed: int | None) -> None:
    if rand_seed is not None and not shuffle:
        raise click.UsageError("--rand-seed: has no effect without --shuffle.")
    if shuffle and rand_seed is None and (first_rank() or other_rank()):
        raise click.UsageError("--shuffle: several ranks need the same --rand-seed.")


def _details(prefix: str, paths: list[str], inputs: dict[str, str]) -> DetailFiles:
    from ..writers.detail_files import DetailFiles, detail_paths
    from ..writers.run_output import partial_of

    for path in detail_paths(prefix).values():
        refuse_inputs(prefix, [path, partial_of(path)], inputs)
    found = DetailFiles(prefix, paths)
    note_earlier(found.earlier)
    return found


def _summary(
    model: str,
    run: ComparisonRun,
    report: ComparisonReport,
    details: DetailFiles | None,
    warned: WarningSummary,
) -> dict[str, Any]:
    """What is known of the run, complete or not, ready for JSON."""
    potential = run.evaluator.potential
    errors = zip(run.systems.paths, run.of_systems, strict=True)
    return {
        "model": {
            "path": model,
            "types": potential.type_map,
            "digest": potential.model.digest(),
        },
        "systems": [{"system": path, **one.summary()} for path, one in errors],
        "overall": run.overall().summary(),
        "detail_files": details.written if details is not None else [],
        "precision": potential.precision,
        "threads": potential.threads,
        "seconds": run.seconds,
        "skipped": report.skipped,
        "domain": run.domain.summary(),
        "warnings": warned.entries(),
    }
