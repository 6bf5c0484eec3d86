"""From the start of a process to its first energy."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .comparison import our_worker, peer_worker
from .peers import COMPRESSED, UNCOMPRESSED, Peers
from .progress import say
from .ratios import median
from .worker import Worker, WorkerError


def seconds_to_first_energy(start: Callable[[], Worker]) -> float:
    """Wall seconds: interpreter, imports, model, first evaluation."""
    begin = time.perf_counter()
    with start() as worker:
        worker.evaluate()
        return time.perf_counter() - begin


def measure_startup(
    precisions: list[str],
    model: str | None,
    tol: float,
    threads: int,
    peers: Peers | None,
    structure: str,
    repeats: int,
    folder: Path,
) -> dict[str, Any]:
    """Warm starts in turns, then ours with an empty cache of compiled kernels."""

    def ours(precision: str, cache: str | None = None) -> Callable[[], Worker]:
        # An own folder for Numba's cache would take precedence over ours.
        empty = {"XDG_CACHE_HOME": cache, "NUMBA_CACHE_DIR": ""} if cache else None
        return lambda: our_worker(
            precision, threads, model, tol, structure, folder, empty
        )

    starts = {f"dpse-fast, {p}": ours(p) for p in precisions}
    if peers:
        for name in (n for n in (UNCOMPRESSED, COMPRESSED) if n in peers.models):
            starts[name] = partial(peer_worker, name, peers, threads, structure, folder)
    rounds: dict[str, list[float]] = {name: [] for name in starts}
    for k in range(repeats):
        say(f"start-up: round {k + 1} of {repeats}")
        for name, start in starts.items():
            try:
                rounds[name].append(seconds_to_first_energy(start))
            except WorkerError as error:
                say(str(error))
    first_ever = {}
    for precision in precisions:
        say(f"start-up with an empty cache, {precision}")
        with tempfile.TemporaryDirectory() as cache:
            start = ours(precision, cache)
            first_ever[precision] = seconds_to_first_energy(start)
    return {
        "threads": threads,
        "warm_seconds": {n: median(each) for n, each in rounds.items() if each},
        "first_ever_seconds": first_ever,
        "rounds": rounds,
    }
