"""Contenders that agree take turns; every round is kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from . import ratios
from .peers import COMPRESSED, UNCOMPRESSED, Peers
from .progress import say
from .worker import Worker, WorkerError, peer_environment

HARD_STOP = {"double": 1e-4, "mixed": 1e-3, "single": 1e-3}  # eV/Å
PREFIX = "dpse-fast, "


class Disagreement(Exception):
    """Forces differ by more than precision and tolerance explain."""


def our_worker(
    precision: str,
    threads: int,
    model: str | None,
    tol: float,
    structure: str,
    folder: Path,
    environment: dict[str, str] | None = None,
) -> Worker:
    """dpse-fast in a process of its own."""
    options: dict[str, Any] = {"model": model, "precision": precision}
    options |= {"threads": threads, "tol": tol, "structure": structure}
    name = f"{PREFIX}{precision}" + (f", {threads} threads" if threads > 1 else "")
    return Worker(name, sys.executable, "ours.py", options, folder, environment)


def peer_worker(
    name: str, peers: Peers, threads: int, structure: str, folder: Path
) -> Worker:
    """deepmd-kit in a process of its own."""
    options = {"model": peers.models[name], "structure": structure}
    limits = peer_environment(threads)
    return Worker(name, peers.python, "deepmd_kit.py", options, folder, limits)


def differences(ours: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float]:
    """Of two evaluations: energy, forces (N, 3) and virial (3, 3)."""
    n = len(ours["forces"])
    forces = np.asarray(ours["forces"]) - other["forces"]
    virial = np.asarray(ours["virial"]) - other["virial"]
    energy = float(ours["energy"]) - float(other["energy"])
    return {
        "energy_ev_per_atom": abs(energy) / n,
        "force_max_ev_per_angstrom": float(np.abs(forces).max()),
        "force_rms_ev_per_angstrom": float(np.sqrt((forces**2).mean())),
        "virial_max_ev_per_atom": float(np.abs(virial).max()) / n,
    }


def check_agreement(found: Mapping[str, Mapping[str, float]], reference: str) -> None:
    """Stop before anything is timed that does not compute the same.

    Raises
    ------
    Disagreement
        If forces of ours are not those of the reference (NaN included).
    """
    for name, difference in found.items():
        limit = HARD_STOP.get(name.removeprefix(PREFIX))
        worst = difference["force_max_ev_per_angstrom"]
        if name.startswith(PREFIX) and limit is not None and not worst <= limit:
            raise Disagreement(
                f"forces of {name} differ from those of {reference} by {worst:.2e} "
                f"eV/Å, more than {limit:.0e}: nothing was timed"
            )


def take_turns(
    workers: Sequence[Worker], rounds: int, label: str
) -> dict[str, list[dict[str, float]]]:
    """Seconds of every contender in every round."""
    times: dict[str, list[dict[str, float]]] = {w.name: [] for w in workers}
    for k in range(rounds):
        say(f"{label}: round {k + 1} of {rounds}")
        for worker in workers:
            times[worker.name].append(worker.evaluate())
    return times


def summary(
    times: Mapping[str, Sequence[Mapping[str, float]]],
    n_atoms: int,
    bases: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """µs/atom of each contender, and how much faster it is than the bases."""
    found = {}
    for name, rounds in times.items():
        entry: dict[str, Any] = {"peak_bytes": rounds[-1].get("peak_bytes")}
        entry["times_faster_than"] = {}
        for clock in ("wall", "cpu"):
            mine = [r[clock] for r in rounds]
            entry[f"{clock}_us_per_atom"] = ratios.per_atom(mine, n_atoms)
            for base in bases:
                theirs = [r[clock] for r in times[base]]
                ratio = ratios.ratio_by_round(theirs, mine)
                entry["times_faster_than"].setdefault(base, {})[clock] = ratio
        found[name] = entry
    return found


def wall_over_cpu(times: Mapping[str, Sequence[Mapping[str, float]]]) -> float:
    """Median over all rounds on one thread."""
    each = [r["wall"] / r["cpu"] for rounds in times.values() for r in rounds]
    return ratios.median(each)


def compare(
    precisions: Sequence[str],
    model: str | None,
    tol: float,
    peers: Peers | None,
    structure: str,
    n_atoms: int,
    rounds: int,
    folder: Path,
) -> dict[str, Any]:
    """Ours and the peers on one thread: agreement, then rounds.

    Raises
    ------
    Disagreement
    WorkerError
        If one of ours fails; a peer that fails is left out and named.
    """
    with ExitStack() as stack:
        workers = [
            stack.enter_context(our_worker(p, 1, model, tol, structure, folder))
            for p in precisions
        ]
        for name in peers.models if peers else ():
            assert peers
            worker = peer_worker(name, peers, 1, structure, folder)
            workers.append(stack.enter_context(worker))
        running, failed = [], {}
        for worker in workers:
            say(f"first evaluation: {worker.name}")
            try:
                worker.evaluate()
            except WorkerError as error:
                if worker.name.startswith(PREFIX):
                    raise
                failed[worker.name] = str(error)
                say(str(error))
                continue
            running.append(worker)
        numbers = {w.name: w.numbers() for w in running}
        reference = next(
            (n for n in (UNCOMPRESSED, COMPRESSED) if n in numbers),
            f"{PREFIX}{precisions[0]}",
        )
        agreement = {
            name: differences(value, numbers[reference])
            for name, value in numbers.items()
            if name != reference
        }
        check_agreement(agreement, reference)
        times = take_turns(running, rounds, "comparison")
    bases = [n for n in (COMPRESSED, UNCOMPRESSED) if n in numbers]
    return {
        "atoms": n_atoms,
        "threads": 1,
        "reference": reference,
        "agreement": agreement,
        "contenders": summary(times, n_atoms, bases),
        "failed": failed,
        "wall_over_cpu": wall_over_cpu(times),
        "rounds": times,
    }
