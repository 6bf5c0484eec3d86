"""Does a pair style conserve the energy? LAMMPS runs of bench/in.nve, and their drift.

    python -m bench.nve --folder runs --data examples/lammps/water/water.data \\
        --run "dpse-fast, double" lmp "dpse demo" --steps 40000

Each `--run` writes NAME.log into the folder; all logs in it are compared, so that slow
runs can be made one at a time, and elsewhere. The drift is the slope of the total
energy per atom over time, fitted to the means of blocks, whose scatter gives its
uncertainty.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from .lammps import thermo
from .machine import describe_machine
from .plot import pyplot, save
from .report_files import as_json, command_and_date

INPUT = Path(__file__).parent / "in.nve"
TIMESTEP = 0.0005  # ps, of the input
BLOCKS = 20
DRIFT, ERROR = "drift_ev_per_atom_per_ps", "standard_error"

Floats = NDArray[np.float64]


def energies_of(log: Path, steps: int) -> tuple[Floats, Floats, dict[str, Any]]:
    """Times (ps) and total energies (eV) in a log of LAMMPS, and of what."""
    text = log.read_text()
    rows = thermo(text.partition("Loop time")[0])
    found = np.array([row for row in rows if row[0] <= steps])
    n_atoms = re.search(r"(\d+) atoms", text)
    if len(found) < 2 * BLOCKS or n_atoms is None:
        raise click.ClickException(
            f"{log}: expected {2 * BLOCKS} rows or more, got {len(found)}"
        )
    about: dict[str, Any] = {"atoms": int(n_atoms[1]), "steps": int(found[-1, 0])}
    return TIMESTEP * found[:, 0], found[:, 3], about


def drift_of(times: Floats, energies: Floats) -> dict[str, float]:
    """Slope and its standard error, and the scatter around it, of energies per atom."""
    blocks = np.array_split(np.arange(len(times)), BLOCKS)
    t = np.array([times[b].mean() for b in blocks])
    e = np.array([energies[b].mean() for b in blocks])
    slope, start = np.polyfit(t, e, 1)
    left = e - (slope * t + start)
    error = np.sqrt((left @ left) / (BLOCKS - 2) / ((t - t.mean()) ** 2).sum())
    around = energies - (slope * times + start)
    return {
        DRIFT: float(slope),
        ERROR: float(error),
        "rms_around_the_line_ev_per_atom": float(np.sqrt((around**2).mean())),
    }


def draw(
    curves: dict[str, tuple[Floats, Floats]], found: dict[str, Any], path: Path
) -> None:
    """Energies per atom from the start of each run, in µeV, with their drift."""
    figure, axes = pyplot().subplots(
        len(curves), 1, figsize=(6.4, 1.5 * len(curves) + 0.6), sharex=True, sharey=True
    )
    for ax, (name, (t, e)) in zip(np.atleast_1d(axes), curves.items(), strict=True):
        ax.plot(t, 1e6 * (e - e[0]), lw=0.4, color="C0" if "dpse" in name else "0.5")
        drift, error = (1e6 * found[name][key] for key in (DRIFT, ERROR))
        ax.plot(t, 1e6 * (e.mean() - e[0]) + drift * (t - t.mean()), color="k", lw=1)
        title = f"{name}: {drift:+.2f} ± {error:.2f} µeV/atom/ps"
        ax.set_title(title, fontsize=9, loc="left")
        ax.set_ylabel("µeV/atom", fontsize=8)
        ax.tick_params(labelsize=8)
    ax.set_xlabel("ps", fontsize=8)
    save(figure, path)


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--run", "runs", nargs=3, multiple=True, metavar="NAME LMP PAIR")
@click.option("--steps", default=40000, show_default=True, type=click.IntRange(1))
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write it.")
@click.option("--plot", type=click.Path(path_type=Path), help="Write a PNG.")
def main(
    folder: Path,
    data: Path,
    runs: Sequence[tuple[str, str, str]],
    steps: int,
    report: Path | None,
    plot: Path | None,
) -> None:
    """Run NVE dynamics, and compare how the energy of all runs drifts."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lmp, pair in runs:
        log = folder / f"{name}.log"
        program = shutil.which(lmp)
        if program is None:
            raise click.ClickException(f"--run {name}: no program {lmp!r}")
        command = [
            str(Path(program).absolute()),
            "-in",
            str(INPUT),
            "-log",
            str(log.resolve()),
        ]
        given = {"data": str(data.resolve()), "pair": pair, "steps": str(steps)}
        for key, value in given.items():
            command += ["-var", key, value]
        click.echo(f"{name}: {steps} steps")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    found: dict[str, Any] = {}
    curves = {}
    for log in sorted(folder.glob("*.log")):
        times, energies, about = energies_of(log, steps)
        per_atom = energies / about["atoms"]
        curves[log.stem] = times, per_atom
        found[log.stem] = about | drift_of(times, per_atom)
    about = {
        "input": "bench/in.nve",
        "date": command_and_date("bench.nve")["date"],
        "machine": describe_machine(),
        "runs": found,
    }
    text = as_json(about)
    click.echo(text, nl=False)
    if report:
        report.write_text(text)
    if plot:
        draw(curves, found, plot)


if __name__ == "__main__":
    main()
