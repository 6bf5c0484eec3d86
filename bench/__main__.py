"""``python -m bench``: every measurement of one machine in one run.

deepmd-kit runs in an environment of its own (``--peer-python``); without it, or
without vesin in ours, what can be measured is measured. Writes JSON with every
round, a Markdown table and a plot to bench/results.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .comparison import Disagreement, compare
from .machine import available_cores, describe_machine, without_folders
from .other_work import OtherWork
from .peers import PeerError, Peers, prepare
from .progress import say
from .report_files import write
from .scaling import measure_scaling
from .stages import measure_stages
from .startup import measure_startup
from .system import first_frame, shortest_distance, system_of
from .table import SECTIONS, markdown
from .threads import compare_threads
from .worker import WorkerError

HERE = Path(__file__).parent
QUICK = {"atoms": 1536, "rounds": 5, "largest": 1e4, "startups": 1, "listed": 24_000}
FULL = {"atoms": 5184, "rounds": 7, "largest": 1e6, "startups": 3, "listed": 192_000}
STAGE_ROUNDS = 3  # for each of the comparison: short, and the shortest counts
MOST_SECONDS = 300


def neighbour_list(folder: Path, atoms: int) -> dict[str, Any]:
    """What bench/neighbour_list.py measures, in a process of its own."""
    say("neighbour list")
    script, output = HERE / "neighbour_list.py", folder / "neighbour_list.json"
    if not script.exists():
        return {"error": "bench/neighbour_list.py does not exist"}
    command = [sys.executable, str(script), "--output", str(output)]
    command += ["--atoms", str(atoms)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=MOST_SECONDS
        )
    except subprocess.TimeoutExpired:
        return {"error": f"the neighbour list took more than {MOST_SECONDS} s"}
    if not output.exists():
        said = (done.stderr or done.stdout).strip().splitlines()
        return {"error": said[-1] if said else f"ended with code {done.returncode}"}
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def _peers(
    python: str | None,
    model: str | None,
    distance: float,
    folder: Path,
    compressed: str | None,
) -> tuple[Peers | None, list[str]]:
    """The peers and what to say of them; None, and why, without any."""
    remedy = "make bench sets them up, or name an environment with --peer-python"
    if python is None:
        return None, [f"no peers: {remedy}"]
    try:
        peers = prepare(python, model, distance, folder, compressed)
    except PeerError as error:
        return None, [f"no peers: {error}; {remedy}"]
    return peers, peers.notes


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
    "--precision", "precisions", multiple=True, help="Default: all there are."
)
@click.option("--only", multiple=True, type=click.Choice(list(SECTIONS)))
@click.option(
    "--output",
    default=str(HERE / "results"),
    type=click.Path(file_okay=False),
    help="Folder.  [default: bench/results]",
)
def main(
    quick: bool,
    peer_python: str | None,
    model: str | None,
    peer_compressed: str | None,
    structure: str | None,
    copies: int | None,
    atoms: int | None,
    rounds: int | None,
    largest: float | None,
    threads: int | None,
    tol: float,
    precisions: tuple[str, ...],
    only: tuple[str, ...],
    output: str,
) -> None:
    import dpse_fast
    from dpse_fast.plan import PRECISIONS

    unknown = set(precisions) - set(PRECISIONS)
    if unknown:
        raise click.BadParameter(f"precision: expected one of {', '.join(PRECISIONS)}")
    defaults = QUICK if quick else FULL
    names = list(precisions or PRECISIONS)
    rounds = rounds or int(defaults["rounds"])
    threads = threads or available_cores()
    asked = set(only or SECTIONS)
    # The workers run in folders of their own; a venv's python stays a link.
    model, structure, peer_python, peer_compressed = (
        path and os.path.abspath(path)
        for path in (model, structure, peer_python, peer_compressed)
    )
    report: dict[str, Any] = {
        "command": without_folders(["python -m bench", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "quick": quick,
        "model": Path(model).name if model else "embedded water",
        "structure": Path(structure).name if structure else "water",
        "tol_ev_per_angstrom": tol,
        "machine": describe_machine(),
    }
    try:
        potential = dpse_fast.load(model, tol=tol, sel_overflow="truncate")
        frame = first_frame(structure, potential)
        count = copies**3 * frame.n_atoms if copies else atoms or defaults["atoms"]
        system = system_of(frame, potential, int(count))
        single = system_of(frame, potential, 1)
    except dpse_fast.errors.DpseError as error:
        raise click.ClickException(str(error)) from None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saved = system.save(folder / "structure.npz")
        cell = single.save(folder / "cell.npz")
        peers, notes = None, ["not asked for"]
        if asked & {"comparison", "startup"}:
            distance = shortest_distance(single)
            peers, notes = _peers(peer_python, model, distance, folder, peer_compressed)
        versions = peers.versions if peers else {}
        report["peers"] = {"versions": versions, "notes": notes}
        n = len(system.types)
        stage_rounds, repeats = STAGE_ROUNDS * rounds, int(defaults["startups"])
        started = names[:1] if quick else names
        most = largest or defaults["largest"]
        sections: dict[str, Callable[[], dict[str, Any] | None]] = {
            "comparison": lambda: compare(
                names, model, tol, peers, saved, n, rounds, folder
            ),
            "threads": lambda: (
                compare_threads(names, threads, model, tol, saved, n, rounds, folder)
                if threads > 1
                else None
            ),
            "stages": lambda: measure_stages(names, model, tol, system, stage_rounds),
            "startup": lambda: measure_startup(
                started, model, tol, threads, peers, cell, repeats, folder
            ),
            "neighbour_list": lambda: neighbour_list(folder, int(defaults["listed"])),
            "scaling": lambda: measure_scaling(
                names, most, threads, model, tol, structure
            ),
        }
        for key, measure in sections.items():
            if key not in asked:
                continue
            try:
                with OtherWork() as others:
                    found = measure()
            except (Disagreement, WorkerError) as error:
                raise click.ClickException(str(error)) from None
            except KeyboardInterrupt:
                say(f"interrupted: without {key} and what comes after it")
                break
            if found:
                report[key] = {**found, "other_work_cores": others.cores}
                report["machine"]["processors"] = others.of
    paths = write(report, Path(output), model)
    click.echo(markdown(report))
    for path in paths:
        say(f"wrote {path}")
    if len(paths) < 3:
        say("no plot: matplotlib is not installed or nothing to draw was measured")


if __name__ == "__main__":
    main()
