"""States of the whole process that several threads may ask for at once.

Garbage collection is one; `blas_threads` holds another.
"""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from .forks import Forkable

Undo = Callable[[], None]


class SharedState(Forkable):
    """In force while anybody is inside: the first sets it, the last lifts it.

    A fork takes only its own thread along: in the child the others are not inside.

    Parameters
    ----------
    begin : sets the state; returns what lifts it
    forks_wait : a fork waits until no other thread is inside
    """

    def __init__(self, begin: Callable[[], Undo], forks_wait: bool = False) -> None:
        self._begin, self._forks_wait = begin, forks_wait
        # Reentrant, as a signal's handler may fork while its own thread has it.
        self._lock = threading.RLock()
        self._inside: Counter[int] = Counter()  # by thread
        super().__init__()

    @property
    def inside(self) -> int:
        """How many are."""
        return self._inside.total()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        thread = threading.get_ident()
        with self._lock:
            if not self._inside:
                self._undo = self._begin()
            self._inside[thread] += 1
        try:
            yield
        finally:
            with self._lock:
                self._leave(thread)

    def _leave(self, thread: int) -> None:
        self._inside[thread] -= 1
        if not self._inside[thread]:
            del self._inside[thread]
        if not self._inside:
            self._undo()

    def before_fork(self) -> None:
        # No other thread is setting or lifting it then.
        self._lock.acquire()

    def is_busy(self) -> bool:
        return self._forks_wait and not self._inside.keys() <= {threading.get_ident()}

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        own, inside = threading.get_ident(), self.inside
        self._inside = Counter({own: self._inside[own]} if self._inside[own] else {})
        if inside and not self._inside:
            self._undo()
        self._lock.release()


def _pause() -> Undo:
    was_on = gc.isenabled()
    gc.disable()
    return gc.enable if was_on else gc.disable


# Of modules that are imported and plans that are made, a child could use no half.
_paused = SharedState(_pause, forks_wait=True)


def garbage_collection_paused() -> AbstractContextManager[None]:
    """Inside, nothing is collected; after the last of several threads it is as before.

    Imports and compilers make objects that stay, and every collection goes through
    them all: 0.09 of the 1.0 s of processor time to the first energy of a process
    with warm caches, and 1.0 to 1.5 of 17 s with empty ones (AVX-512 Xeon).
    """
    return _paused()
