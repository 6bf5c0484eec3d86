"""Our neighbour list and vesin's on the same water, on one core, in one run.

    pip install vesin
    python -m bench.neighbour_list --atoms 192000 --cutoff 6

Three lists of the same full pairs, in CPU seconds of the process from positions on:

- engine: ours as the engine takes it, the neighbours of each atom (CSR, int32) over
  atoms and images in spatial order, with the positions of both;
- ij: vesin's indices of both atoms of each pair (int64);
- ijd: ours, written out as vesin's are, indices of the caller's atoms (int64) and
  distances (float64), and vesin's.

They take turns, so that a slow moment of the machine hits all; the first call of each
is not counted, so both keep buffers: ours that of the list, vesin (copy=False) that of
its results. Before anything is timed the pairs and distances of both are compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import numba
import numpy as np

from dpse_fast.cli.replicated_box import replicated, water_cell
from dpse_fast.cpu.neighbours import NeighbourList
from dpse_fast.inputs.structure import check_system

from .machine import processor
from .progress import say
from .ratios import median, ratio_by_round, take_turns
from .report_files import command_and_date
from .workers.serve import timed

SAME = 1e-9  # Å
PEERS = {"ours engine": "vesin ij", "ours ijd": "vesin ijd"}


@numba.njit(nogil=True)
def write_out(hood, owners, i, j, d):  # type: ignore[no-untyped-def]
    """The pairs of a list as the caller's atoms (n_pairs,) and distances in Å."""
    for row in range(hood.centres.size):
        centre = hood.centres[row]
        x, y, z = hood.positions[centre]
        for p in range(hood.first[row], hood.first[row + 1]):
            k = hood.neighbours[p]
            dx = hood.positions[k, 0] - x
            dy = hood.positions[k, 1] - y
            dz = hood.positions[k, 2] - z
            i[p], j[p] = owners[centre], owners[k]
            d[p] = np.sqrt(dx * dx + dy * dy + dz * dz)


def our_calls(system: Any, cutoff: float) -> dict[str, Callable[[], Any]]:
    """The engine's list, and the same with what vesin gives."""
    own = NeighbourList(cutoff)
    own.update(system)
    n = len(own.hood.neighbours)
    pairs = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n)

    def ijd() -> tuple[Any, ...]:
        own.update(system)
        write_out(own.hood, own.owners, *pairs)
        return pairs

    return {"ours engine": partial(own.update, system), "ours ijd": ijd}


def vesin_calls(system: Any, cutoff: float) -> dict[str, Callable[[], Any]]:
    """Vesin on the same system; nothing if it is not installed."""
    try:
        import vesin
    except ImportError:
        say("vesin is not installed, only ours is timed: pip install vesin")
        return {}
    peer = vesin.NeighborList(cutoff=cutoff, full_list=True, n_threads=1)
    call = partial(peer.compute, system.positions, system.cell, True, copy=False)
    return {f"vesin {what}": partial(call, quantities=what) for what in ("ij", "ijd")}


def equal(a: tuple[Any, ...], b: tuple[Any, ...], n: int) -> bool:
    """Whether two lists (i, j, d) hold the same pairs, whatever their order."""
    if len(a[0]) != len(b[0]):
        return False
    pairs = [pair[0].astype(np.int64) * n + pair[1].astype(np.int64) for pair in (a, b)]
    order = [np.lexsort((c[2], p)) for c, p in zip((a, b), pairs, strict=True)]
    same = np.array_equal(pairs[0][order[0]], pairs[1][order[1]])
    return same and bool(np.abs(a[2][order[0]] - b[2][order[1]]).max() < SAME)


def measure(atoms: int, cutoff: float = 6.0, steps: int = 5) -> dict[str, Any]:
    """µs/atom of each list, and how much faster ours are."""
    box = replicated(water_cell(), atoms)
    types = np.zeros(box.n_atoms, np.int64)
    system = check_system(box.positions, types, box.cell, True, ("X",)).system
    calls = our_calls(system, cutoff) | vesin_calls(system, cutoff)
    n, mine = box.n_atoms, calls["ours ijd"]()
    report: dict[str, Any] = {
        "command": command_and_date("bench.neighbour_list")["command"],
        "machine": processor(),
        "atoms": n,
        "cutoff": cutoff,
        "neighbours_per_atom": round(len(mine[0]) / n, 3),
    }
    if "vesin ijd" in calls:
        report["pairs_equal"] = equal(mine, calls["vesin ijd"](), n)
    clocks = {name: partial(_cpu_seconds, call) for name, call in calls.items()}
    turns = take_turns(clocks, steps + 1, "neighbour list")
    seconds = {name: each[1:] for name, each in turns.items()}
    for name, each in seconds.items():
        report[name] = {"cpu_us_per_atom": round(1e6 * median(each) / n, 3)}
        other = PEERS.get(name)
        if other in seconds:
            ratio = ratio_by_round(seconds[other], each)["median"]
            report[name] |= {"times_faster": round(ratio, 2), "than": other}
    return report


def _cpu_seconds(call: Callable[[], Any]) -> float:
    return timed(call)[1]["cpu"]


@click.command()
@click.option("--atoms", default=192_000, help="about how many; copies of a cell")
@click.option("--cutoff", default=6.0, help="Å")
@click.option("--steps", default=5, help="counted lists of each")
@click.option("--output", type=click.Path(dir_okay=False), help="JSON file")
def main(atoms: int, cutoff: float, steps: int, output: str | None) -> None:
    """Time our neighbour list against vesin's."""
    text = json.dumps(measure(atoms, cutoff, steps), indent=2)
    click.echo(text)
    if output:
        Path(output).write_text(text + "\n")


if __name__ == "__main__":
    main()
