"""``python -m bench.lammps``: pair_style dpse against pair_style deepmd.

Both run the same model on the same cores, in turns, each in the LAMMPS of its own
environment; thermodynamic output must agree before anything counts. Times are
LAMMPS' own of its loop, start-up excluded. Writes JSON to bench/results.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from . import ratios
from .machine import available_cores, describe_machine, slug, without_folders
from .other_work import OtherWork
from .progress import say
from .report_files import significant
from .worker import NOISE, peer_environment

HERE = Path(__file__).parent
ROOT = HERE.parent
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


class LammpsError(Exception):
    """LAMMPS ended, or computed something else."""


@dataclass
class Contender:
    """A pair style in the LAMMPS of an environment."""

    name: str
    python: str
    pair: str
    environment: dict[str, str]

    def run(self, folder: Path, ranks: int, steps: int, copies: int) -> dict[str, Any]:
        """Seconds of the loop, and the thermodynamic output.

        Raises
        ------
        LammpsError
        """
        script = SCRIPT.format(
            data=DATA, copies=copies, pair=self.pair, steps=steps, warm_up=WARM_UP
        )
        (folder / "in.bench").write_text(script)
        binaries = Path(self.python).parent
        launcher = [str(binaries / "mpirun"), "-n", str(ranks)] if ranks > 1 else []
        done = subprocess.run(
            [*launcher, str(binaries / "lmp"), "-in", "in.bench", "-log", "none"],
            cwd=folder,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        loops, uses = LOOP.findall(done.stdout), USE.findall(done.stdout)
        if done.returncode or len(loops) != 2:
            said = (done.stdout + done.stderr).strip().splitlines()
            told = [line for line in said if "ERROR" in line] or [
                line for line in said if NOISE not in line
            ]
            raise LammpsError(f"{self.name}: {told[0] if told else 'no message'}")
        seconds = float(loops[1][0])
        return {
            "atoms": int(loops[1][1]),
            "wall": seconds / steps,
            "cpu": seconds / steps * float(uses[1]) / 100 * ranks,
            "thermo": thermo(done.stdout),
        }


def thermo(log: str) -> list[list[float]]:
    """All rows of a log: step, pe, ke, etotal (eV), press (bar)."""
    row = re.compile(r" *\d+( +-?[\d.]\S*){4} *")
    lines = (line for line in log.splitlines() if row.fullmatch(line))
    return [[float(word) for word in line.split()] for line in lines]


def built_plugin(python: str, folder: Path) -> Path:
    """The plugin, compiled against an environment.

    Raises
    ------
    LammpsError
    """
    code = f"import build; print(build.build({str(folder)!r}))"
    done = subprocess.run(
        [python, "-c", code],
        cwd=BUILDER,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LammpsError(f"plugin: {done.stderr.strip().splitlines()[-1]}")
    return folder


def contenders(
    ours: str, peer: str, model: str, plugin: Path, threads: int
) -> list[Contender]:
    """The peer first."""
    limits = peer_environment(threads)
    found = [Contender(PEER, peer, f"pair_style deepmd {model}", limits)]
    for precision in ENERGY:
        pair = f"pair_style dpse {model} precision {precision} threads {threads}"
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
    """Stop before anything counts that does not compute the same.

    Raises
    ------
    LammpsError
    """
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
    """Turns on one layout of ranks."""
    runs: dict[str, list[dict[str, Any]]] = {style.name: [] for style in styles}
    for k in range(rounds):
        for style in styles:
            say(f"{ranks} ranks, round {k + 1} of {rounds}: {style.name}")
            runs[style.name].append(style.run(folder, ranks, steps, copies))
            if k == 0 and style.name != PEER:
                check(style.name, agreement(runs[style.name][0], runs[PEER][0]))
    n_atoms = runs[PEER][0]["atoms"]
    entries = {}
    for name, each in runs.items():
        entry: dict[str, Any] = {}
        for clock in ("wall", "cpu"):
            mine = [run[clock] for run in each]
            theirs = [run[clock] for run in runs[PEER]]
            entry[f"{clock}_us_per_atom_step"] = ratios.per_atom(mine, n_atoms)
            faster = ratios.ratio_by_round(theirs, mine)
            entry.setdefault("times_faster", {})[clock] = faster
            entry.setdefault("rounds", {})[clock] = mine
        if name != PEER:
            entry["agreement"] = agreement(each[0], runs[PEER][0])
        entries[name] = entry
    return {"ranks": ranks, "atoms": n_atoms, "steps": steps, "contenders": entries}


@click.command(help=__doc__)
@click.option("-m", "--model", required=True, help="Compressed .pb with types O and H.")
@click.option("--peer-python", required=True, help="Has deepmd-kit[lmp].")
@click.option("--lammps-python", help="Has lammps[mpi] and dpse-fast; default: this.")
@click.option("--copies", default=3, show_default=True, help="Of 192 atoms, per axis.")
@click.option("--steps", default=10, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--output", default=str(HERE / "results"), help="Folder.")
def main(
    model: str,
    peer_python: str,
    lammps_python: str | None,
    copies: int,
    steps: int,
    rounds: int,
    output: str,
) -> None:
    cores = available_cores()
    report: dict[str, Any] = {
        "command": without_folders(["python -m bench.lammps", *sys.argv[1:]]),
        "date": datetime.date.today().isoformat(),
        "model": Path(model).name,
        "machine": describe_machine(),
        "layouts": [],
    }
    ours, peer = (
        os.path.abspath(p) for p in (lammps_python or sys.executable, peer_python)
    )
    try:
        with tempfile.TemporaryDirectory() as temporary, OtherWork() as others:
            folder = Path(temporary)
            plugin = built_plugin(ours, folder / "plugin")
            styles = contenders(ours, peer, os.path.abspath(model), plugin, 1)
            for ranks in sorted({1, cores}):
                found = compare(styles, folder, ranks, steps, copies, rounds)
                report["layouts"].append(found)
                for name, entry in found["contenders"].items():
                    faster = entry["times_faster"]["wall"]["median"]
                    each = entry["wall_us_per_atom_step"]["median"]
                    say(
                        f"{ranks} ranks, {name}: {each:.1f} µs/atom/step, {faster:.2f}x"
                    )
    except LammpsError as error:
        raise click.ClickException(str(error)) from None
    report["other_work_cores"] = others.cores
    name = f"{slug(report['machine']['processor'])}-{report['date']}-lammps.json"
    target = Path(output) / name
    target.write_text(json.dumps(significant(report), indent=1) + "\n")
    say(f"wrote {target.name}")


if __name__ == "__main__":
    main()
