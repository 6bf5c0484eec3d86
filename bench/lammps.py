"""``python -m bench.lammps``: pair_style dpse against pair_style deepmd.

Both run the same model on the same cores, in turns, each in the LAMMPS of its own
environment; so does pair_style deepmd with our libdeepmd_c.so in the place of its own,
if --library names it. Thermodynamic output must agree before anything counts. Times
are LAMMPS' own of its loop, start-up excluded. Writes JSON to bench/results.
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

from . import ratios
from .machine import available_cores
from .peers import call
from .progress import say
from .report_files import RESULTS, report_of
from .worker import peer_environment

ROOT = Path(__file__).parents[1]
DATA = ROOT / "examples" / "lammps" / "water" / "water.data"
BUILDER = ROOT / "plugins" / "lammps" / "dpse_lammps"
PEER = "deepmd"
WARM_UP = 2  # steps
MOST_SECONDS = 600
# eV/atom and bar that precision and tolerance explain, at step 0.
ENERGY, PRESSURE = {"double": 1e-6, "mixed": 1e-5}, {"double": 5.0, "mixed": 50.0}
SCRIPT = """
units metal
boundary p p p
atom_style atomic
read_data {data}
replicate {copies} {copies} {copies}
{pair}
pair_coeff * * O H
neighbor 2.0 bin
neigh_modify every 10 delay 0 check no
velocity all create 330.0 23456789
fix run all nve
timestep 0.0005
thermo_style custom step pe ke etotal press
thermo_modify format float %20.15g
thermo {warm_up}
run {warm_up}
thermo {steps}
run {steps}
"""
LOOP = re.compile(r"Loop time of (\S+) on \d+ procs for \d+ steps with (\d+) atoms")
USE = re.compile(r"([\d.]+)% CPU use with")


class LammpsError(click.ClickException):
    """LAMMPS computed something else."""


@dataclass
class Contender:
    """A pair style in the LAMMPS of an environment."""

    name: str
    python: str
    pair: str
    environment: dict[str, str]

    def run(self, folder: Path, ranks: int, steps: int, copies: int) -> dict[str, Any]:
        """Seconds of the loop, the thermodynamic output, and all that was said."""
        script = SCRIPT.format(
            data=DATA, copies=copies, pair=self.pair, steps=steps, warm_up=WARM_UP
        )
        (folder / "in.bench").write_text(script)
        binaries = Path(self.python).parent
        launcher = [str(binaries / "mpirun"), "-n", str(ranks)] if ranks > 1 else []
        command = [*launcher, str(binaries / "lmp"), "-in", "in.bench", "-log", "none"]
        said = call(self.name, command, folder, MOST_SECONDS, self.environment)
        loops, uses = LOOP.findall(said), USE.findall(said)
        if len(loops) != 2:
            raise LammpsError(f"{self.name}: expected two runs, got {len(loops)}")
        (loop, n_atoms), use = loops[1], uses[1]
        seconds = float(loop) / steps
        return {
            "atoms": int(n_atoms),
            "wall": seconds,
            "cpu": seconds * float(use) / 100 * ranks,
            "thermo": thermo(said),
            "log": said,
        }


def thermo(log: str) -> list[list[float]]:
    """All rows of a log: step, pe, ke, etotal (eV), and a fifth column."""
    row = re.compile(r" *\d+( +-?[\d.]\S*){4} *")
    lines = (line for line in log.splitlines() if row.fullmatch(line))
    return [[float(word) for word in line.split()] for line in lines]


def contenders(
    ours: str, peer: str, model: str, plugin: Path, library: Path | None
) -> list[Contender]:
    """The peer first; all on one thread a rank."""
    pair = f"pair_style deepmd {model}"
    found = [Contender(PEER, peer, pair, peer_environment(1))]
    for precision in ENERGY if library else ():
        replaced = peer_environment(1) | {
            "LD_PRELOAD": str(library),
            "DPSE_PRECISION": precision,
            "DPSE_THREADS": "1",
        }
        found.append(
            Contender(f"deepmd, our library, {precision}", peer, pair, replaced)
        )
    for precision in ENERGY:
        pair = f"pair_style dpse {model} precision {precision} threads 1"
        environment = {"LAMMPS_PLUGIN_PATH": str(plugin), "OMP_NUM_THREADS": "1"}
        found.append(Contender(f"dpse, {precision}", ours, pair, environment))
    return found


def agreement(found: dict[str, Any], reference: dict[str, Any]) -> dict[str, float]:
    """Largest differences of the thermodynamic output at step 0 and at the end."""
    ours, theirs = (np.array(x["thermo"]) for x in (found, reference))
    off = np.abs(ours - theirs)
    return {
        "energy_ev_per_atom": float(off[0, 1]) / found["atoms"],
        "pressure_bar": float(off[0, 4]),
        "energy_at_end_ev_per_atom": float(off[-1, 1]) / found["atoms"],
        "pressure_at_end_bar": float(off[-1, 4]),
    }


def check(name: str, off: dict[str, float]) -> None:
    """Raise LammpsError before anything counts that does not compute the same."""
    precision = name.rsplit(" ", 1)[1]
    for key, limit in (
        ("energy_ev_per_atom", ENERGY[precision]),
        ("pressure_bar", PRESSURE[precision]),
    ):
        if not off[key] <= limit:
            raise LammpsError(f"{name}: {key} is off by {off[key]:.2e}, over {limit}")


def compare(
    styles: list[Contender],
    folder: Path,
    ranks: int,
    steps: int,
    copies: int,
    rounds: int,
) -> dict[str, Any]:
    """Turns on one layout of ranks; all agree before the second round."""
    calls = {s.name: partial(s.run, folder, ranks, steps, copies) for s in styles}
    runs = ratios.take_turns(calls, 1, f"{ranks} ranks, first")
    reference = runs[PEER][0]
    off = {name: agreement(each[0], reference) for name, each in runs.items()}
    del off[PEER]
    for name, found in off.items():
        check(name, found)
    more = ratios.take_turns(calls, rounds - 1, f"{ranks} ranks, more")
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
            "times_faster": ratios.times_faster(runs[PEER], each),
            "rounds": clocks,
            **({"agreement": off[name]} if name in off else {}),
        }
        faster = entries[name]["times_faster"]["wall"]["median"]
        us = entries[name]["wall_us_per_atom_step"]["median"]
        say(f"{ranks} ranks, {name}: {us:.1f} µs/atom/step, {faster:.2f}x")
    return {"ranks": ranks, "atoms": n_atoms, "steps": steps, "contenders": entries}


@click.command(help=__doc__)
@click.option("-m", "--model", required=True, help="Compressed .pb with types O and H.")
@click.option("--peer-python", required=True, help="Has deepmd-kit[lmp].")
@click.option("--lammps-python", default=sys.executable, help="Default: this one.")
@click.option("--library", type=Path, help="Our libdeepmd_c.so.")
@click.option("--copies", default=3, show_default=True, help="Of 192 atoms, per axis.")
@click.option("--steps", default=10, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(
    model: str,
    peer_python: str,
    lammps_python: str,
    library: Path | None,
    output: str,
    **layout: int,
) -> None:
    ours, peer, path = map(os.path.abspath, (lammps_python, peer_python, model))
    with report_of("bench.lammps", output, model=Path(model).name) as (report, folder):
        plugin = folder / "plugin"
        code = f"import build; print(build.build({str(plugin)!r}))"
        call("plugin", [ours, "-c", code], BUILDER, environment={})
        preloaded = library and library.absolute()
        styles = contenders(ours, peer, path, plugin, preloaded)
        report["layouts"] = [
            compare(styles, folder, ranks, **layout)
            for ranks in sorted({1, available_cores()})
        ]


if __name__ == "__main__":
    main()
