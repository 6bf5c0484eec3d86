"""``python -m bench.deepmd_python``: DeepPot.eval of dpse-fast against deepmd-kit's.

The same calls in both, on one thread and in turns, each in its own environment: many
frames in one call, and frame by frame, of water in a box and of small boxes. Energies
and forces must agree before anything counts. Writes JSON to bench/results.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np

from dpse_fast.cli.replicated_box import water_cell

from . import ratios
from .progress import say
from .report_files import RESULTS, report_of
from .worker import Worker, peer_environment

PEER = "deepmd-kit"
DISPLACED = 0.02  # Å, from frame to frame
LIMIT = 5e-5  # eV/Å
# Atoms of a frame, frames, and whether they are evaluated in one call.
CASES = {
    "64 frames of 192 atoms, one call": (192, 64, True),
    "16 frames of 192 atoms, one by one": (192, 16, False),
    "256 frames of 12 atoms, one call": (12, 256, True),
    "64 frames of 12 atoms, one by one": (12, 64, False),
}


def write_frames(path: Path, n_atoms: int, n_frames: int) -> None:
    """Water, displaced at random; of few atoms, those of molecules in a larger box."""
    box = water_cell()
    assert box.cell is not None
    rng = np.random.default_rng(3)
    positions = box.positions[:n_atoms]
    types = np.where(box.symbols == "O", 0, 1)[:n_atoms]
    shape = (n_frames, n_atoms, 3)
    np.savez(
        path,
        positions=positions + rng.normal(scale=DISPLACED, size=shape),
        cells=np.tile(np.reshape(box.cell, 9), (n_frames, 1)),
        types=types,
    )


def workers(
    stack: ExitStack, folder: Path, frames: Path, together: bool, **given: str
) -> dict[str, Worker]:
    """The peer first."""
    shared = {"frames": str(frames), "together": together, "model": given["model"]}
    found = {}
    for name, module, python, options in (
        (PEER, "deepmd.infer", given["peer_python"], {}),
        *(
            (f"dpse-fast, {p}", "dpse_fast.deepmd", sys.executable, own(p))
            for p in ("double", "mixed")
        ),
    ):
        asked = {**shared, "module": module, "options": options}
        worker = Worker(name, "deep_pot.py", asked, folder, python, peer_environment(1))
        found[name] = stack.enter_context(worker)
    return found


def own(precision: str) -> dict[str, Any]:
    """With the rule for more neighbours than sel that deepmd-kit has."""
    return {
        "precision": precision,
        "threads": 1,
        "device": "cpu",
        "sel_overflow": "truncate",
    }


def compare(
    found: dict[str, Worker], n_atoms: int, rounds: int, label: str
) -> dict[str, Any]:
    """Turns; all agree before the first that counts."""
    calls = {name: worker.evaluate for name, worker in found.items()}
    ratios.take_turns(calls, 1, f"{label}, warm up")
    reference = found[PEER].numbers()
    off = {}
    for name, worker in found.items():
        numbers = worker.numbers()
        off[name] = float(np.abs(numbers["forces"] - reference["forces"]).max())
        if not off[name] <= LIMIT:
            raise click.ClickException(f"{name}: forces are off by {off[name]:.1e}")
    runs = ratios.take_turns(calls, rounds, label)
    entries: dict[str, Any] = {}
    for name, each in runs.items():
        clocks = ratios.by_clock(each)
        entries[name] = {
            "us_per_atom": {
                clock: ratios.per_atom(seconds, n_atoms)
                for clock, seconds in clocks.items()
            },
            "times_faster": ratios.times_faster(runs[PEER], each),
            "rounds": clocks,
            "largest_difference_of_forces": off[name],
        }
        faster = entries[name]["times_faster"]["cpu"]["median"]
        say(f"{label}, {name}: {faster:.1f}x")
    return entries


@click.command(help=__doc__)
@click.option("-m", "--model", required=True, help="Compressed .pb with types O and H.")
@click.option("--peer-python", required=True, help="Has deepmd-kit.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1))
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(model: str, peer_python: str, rounds: int, output: str) -> None:
    path = str(Path(model).resolve())
    peer = str(Path(peer_python).absolute())
    with report_of("bench.deepmd_python", output, model=Path(model).name) as (
        report,
        folder,
    ):
        report["cases"] = {}
        for label, (n_atoms, n_frames, together) in CASES.items():
            frames = folder / f"{n_atoms}-{n_frames}.npz"
            write_frames(frames, n_atoms, n_frames)
            with ExitStack() as stack:
                found = workers(
                    stack, folder, frames, together, model=path, peer_python=peer
                )
                n = n_atoms * n_frames
                report["cases"][label] = compare(found, n, rounds, label)


if __name__ == "__main__":
    main()
