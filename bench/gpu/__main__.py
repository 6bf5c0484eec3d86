"""``python -m bench.gpu``: everything that one GPU can show, in under eight minutes.

Each step is reported, later ones run where an earlier one failed; the exit code is 1
if any failed. Writes JSON with every number to bench/results as it comes, so that a
run that is stopped leaves what it measured; Markdown tables and a plot at the end.
"""

from __future__ import annotations

import datetime
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from ..machine import describe_machine, without_folders
from ..progress import say

RESULTS = Path(__file__).parents[1] / "results"


@click.command(help=__doc__)
@click.option("--only", multiple=True, metavar="STEP", help="Steps; default: all.")
@click.option("--seconds", type=click.FloatRange(min=1), help="For everything.")
@click.option(
    "--model", "subjects", multiple=True, metavar="NAME", help="water, second"
)
@click.option("--model2", metavar="FILE", help="In place of copper at random.")
@click.option("--structure2", metavar="FILE", help="Periodic cell of that model.")
@click.option("--sizes", metavar="N,N,…", help="Atoms, the most telling ones first.")
@click.option("--stages-at", type=int, help="The size whose stages are measured.")
@click.option("--blocks", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--kind", "kinds", multiple=True, metavar="PRECISION,GEMM")
@click.option(
    "--sanitize",
    multiple=True,
    default=("memcheck",),
    type=click.Choice(["memcheck", "racecheck", "initcheck", "synccheck"]),
)
@click.option("--pytest", multiple=True, metavar="OPTION", help="More for pytest.")
@click.option("--peer-python", metavar="FILE", help="Python that has deepmd-kit.")
@click.option("--peer-model", metavar="FILE", help="Its compressed model.")
@click.option("--peer-atoms", default=24_000, show_default=True)
@click.option("--device", default="cuda", type=click.Choice(["cuda", "cpu"]))
@click.option("--output", default=str(RESULTS), type=click.Path(file_okay=False))
def main(**given: Any) -> None:
    try:
        from . import steps
        from .report import gpu_name, markdown, write, write_numbers
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is not installed; make install does it, or put it into a "
            "folder that PYTHONPATH names"
        ) from None
    options = options_of(given)
    chosen = [step for step in steps.STEPS if step.name in options["only"]]
    ends = time.monotonic() + (given["seconds"] or steps.ALL_SECONDS)
    head = {
        "command": without_folders(["python -m bench.gpu", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "device": options["device"],
        "options": {k: v for k, v in options.items() if not _is_path(v)},
        "host": _host(),
    }
    output = Path(given["output"])
    with tempfile.TemporaryDirectory() as name:
        environment = steps.environment_of(Path(name), options["device"])
        run = steps.Run(options, Path(name), environment, ends)

        def found() -> dict[str, Any]:
            whole = {**head, "steps": run.outcomes, **run.report}
            return {**whole, "name": gpu_name(whole)}

        run.save = lambda: write_numbers(found(), output)
        steps.perform(run, tuple(chosen))
    report = found()
    paths = write(report, output)
    click.echo(markdown(report))
    for path in paths:
        say(f"wrote {path}")
    failed = [
        name for name, outcome in run.outcomes.items() if outcome["status"] == "failed"
    ]
    if failed:
        say(f"failed: {', '.join(failed)}")
        sys.exit(1)


def options_of(given: dict[str, Any]) -> dict[str, Any]:
    """What the steps and workers read, from the command line.

    Raises
    ------
    click.BadParameter
    """
    from . import steps
    from .models import SUBJECTS

    names = [step.name for step in steps.STEPS]
    only = list(given["only"] or names)
    if set(only) - set(names):
        raise click.BadParameter(f"--only: expected of {', '.join(names)}")
    subjects = list(given["subjects"] or SUBJECTS)
    if set(subjects) - set(SUBJECTS):
        raise click.BadParameter(f"--model: expected of {', '.join(SUBJECTS)}")
    sizes = list(steps.SIZES)
    if given["sizes"]:
        sizes = [int(float(size)) for size in given["sizes"].split(",")]
    kinds = [list(kind) for kind in steps.KINDS]
    if given["kinds"]:
        kinds = [[*_kind(kind), True] for kind in given["kinds"]]
    stages_at = given["stages_at"] or (
        steps.STAGES_AT if steps.STAGES_AT in sizes else sizes[0]
    )
    paths = {
        name: given[name] and os.path.abspath(given[name])
        for name in ("model2", "structure2", "peer_python", "peer_model")
    }
    label2 = Path(paths["model2"]).name if paths["model2"] else None
    same = ("device", "blocks", "peer_atoms")
    return {
        **{name: given[name] for name in same},
        **paths,
        "only": only,
        "subjects": subjects,
        "label2": label2,
        "sizes": sizes,
        "kinds": kinds,
        "stages_at": stages_at,
        "capacity_kind": kinds[2] if len(kinds) > 2 else kinds[0],
        "sanitize": list(given["sanitize"]),
        "pytest": list(given["pytest"]),
    }


def _kind(text: str) -> list[str]:
    from dpse_fast.devices import GEMMS
    from dpse_fast.plan import PRECISIONS

    precision, _, gemm = text.partition(",")
    if precision not in PRECISIONS or (gemm or "float32") not in GEMMS:
        raise click.BadParameter(f"--kind: expected PRECISION,GEMM, got {text!r}")
    return [precision, gemm or "float32"]


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and os.path.isabs(value)


def _host() -> dict[str, Any]:
    """The machine around the GPU; what it lacks is said."""
    try:
        return describe_machine()
    except ImportError as error:
        return {"unknown": str(error)}


if __name__ == "__main__":
    # A run that is ended from outside ends its workers, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
