"""Answers for every line that comes in, and what was measured meanwhile.

Needs NumPy only, so that it runs in the peers' environment as well as in ours. A
worker is called with its options as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

STATUS = Path("/proc/self/status")

T = TypeVar("T")


def options() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def resident(key: str) -> int | None:
    """Bytes of ``VmRSS`` (now) or ``VmHWM`` (largest) of this process, on Linux.

    ``ru_maxrss`` is of no use here: a child inherits its parent's.
    """
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith(key + ":"):
            return 1024 * int(line.split()[1])
    return None


def timed(work: Callable[[], T]) -> tuple[T, dict[str, float]]:
    """What it gives, and its seconds: ``wall``, and ``cpu`` of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return found, {"wall": wall, "cpu": cpu}


def serve(work: Callable[[], T], about: Callable[[T], dict[str, Any]]) -> None:
    """Answer each line of standard input with the seconds of some work, and more.

    Parameters
    ----------
    about : more to answer of what the work gave, not timed
    """
    for _ in sys.stdin:
        found, seconds = timed(work)
        print(json.dumps({**seconds, **about(found)}), flush=True)


def serve_evaluations(
    evaluate: Callable[[], tuple[float, Any, Any]], numbers: str
) -> None:
    """As `serve`, with the largest memory.

    Parameters
    ----------
    evaluate : gives energy (eV), forces (N, 3) eV/Å and virial (3, 3) eV
    numbers : .npz file for what the first evaluation gave
    """

    def about(found: tuple[float, Any, Any]) -> dict[str, Any]:
        if not Path(numbers).exists():
            energy, forces, virial = found
            np.savez(numbers, energy=energy, forces=forces, virial=virial)
        return {"peak_bytes": resident("VmHWM")}

    serve(evaluate, about)
