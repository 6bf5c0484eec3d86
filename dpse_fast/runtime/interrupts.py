"""Ctrl-C and the end that a scheduler asks for, where they must not come in between."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM)."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


@contextmanager
def termination_raises() -> Iterator[None]:
    """Inside, SIGTERM is raised as `Terminated`, so that files are closed and named.

    Only in the main thread, and unless the process has a handler of its own.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Inside, SIGINT and SIGTERM wait until the block has ended.

    Only in the main thread: Python calls handlers there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[tuple[int, FrameType | None]] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    ours = [number for number in SIGNALS if callable(handlers[number])]
    for number in ours:
        signal.signal(number, lambda *arguments: waiting.append(arguments))
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, handlers[number])
        for caught, frame in waiting:
            handler = handlers[signal.Signals(caught)]
            assert callable(handler)
            handler(caught, frame)
