"""BLAS on one thread, where our own workers share out the work."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[object]:
    """Inside, a matrix product uses one thread; the old limit comes back after.

    Small products on many threads of a busy machine wait for each other: tables
    of a 240-channel net took 5.7 s on two threads of two loaded cores, 1.4 s on
    one (float64, AMD EPYC of 2021).
    """
    limit: AbstractContextManager[object] = _controller().limit(
        limits=1, user_api="blas"
    )
    return limit
