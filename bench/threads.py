"""Ours on one and on several threads, beside what the machine allows."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

from . import ratios
from .comparison import Contest
from .worker import Answer, Worker


def all_at_once(workers: Sequence[Worker]) -> list[Answer]:
    """An evaluation of each, at the same time."""
    with ThreadPoolExecutor(len(workers)) as pool:
        return list(pool.map(lambda worker: worker.evaluate(), workers))


def summary(
    one: Sequence[Answer],
    many: Sequence[Answer],
    together: Sequence[Sequence[Answer]],
    threads: int,
    n_atoms: int,
) -> dict[str, Any]:
    """Of the rounds on one thread, on many, and of processes at once in each round.

    ``machine_allows`` is how many evaluations of one thread the machine makes in the
    time of one, by processes that share nothing but the machine: what is below their
    number is lost to shared cores, caches and clocks, or to other work.
    """
    alone, shared = ratios.by_clock(one), ratios.by_clock(many)
    allowed = [
        sum(wall / each["wall"] for each in others)
        for wall, others in zip(alone["wall"], together, strict=True)
    ]
    return {
        "wall_us_per_atom": {
            "1": ratios.per_atom(alone["wall"], n_atoms),
            str(threads): ratios.per_atom(shared["wall"], n_atoms),
        },
        "times_faster": ratios.ratio_by_round(alone["wall"], shared["wall"]),
        "times_faster_shortest": min(alone["wall"]) / min(shared["wall"]),
        "machine_allows": ratios.median(allowed),
        "cpu_ratio": ratios.ratio_by_round(shared["cpu"], alone["cpu"]),
        "rounds": {"1": one, str(threads): many, "processes at once": together},
    }


def compare_threads(
    contest: Contest, precisions: Sequence[str], threads: int, rounds: int
) -> dict[str, Any]:
    """One thread, several threads, and as many processes at once, in turns."""
    n = contest.n_atoms
    found: dict[str, Any] = {"atoms": n, "threads": threads, "precisions": {}}
    for precision in precisions:
        with ExitStack() as stack:
            many, *singles = (
                stack.enter_context(contest.ours(precision, count))
                for count in (threads, *[1] * threads)
            )
            calls = {
                "one": partial(all_at_once, singles[:1]),
                "many": partial(all_at_once, [many]),
                "together": partial(all_at_once, singles),
            }
            for call in calls.values():
                call()
            turns = ratios.take_turns(calls, rounds, f"threads, {precision}")
        one, several = ([each[0] for each in turns[n]] for n in ("one", "many"))
        measured = summary(one, several, turns["together"], threads, n)
        found["precisions"][precision] = measured
    return found
