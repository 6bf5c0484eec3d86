"""BLAS on one thread, where our own workers share out the work."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController

from .process_state import SharedState, Undo


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def _let_any_thread_set() -> None:
    """threadpoolctl ≥ 3.8 ignores, in silence, all but the thread that set first."""
    for library in _controller().lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)


def _limit() -> Undo:
    _let_any_thread_set()
    limit = _controller().limit(limits=1, user_api="blas")

    def lift() -> None:
        _let_any_thread_set()
        limit.restore_original_limits()
        _let_any_thread_set()

    return lift


_limited = SharedState(_limit)


def one_blas_thread() -> AbstractContextManager[None]:
    """Inside, a matrix product uses one thread; the old limit comes back after.

    The limit is the process's: of several Python threads inside, the first sets
    it and the last lifts it. Small products on many threads of a busy machine
    wait for each other: tables of a 240-channel net took 5.7 s on two threads of
    two loaded cores, 1.4 s on one (float64, AMD EPYC of 2021).
    """
    return _limited()
