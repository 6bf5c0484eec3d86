"""From the start of a process to its first energy."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .comparison import PREFIX, Contest
from .peers import COMPRESSED, UNCOMPRESSED, Peers
from .progress import say
from .ratios import median, take_turns
from .worker import Worker, WorkerError


def seconds_to_first_energy(start: Callable[[], Worker]) -> float:
    """Wall seconds: interpreter, imports, model, first evaluation."""
    begin = time.perf_counter()
    with start() as worker:
        worker.evaluate()
        return time.perf_counter() - begin


def _or_none(start: Callable[[], Worker]) -> float | None:
    try:
        return seconds_to_first_energy(start)
    except WorkerError as error:
        say(str(error))
        return None


def measure_startup(
    contest: Contest,
    precisions: Sequence[str],
    threads: int,
    peers: Peers | None,
    repeats: int,
) -> dict[str, Any]:
    """Warm starts in turns, then ours with an empty cache of compiled kernels."""
    starts = {
        f"{PREFIX}{p}": partial(_or_none, partial(contest.ours, p, threads))
        for p in precisions
    }
    for name in (UNCOMPRESSED, COMPRESSED):
        if peers and name in peers.models:
            start = partial(contest.peer, peers, name, threads)
            starts[name] = partial(_or_none, start)
    turns = take_turns(starts, repeats, "start-up")
    rounds = {n: [x for x in each if x is not None] for n, each in turns.items()}
    first_ever = {}
    for precision in precisions:
        say(f"start-up with an empty cache, {precision}")
        with tempfile.TemporaryDirectory() as cache:
            # An own folder for Numba's cache would take precedence over ours.
            empty = {"XDG_CACHE_HOME": cache, "NUMBA_CACHE_DIR": ""}
            start = partial(contest.ours, precision, threads, environment=empty)
            first_ever[precision] = seconds_to_first_energy(start)
    return {
        "threads": threads,
        "warm_seconds": {n: median(each) for n, each in rounds.items() if each},
        "first_ever_seconds": first_ever,
        "rounds": rounds,
    }
