"""Ctrl-C and the end that a scheduler asks for, where they must not come in between."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# What ends a process: a scheduler, and a terminal that is closed.
ENDING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
SIGNALS = (signal.SIGINT, *ENDING)


class Terminated(KeyboardInterrupt):
    """The process was asked to end.

    Parameters
    ----------
    number : of the signal
    """

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__()
        self.number = number


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)


_swallowed: list[KeyboardInterrupt] = []


def _remember(previous: Callable[[Any], object]) -> Callable[[Any], None]:
    def hook(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            _swallowed.append(unraisable.exc_value)
        else:
            previous(unraisable)

    return hook


def raise_interrupt_behind(error: BaseException) -> None:
    """Raise the interrupt that an error comes from, if it does.

    Compiled code, such as h5py's, makes a SystemError of one that comes where it
    expects none.
    """
    met: BaseException | None = error
    while met is not None:
        if isinstance(met, KeyboardInterrupt):
            raise met
        met = met.__cause__ or met.__context__


def raise_swallowed() -> None:
    """Raise an interrupt that came where Python lets none through, such as in a
    callback of a weak reference."""
    if _swallowed:
        error = _swallowed[0]
        _swallowed.clear()
        raise error


@contextmanager
def interrupts_raise() -> Iterator[None]:
    """Inside, `ENDING` signals raise `Terminated`, so that files are closed and named.

    An interrupt that Python swallows is kept for `raise_swallowed`, which is called at
    the end. Only in the main thread; handlers that the process has stay, and signals
    that it ignores (``nohup``) are ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [one for one in ENDING if signal.getsignal(one) is signal.SIG_DFL]
    previous = sys.unraisablehook
    _swallowed.clear()
    try:
        sys.unraisablehook = _remember(previous)
        for one in ours:
            signal.signal(one, _terminate)
        yield
        raise_swallowed()
    finally:
        for one in ours:
            signal.signal(one, signal.SIG_DFL)
        sys.unraisablehook = previous


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Inside, SIGINT and those that end a process wait until the block has ended.

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
