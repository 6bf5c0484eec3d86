"""What the command line says of an error, and its exit code."""

from __future__ import annotations

import click

from ..errors import DpseError
from ..runtime.interrupts import Terminated

FAILED, INTERRUPTED, SIGNALLED = 1, 130, 128


def message_of(error: BaseException) -> str:
    """One line."""
    if isinstance(error, click.ClickException):
        text = error.format_message()
    elif _termination(error) is not None:
        text = "terminated"
    elif isinstance(error, click.Abort | KeyboardInterrupt):
        text = "interrupted"
    elif isinstance(error, BrokenPipeError):
        text = "standard output was closed before everything was written"
    elif isinstance(error, MemoryError):
        text = "not enough memory"
    elif isinstance(error, DpseError | OSError):
        text = str(error)
    else:
        text = f"unexpected {type(error).__name__}: {error}"
    return " ".join(text.split())


def exit_code(error: BaseException) -> int:
    """130 interrupted, 143 terminated, 129 hung up, 2 wrong usage, else 1."""
    if isinstance(error, click.ClickException):
        return error.exit_code
    termination = _termination(error)
    if termination is not None:
        return SIGNALLED + termination.number
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED
    return FAILED


def _termination(error: BaseException) -> Terminated | None:
    found = (one for one in (error, error.__cause__) if isinstance(one, Terminated))
    return next(found, None)
