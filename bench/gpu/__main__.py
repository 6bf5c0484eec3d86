"""``python -m bench.gpu``: everything that one GPU can show, in under eight minutes.

Each step is reported, later ones run where an earlier one failed; the exit code is 1
if any failed. Writes JSON with every number to bench/results as it comes, so that a
run that is stopped leaves what it measured; Markdown tables and a plot at the end.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from ..progress import say

try:
    from dpse_fast.devices import GEMMS
    from dpse_fast.plan import PRECISIONS

    from ..machine import describe_machine
    from ..report_files import RESULTS, command_and_date, write
    from . import steps
    from .models import SUBJECTS, Kind
    from .report import draw, gpu_name, markdown
except ModuleNotFoundError as error:
    sys.exit(
        f"Error: {error.name} is not installed; make install does it, or put it into a "
        "folder that PYTHONPATH names"
    )

NAMES = [step.name for step in steps.STEPS]
PATHS = ("model2", "structure2", "peer_python", "peer_model")
CHECKS = ["memcheck", "racecheck", "initcheck", "synccheck"]


def _numbers(_: object, __: object, text: str | None) -> list[int]:
    return [int(float(n)) for n in text.split(",")] if text else list(steps.SIZES)


def _kinds(_: object, __: object, texts: tuple[str, ...]) -> list[Kind]:
    """Of PRECISION or PRECISION,GEMM."""
    kinds = []
    for text in texts:
        precision, _, gemm = text.partition(",")
        kinds.append(Kind(precision, gemm or "float32"))
        if precision not in PRECISIONS or kinds[-1].gemm not in GEMMS:
            raise click.BadParameter(f"expected PRECISION,GEMM, got {text!r}")
    return kinds or list(steps.KINDS)


@click.command(help=__doc__)
@click.option("--only", multiple=True, type=click.Choice(NAMES))
@click.option("--seconds", default=steps.ALL_SECONDS, help="For everything.")
@click.option(
    "--model", "subjects", multiple=True, default=SUBJECTS, type=click.Choice(SUBJECTS)
)
@click.option("--model2", metavar="FILE", help="In place of copper at random.")
@click.option("--structure2", metavar="FILE", help="Periodic cell of that model.")
@click.option("--sizes", metavar="N,N,…", callback=_numbers, help="Telling ones first.")
@click.option("--stages-at", type=int, help="The size whose stages are measured.")
@click.option("--blocks", default=3, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--kind", "kinds", multiple=True, metavar="PRECISION,GEMM", callback=_kinds
)
@click.option(
    "--sanitize", multiple=True, default=["memcheck"], type=click.Choice(CHECKS)
)
@click.option("--pytest", multiple=True, metavar="OPTION", help="More for pytest.")
@click.option("--peer-python", metavar="FILE", help="Python that has deepmd-kit.")
@click.option("--peer-model", metavar="FILE", help="Its compressed model.")
@click.option("--peer-atoms", default=24_000, show_default=True)
@click.option("--device", default="cuda", type=click.Choice(["cuda", "cpu"]))
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(only: tuple[str, ...], seconds: float, output: str, **given: Any) -> None:
    ends, options = time.monotonic() + seconds, options_of(given)
    chosen = tuple(s for s in steps.STEPS if not only or s.name in only)
    head = {
        **command_and_date("bench.gpu"),
        "device": options["device"],
        "options": {"only": [step.name for step in chosen]}
        | {k: v for k, v in options.items() if not (k in PATHS and v)},
        "host": describe_machine(),
    }
    with tempfile.TemporaryDirectory() as folder:
        run = steps.Run(options, Path(folder), ends)

        def report() -> dict[str, Any]:
            whole = {**head, "steps": run.outcomes, **run.report}
            return {**whole, "name": gpu_name(whole)}

        run.save = lambda: write(report(), output, gpu_name(report()))
        steps.perform(run, chosen)
    found = report()
    data = write(found, output, found["name"])
    paths = [data, data.with_suffix(".md"), data.with_suffix(".png")]
    paths[1].write_text(markdown(found))
    click.echo(markdown(found))
    for path in paths if draw(found, paths[2]) else paths[:2]:
        say(f"wrote {path}")
    failed = [name for name, o in run.outcomes.items() if o["status"] == "failed"]
    if failed:
        say(f"failed: {', '.join(failed)}")
        sys.exit(1)


def options_of(given: dict[str, Any]) -> dict[str, Any]:
    """What the steps and workers read, from the command line."""
    sizes, kinds = given["sizes"], given["kinds"]
    at = steps.STAGES_AT if steps.STAGES_AT in sizes else sizes[0]
    paths = {name: given[name] and os.path.abspath(given[name]) for name in PATHS}
    return {
        **given,
        **paths,
        "label2": Path(paths["model2"]).name if paths["model2"] else None,
        "stages_at": given["stages_at"] or at,
        "capacity_kind": kinds[2] if len(kinds) > 2 else kinds[0],
    }


if __name__ == "__main__":
    # A run that is ended from outside ends its workers, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
