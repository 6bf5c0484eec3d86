"""``python -m bench.committee_lammps``: model deviations in LAMMPS, against deepmd-kit.

Several models that differ by 1 % in their fitting nets, in pair_style deepmd and in
pair_style dpse: with its default tolerance, and with the models after the first planned
for a deviation tolerance. Rows of the deviation every step and every ten steps. Each
runs in the LAMMPS of its own environment, in turns, on one rank and one thread;
energies, pressures and deviations must agree before anything counts. Times are LAMMPS'
own of its loop, start-up excluded. Writes JSON to bench/results.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from . import lammps, ratios
from .peers import call
from .progress import say
from .report_files import RESULTS, report_of
from .worker import SCRIPTS, peer_environment

CHANGE = 0.01  # of each weight
OUTPUT = (1, 10)  # steps between rows
OUT_FILE = "model_devi.out"
OF_FORCES = slice(4, 7)  # columns: largest, smallest, mean
CERTIFIED = re.compile(r"certificate of force deviations: (\S+) eV/A")
# eV/Å that a plan of the default tolerance explains, of the deviations at step 0.
DEFAULT_OFF = 1e-4


@dataclass
class Contender(lammps.Contender):
    """A pair style with several models.

    Parameters
    ----------
    off : eV/Å, of the deviations of forces from the peer's at most
    """

    off: float = 0.0

    def run(self, folder: Path, ranks: int, steps: int, copies: int) -> dict[str, Any]:
        """As `lammps.Contender.run`, with the rows of the deviation."""
        (folder / OUT_FILE).unlink(missing_ok=True)
        found = super().run(folder, ranks, steps, copies)
        rows = np.loadtxt(folder / OUT_FILE, ndmin=2)
        certified = CERTIFIED.search(found.pop("log"))
        certificate = float(certified[1]) if certified else None
        return {**found, "deviation": rows, "certificate": certificate}


def committee_of(peer: str, model: str, number: int, folder: Path) -> list[str]:
    """Files of models that differ as several trainings would."""
    say("models")
    script = str(SCRIPTS / "perturb_graph.py")
    command = [peer, script, model, str(folder), str(number), repr(CHANGE)]
    call("making models", command, folder)
    return [str(folder / f"{k}.pb") for k in range(number)]


def contenders(
    ours: str, peer: str, models: list[str], plugin: Path, every: int, tol: float
) -> list[Contender]:
    """The peer first; all on one thread."""
    files, output = " ".join(models), f"out_freq {every} out_file {OUT_FILE}"
    words = f"{files} {output} precision double threads 1"
    own = {"LAMMPS_PLUGIN_PATH": str(plugin), "OMP_NUM_THREADS": "1"}
    theirs = f"pair_style deepmd {files} {output}"
    planned = f"pair_style dpse {words} deviation_tol {tol!r}"
    return [
        Contender(lammps.PEER, peer, theirs, peer_environment(1)),
        Contender("dpse", ours, f"pair_style dpse {words}", own, DEFAULT_OFF),
        Contender("dpse, deviation_tol", ours, planned, own, DEFAULT_OFF + 3 * tol),
    ]


def agreement(found: dict[str, Any], reference: dict[str, Any]) -> dict[str, float]:
    """As `lammps.agreement`, with the deviations of forces at step 0 (eV/Å)."""
    off = np.abs(found["deviation"][0] - reference["deviation"][0])[OF_FORCES]
    return {
        **lammps.agreement(found, reference),
        "deviation_ev_per_angstrom": float(off.max()),
        "largest_deviation_ev_per_angstrom": float(reference["deviation"][0, 4]),
    }


def check(one: Contender, off: dict[str, float]) -> None:
    """Raise `lammps.LammpsError` before anything counts that does not agree."""
    lammps.check("dpse, double", off)
    found = off["deviation_ev_per_angstrom"]
    if not found <= one.off:
        raise lammps.LammpsError(
            f"{one.name}: deviations are off by {found:.2e} eV/Å, over {one.off}"
        )


def compare(
    styles: list[Contender], folder: Path, every: int, copies: int, rounds: int
) -> dict[str, Any]:
    """Turns with rows at these steps; all agree before the second round."""
    steps = max(10, 2 * every)
    calls = {s.name: partial(s.run, folder, 1, steps, copies) for s in styles}
    runs = ratios.take_turns(calls, 1, f"every {every}, first")
    reference = runs[lammps.PEER][0]
    off = {s.name: agreement(runs[s.name][0], reference) for s in styles[1:]}
    for one in styles[1:]:
        check(one, off[one.name])
    more = ratios.take_turns(calls, rounds - 1, f"every {every}, more")
    n_atoms = reference["atoms"]
    entries: dict[str, dict[str, Any]] = {}
    for name, each in runs.items():
        each += more[name]
        clocks = ratios.by_clock(each)
        entries[name] = {
            **{
                f"{clock}_us_per_atom_step": ratios.per_atom(seconds, n_atoms)
                for clock, seconds in clocks.items()
            },
            "times_faster": ratios.times_faster(runs[lammps.PEER], each),
            "rounds": clocks,
        }
        if name in off:
            entries[name]["certificate_ev_per_angstrom"] = each[0]["certificate"]
            entries[name]["agreement"] = off[name]
        faster = entries[name]["times_faster"]["wall"]["median"]
        us = entries[name]["wall_us_per_atom_step"]["median"]
        say(f"every {every}, {name}: {us:.1f} µs/atom/step, {faster:.2f}x")
    return {"out_freq": every, "atoms": n_atoms, "steps": steps, "contenders": entries}


@click.command(help=__doc__)
@click.option("-m", "--model", required=True, help="Compressed .pb with types O and H.")
@click.option("--peer-python", required=True, help="Has deepmd-kit[lmp].")
@click.option("--lammps-python", default=sys.executable, help="Default: this one.")
@click.option("--models", default=4, show_default=True)
@click.option("--deviation-tol", default=1e-3, show_default=True, help="eV/Å")
@click.option("--copies", default=2, show_default=True, help="Of 192 atoms, per axis.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(
    model: str,
    peer_python: str,
    lammps_python: str,
    models: int,
    deviation_tol: float,
    output: str,
    **layout: int,
) -> None:
    ours, peer, path = map(os.path.abspath, (lammps_python, peer_python, model))
    facts = {"model": Path(model).name, "models": models, "change": CHANGE}
    with report_of(
        "bench.committee_lammps", output, **facts, deviation_tol=deviation_tol
    ) as (report, folder):
        plugin = folder / "plugin"
        code = f"import build; print(build.build({str(plugin)!r}))"
        call("plugin", [ours, "-c", code], lammps.BUILDER, environment={})
        files = committee_of(peer, path, models, folder)
        report["output"] = [
            compare(
                contenders(ours, peer, files, plugin, every, deviation_tol),
                folder,
                every,
                **layout,
            )
            for every in OUTPUT
        ]


if __name__ == "__main__":
    main()
