"""BLAS on one thread, where our own workers share out the work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside: list[Any] = []  # the limit in force, once for every caller inside


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, a matrix product uses one thread; the old limit comes back after.

    The limit is the process's: of several Python threads inside, the first sets
    it and the last lifts it. Small products on many threads of a busy machine
    wait for each other: tables of a 240-channel net took 5.7 s on two threads of
    two loaded cores, 1.4 s on one (float64, AMD EPYC of 2021).
    """
    with _lock:
        limit = (
            _inside[0] if _inside else _controller().limit(limits=1, user_api="blas")
        )
        _inside.append(limit)
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                limit.restore_original_limits()
