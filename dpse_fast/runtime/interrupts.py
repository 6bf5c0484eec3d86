"""Ctrl-C and the end that a scheduler asks for, where they must not come in between."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM)."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


_swallowed: list[KeyboardInterrupt] = []


def _remember(previous: Callable[[Any], object]) -> Callable[[Any], None]:
    def hook(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            _swallowed.append(unraisable.exc_value)
        else:
            previous(unraisable)

    return hook


def raise_swallowed() -> None:
    """Raise an interrupt that came where Python lets none through, such as in a
    callback of a weak reference."""
    if _swallowed:
        error = _swallowed[0]
        _swallowed.clear()
        raise error


@contextmanager
def interrupts_raise() -> Iterator[None]:
    """Inside, SIGTERM is raised as `Terminated`, so that files are closed and named.

    An interrupt that Python swallows is kept for `raise_swallowed`, which is called at
    the end. Only in the main thread; a handler of SIGTERM that the process has stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    previous = sys.unraisablehook
    _swallowed.clear()
    try:
        sys.unraisablehook = _remember(previous)
        if ours:
            signal.signal(signal.SIGTERM, _terminate)
        yield
        raise_swallowed()
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.unraisablehook = previous


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
