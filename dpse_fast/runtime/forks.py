"""What a fork leaves behind in the child: one thread, and none of the others' promises.

Locks that other threads had would never be released, counts would never come down,
and what they were building stays half built. Whatever has such a state is a
`Forkable`, and is told before and after each ``os.fork`` of Python, also that of
``multiprocessing``. (``subprocess`` runs another program and needs none of this.)
"""

from __future__ import annotations

# Those that tell Python of forks must do so before a fork begins to wait.
import concurrent.futures.thread  # noqa: F401
import logging  # noqa: F401
import os
import sys
import threading
import time
from typing import Any
from weakref import WeakSet

LONGEST_WAIT = 60.0  # s, for threads that compile, import or load a model
LOOK_AGAIN = 0.001  # s
IMPORTED_LATE = ("dpse_fast", "numba", "llvmlite", "numpy", "scipy", "h5py", "ase")


class Forkable:
    """Something that a fork would leave in disorder; known while it lives."""

    def __init__(self) -> None:
        _known.add(self)

    def before_fork(self) -> None:
        """In the thread that forks; others may still go on with what they do."""

    def is_busy(self) -> bool:
        """After that: whether another thread does what a fork must not cut in two."""
        return False

    def after_fork_in_parent(self) -> None:
        """In the same thread, also when the fork has to wait."""

    def after_fork_in_child(self) -> None:
        """In the only thread of the child."""


class ProcessLock(Forkable):
    """A lock that is new in the child of a fork, whoever had it.

    ``with that.lock:`` leaves no moment in which an interrupt could leave it locked,
    as a context manager in Python would.

    Attributes
    ----------
    lock : the process's
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        super().__init__()

    def after_fork_in_child(self) -> None:
        # `locked` would not tell of a thread that has it and waits for the GIL.
        self.lock = threading.Lock()


class _Compiler(Forkable):
    """Numba and LLVM: a fork waits until no thread compiles, and nothing is half done.

    LLVM has locks and states of its own that nobody can set right in a child. If
    compiling takes too long the child gets at least a free lock.
    """

    def __init__(self) -> None:
        self._held: Any = None
        super().__init__()

    def before_fork(self) -> None:
        numba = sys.modules.get("numba.core.compiler_lock")
        lock: Any = getattr(numba, "global_compiler_lock", None)
        self._held = None
        if lock is not None and lock._lock.acquire(timeout=LONGEST_WAIT):
            self._held = lock._lock

    def after_fork_in_parent(self) -> None:
        if self._held is not None:
            self._held.release()

    def after_fork_in_child(self) -> None:
        numba = sys.modules.get("numba.core.compiler_lock")
        if self._held is not None:
            self._held.release()
        elif numba is not None:
            numba.global_compiler_lock._lock = threading.RLock()


class _Imports(Forkable):
    """Modules that another thread is importing: a child would wait for them for ever.

    Python renews the lock of all imports in a child, but not that of each module. A
    fork waits for them; where it cannot, the child gets an error and does not hang.
    """

    def is_busy(self) -> bool:
        return bool(_imported_by_others())

    def after_fork_in_child(self) -> None:
        for name in _imported_by_others():
            del _module_locks()[name]


def _module_locks() -> dict[str, Any]:
    bootstrap = sys.modules.get("_frozen_importlib")
    found: dict[str, Any] = getattr(bootstrap, "_module_locks", {})
    return found


def _imported_by_others() -> list[str]:
    """Modules that we import when they are needed, and other threads do just now."""
    own = threading.get_ident()
    return [
        name
        for name, reference in list(_module_locks().items())
        if name.partition(".")[0] in IMPORTED_LATE
        and getattr(reference(), "owner", None) not in (None, own)
    ]


_known: WeakSet[Forkable] = WeakSet()
_one_at_a_time = threading.RLock()
_told: list[Forkable] = []


def _before() -> None:
    _one_at_a_time.acquire()
    end = time.monotonic() + LONGEST_WAIT
    while True:
        # Locks that others may want come last: nobody waits for them while we wait.
        for one in (_compiler, *(one for one in list(_known) if one is not _compiler)):
            one.before_fork()
            _told.append(one)
        if not any(one.is_busy() for one in _told) or time.monotonic() > end:
            return
        _tell_parent()
        time.sleep(LOOK_AGAIN)


def _tell_parent() -> None:
    while _told:
        _told.pop().after_fork_in_parent()


def _in_parent() -> None:
    _tell_parent()
    _one_at_a_time.release()


def _in_child() -> None:
    while _told:
        _told.pop().after_fork_in_child()
    _one_at_a_time.release()


_compiler, _imports = _Compiler(), _Imports()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_in_parent, after_in_child=_in_child
    )
