"""Load, compute, delete, again and again: what stays behind.

By itself, for a long look at the memory that the system gives::

    python tests/memory_cycles.py tests/golden/dpa1.dp 10000
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import dpse_fast
from dpse_fast.errors import InputError

X, TYPES = [[0.0, 0.0, 0.0], [1.5, 0.0, 0.0]], [0, 0]
CELL = 9.0 * np.eye(3)


def parameters(model: dpse_fast.Model) -> dict[str, Any]:
    """Frame and atomic parameters of a model that takes them."""
    found: dict[str, Any] = {}
    if model.fparam is not None:
        found["fparam"] = np.zeros(model.fparam.count)
    if model.aparam is not None:
        found["aparam"] = np.zeros(model.aparam.count)
    return found


def cycle(path: str | Path) -> None:
    """A potential with its sessions, some calls and some errors."""
    potential = dpse_fast.load(path, threads=1, device="cpu")
    more = parameters(potential.model)
    session, batch = potential.session(), potential.batch_session()
    for cell in (None, CELL):
        potential.compute(X, TYPES, cell, **more)
        session.compute(X, TYPES, cell, **more)
    batch.compute([(X, TYPES, CELL, None, more.get("fparam"), more.get("aparam"))] * 2)
    listed = potential.listed_session()
    listed.compute(X, TYPES, [0, 1, 2], [1, 0], **more)
    for wrong in ({"positions": [X[0]] * 2}, {"cell": np.zeros((3, 3))}):
        try:
            session.compute(**{"positions": X, "types": TYPES, **more, **wrong})
        except InputError:
            continue
        raise AssertionError(f"{wrong} was evaluated")


def grown(work: Callable[[], None], n: int, memory: Callable[[], int]) -> float:
    """Bytes a call, of n calls."""
    gc.collect()
    before = memory()
    for _ in range(n):
        work()
    gc.collect()
    return (memory() - before) / n


def resident() -> int:
    """Bytes of memory of this process, on Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(path: str, n: int) -> None:
    warnings.simplefilter("ignore")
    for _ in range(20):
        cycle(path)
    start = resident()
    for tenth in range(1, 11):
        each = grown(lambda: cycle(path), n // 10, resident)
        total = (resident() - start) / 1024
        print(f"{tenth * n // 10} cycles: {total:+.0f} kB, {each:+.0f} bytes a cycle")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
