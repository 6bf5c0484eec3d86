"""Ours on one and on several threads, beside what the machine allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from . import ratios
from .comparison import our_worker
from .progress import say
from .worker import Worker

Answer = dict[str, float]
Answers = Sequence[Mapping[str, float]]


def all_at_once(workers: Sequence[Worker]) -> list[Answer]:
    """An evaluation of each, at the same time."""
    with ThreadPoolExecutor(len(workers)) as pool:
        return list(pool.map(lambda worker: worker.evaluate(), workers))


def allowed(alone: Sequence[float], together: Sequence[Sequence[float]]) -> list[float]:
    """How many evaluations of one thread the machine makes in the time of one.

    Processes that share nothing but the machine: what is below their number is lost
    to shared cores, caches and clocks, or to other work, and no program can have it.

    Parameters
    ----------
    alone : seconds of one process alone, round by round
    together : seconds of each process while all run, round by round
    """
    return [
        sum(one / each for each in others)
        for one, others in zip(alone, together, strict=True)
    ]


def summary(
    one: Answers, many: Answers, together: Sequence[Answers], threads: int, n_atoms: int
) -> dict[str, Any]:
    """Of the rounds on one thread, on many, and of processes at once in each round."""
    alone, shared = [r["wall"] for r in one], [r["wall"] for r in many]
    limit = allowed(alone, [[r["wall"] for r in answers] for answers in together])
    cpu = [[r["cpu"] for r in answers] for answers in (many, one)]
    return {
        "wall_us_per_atom": {
            "1": ratios.per_atom(alone, n_atoms),
            str(threads): ratios.per_atom(shared, n_atoms),
        },
        "times_faster": ratios.ratio_by_round(alone, shared),
        "times_faster_shortest": min(alone) / min(shared),
        "machine_allows": ratios.median(limit),
        "cpu_ratio": ratios.ratio_by_round(*cpu),
        "rounds": {"1": one, str(threads): many, "processes at once": together},
    }


def compare_threads(
    precisions: Sequence[str],
    threads: int,
    model: str | None,
    tol: float,
    structure: str,
    n_atoms: int,
    rounds: int,
    folder: Path,
) -> dict[str, Any]:
    """One thread, several threads, and as many processes at once, in turns."""
    found: dict[str, Any] = {"atoms": n_atoms, "threads": threads, "precisions": {}}
    for precision in precisions:
        with ExitStack() as stack:
            counts = [threads, *[1] * threads]
            places = [folder / f"{precision}-{k}" for k in range(len(counts))]
            for place in places:
                place.mkdir(exist_ok=True)
            many, *singles = (
                stack.enter_context(
                    our_worker(precision, n, model, tol, structure, place)
                )
                for n, place in zip(counts, places, strict=True)
            )
            for worker in (many, singles[0]):
                worker.evaluate()
            all_at_once(singles)
            measured: tuple[list[Answer], list[Answer], list[list[Answer]]]
            measured = ([], [], [])
            for k in range(rounds):
                say(f"threads, {precision}: round {k + 1} of {rounds}")
                measured[0].append(singles[0].evaluate())
                measured[1].append(many.evaluate())
                measured[2].append(all_at_once(singles))
        found["precisions"][precision] = summary(*measured, threads, n_atoms)
    return found
