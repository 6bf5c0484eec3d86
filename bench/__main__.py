"""``python -m bench``: every measurement of one machine in one run.

deepmd-kit runs in an environment of its own (``--peer-python``); without it, or
without vesin in ours, what can be measured is measured. Writes JSON with every
round, a Markdown table and a plot to bench/results.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import dpse_fast
from dpse_fast.plan import PRECISIONS

from . import neighbour_list
from .comparison import Contest, compare
from .machine import available_cores, describe_machine, slug
from .other_work import OtherWork
from .peers import PeerError, Peers
from .plot import draw
from .progress import say
from .report_files import RESULTS, command_and_date, write
from .scaling import measure_scaling
from .stages import measure_stages
from .startup import measure_startup
from .system import first_frame, shortest_distance, system_of
from .table import SECTIONS, markdown
from .threads import compare_threads

QUICK = {"atoms": 1536, "rounds": 5, "largest": 1e4, "startups": 1, "listed": 24_000}
FULL = {"atoms": 5184, "rounds": 7, "largest": 1e6, "startups": 3, "listed": 192_000}
STAGE_ROUNDS = 3  # for each of the comparison: short, and the shortest counts
REMEDY = "make bench sets them up, or name an environment with --peer-python"


def _peers(
    python: str | None, contest: Contest, compressed: str | None
) -> tuple[Peers | None, list[str]]:
    """The peers and what to say of them; None, and why, without any."""
    if python is None:
        return None, [f"no peers: {REMEDY}"]
    distance = shortest_distance(contest.system)
    try:
        peers = Peers(python, contest.model, distance, contest.folder, compressed)
    except PeerError as error:
        return None, [f"no peers: {error}; {REMEDY}"]
    return peers, peers.notes


def write_all(report: dict[str, Any], folder: str, model: str | None) -> list[Path]:
    """JSON, Markdown and a picture, named by processor, date and model.

    Parameters
    ----------
    model : file of a model other than the embedded one
    """
    parts = [slug(Path(model).stem)] if model else []
    parts += ["quick"] if report["quick"] else []
    data = write(report, folder, report["machine"]["processor"], *parts)
    text, picture = data.with_suffix(".md"), data.with_suffix(".png")
    text.write_text(markdown(report))
    return [data, text, picture] if draw(report, picture) else [data, text]


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="Less of everything, under two minutes.")
@click.option("--peer-python", metavar="FILE", help="Python that has deepmd-kit.")
@click.option("-m", "--model", metavar="FILE", help="Any model; .pb for both sides.")
@click.option("--peer-compressed", metavar="FILE", help="Instead of dp compress.")
@click.option("--structure", metavar="FILE", help="Periodic cell of another model.")
@click.option("--copies", type=click.IntRange(min=1), help="Along each axis.")
@click.option("--atoms", type=click.IntRange(min=1), help="About how many to compare.")
@click.option("--rounds", type=click.IntRange(min=1))
@click.option("--largest", type=click.FloatRange(min=1), help="Of the scaling, atoms.")
@click.option("--threads", type=click.IntRange(min=1), help="Default: all cores.")
@click.option("--tol", default=1e-5, show_default=True, metavar="EV/Å")
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=tuple(PRECISIONS),
    type=click.Choice(list(PRECISIONS)),
    help="Default: all there are.",
)
@click.option("--only", multiple=True, type=click.Choice(list(SECTIONS)))
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(quick: bool, tol: float, only: tuple[str, ...], **given: Any) -> None:
    defaults = QUICK if quick else FULL
    rounds = given["rounds"] or int(defaults["rounds"])
    threads = given["threads"] or available_cores()
    precisions, asked = given["precisions"], set(only or SECTIONS)
    # Some workers run in folders of their own; a venv's python stays a link.
    files = ("model", "structure", "peer_python", "peer_compressed")
    model, structure, peer_python, compressed = (
        given[name] and os.path.abspath(given[name]) for name in files
    )
    report: dict[str, Any] = {
        **command_and_date("bench"),
        "quick": quick,
        "model": Path(model).name if model else "embedded water",
        "structure": Path(structure).name if structure else "water",
        "tol_ev_per_angstrom": tol,
        "machine": describe_machine(),
    }
    try:
        potential = dpse_fast.load(model, tol=tol, sel_overflow="truncate")
        frame = first_frame(structure, potential)
    except dpse_fast.errors.DpseError as error:
        raise click.ClickException(str(error)) from None
    count = given["atoms"] or int(defaults["atoms"])
    if given["copies"]:
        count = given["copies"] ** 3 * frame.n_atoms
    with tempfile.TemporaryDirectory() as folder:
        contest, cell = (
            Contest(system_of(frame, potential, n), model, tol, Path(folder))
            for n in (count, 1)
        )
        peers, notes = None, ["not asked for"]
        if asked & {"comparison", "startup"}:
            peers, notes = _peers(peer_python, cell, compressed)
        report["peers"] = {"versions": peers.versions if peers else {}, "notes": notes}
        repeats, started = int(defaults["startups"]), precisions[: 1 if quick else None]
        most = given["largest"] or defaults["largest"]
        sections: dict[str, Callable[[], dict[str, Any]]] = {
            "comparison": lambda: compare(contest, precisions, peers, rounds),
            "threads": lambda: compare_threads(contest, precisions, threads, rounds),
            "stages": lambda: measure_stages(
                contest, precisions, STAGE_ROUNDS * rounds
            ),
            "startup": lambda: measure_startup(cell, started, threads, peers, repeats),
            "neighbour_list": lambda: neighbour_list.measure(int(defaults["listed"])),
            "scaling": lambda: measure_scaling(
                contest, precisions, most, threads, structure
            ),
        }
        if threads == 1:
            del sections["threads"]
        for key in (key for key in sections if key in asked):
            try:
                with OtherWork() as others:
                    found = sections[key]()
            except KeyboardInterrupt:
                say(f"interrupted: without {key} and what comes after it")
                break
            report[key] = {**found, "other_work_cores": others.cores}
            report["machine"]["processors"] = others.of
    paths = write_all(report, given["output"], model)
    click.echo(markdown(report))
    for path in paths:
        say(f"wrote {path}")
    if len(paths) < 3:
        say("no plot: matplotlib is not installed or nothing to draw was measured")


if __name__ == "__main__":
    main()
