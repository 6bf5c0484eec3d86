"""Contenders that agree take turns; every round is kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np

from . import ratios
from .peers import COMPRESSED, UNCOMPRESSED, Peers
from .progress import say
from .system import System
from .worker import Answer, Worker, WorkerError, peer_environment

HARD_STOP = {"double": 1e-4, "mixed": 1e-3, "single": 1e-3}  # eV/Å
PREFIX = "dpse-fast, "


class Disagreement(click.ClickException):
    """Forces differ by more than precision and tolerance explain."""


class Contest:
    """What everybody evaluates, each in a process of its own.

    Parameters
    ----------
    model, tol : of ours
    folder : for the files of all
    """

    def __init__(
        self, system: System, model: str | None, tol: float, folder: Path
    ) -> None:
        self.system, self.n_atoms = system, len(system.types)
        self.model, self.tol, self.folder = model, tol, folder
        self._structure = system.save(folder / f"{self.n_atoms}-atoms.npz")

    def worker(
        self,
        name: str,
        script: str = "ours.py",
        python: str = sys.executable,
        environment: dict[str, str] | None = None,
        **options: Any,
    ) -> Worker:
        """Of any script, with options besides structure, model and tolerance."""
        common = {"structure": self._structure, "model": self.model, "tol": self.tol}
        options = common | options
        return Worker(name, script, options, self.folder, python, environment)

    def ours(self, precision: str, threads: int = 1, **more: Any) -> Worker:
        """dpse-fast; ``more`` as for `worker`."""
        name = f"{PREFIX}{precision}" + (f", {threads} threads" if threads > 1 else "")
        return self.worker(name, precision=precision, threads=threads, **more)

    def peer(self, peers: Peers, name: str, threads: int = 1) -> Worker:
        """deepmd-kit."""
        limits, model = peer_environment(threads), peers.models[name]
        return self.worker(name, "deepmd_kit.py", peers.python, limits, model=model)


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


def summary(
    times: Mapping[str, Sequence[Answer]], n_atoms: int, bases: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """µs/atom of each contender, and how much faster it is than the bases."""
    return {
        name: {
            "peak_bytes": rounds[-1].get("peak_bytes"),
            "times_faster_than": {
                base: ratios.times_faster(times[base], rounds) for base in bases
            },
            **{
                f"{clock}_us_per_atom": ratios.per_atom(seconds, n_atoms)
                for clock, seconds in ratios.by_clock(rounds).items()
            },
        }
        for name, rounds in times.items()
    }


def wall_over_cpu(times: Mapping[str, Sequence[Answer]]) -> float:
    """Median over all rounds on one thread."""
    each = [r["wall"] / r["cpu"] for rounds in times.values() for r in rounds]
    return ratios.median(each)


def agree_and_take_turns(
    workers: Sequence[Worker], reference: str, n_atoms: int, rounds: int
) -> dict[str, Any]:
    """Of workers that have evaluated once; raises Disagreement, WorkerError."""
    numbers = {worker.name: worker.numbers() for worker in workers}
    agreement = {
        name: differences(value, numbers[reference])
        for name, value in numbers.items()
        if name != reference
    }
    check_agreement(agreement, reference)
    calls = {worker.name: worker.evaluate for worker in workers}
    times = ratios.take_turns(calls, rounds, "comparison")
    bases = [name for name in (COMPRESSED, UNCOMPRESSED) if name in numbers]
    return {
        "atoms": n_atoms,
        "reference": reference,
        "agreement": agreement,
        "contenders": summary(times, n_atoms, bases),
        "rounds": times,
    }


def compare(
    contest: Contest, precisions: Sequence[str], peers: Peers | None, rounds: int
) -> dict[str, Any]:
    """Ours and the peers on one thread: agreement, then rounds.

    Raises
    ------
    Disagreement
    WorkerError
        If one of ours fails; a peer that fails is left out and named.
    """
    running, failed = {}, {}
    workers = [contest.ours(precision) for precision in precisions]
    if peers:
        workers += [contest.peer(peers, name) for name in peers.models]
    with ExitStack() as stack:
        for worker in [stack.enter_context(worker) for worker in workers]:
            say(f"first evaluation: {worker.name}")
            try:
                worker.evaluate()
                running[worker.name] = worker
            except WorkerError as error:
                if worker.name.startswith(PREFIX):
                    raise
                failed[worker.name] = str(error)
                say(str(error))
        names = (UNCOMPRESSED, COMPRESSED, *running)
        reference = next(name for name in names if name in running)
        found = agree_and_take_turns(
            [*running.values()], reference, contest.n_atoms, rounds
        )
    over = wall_over_cpu(found["rounds"])
    return {**found, "threads": 1, "failed": failed, "wall_over_cpu": over}
