"""Standard streams that are closed, or that stop taking what is written."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NamedTuple

STDOUT, STDERR = 1, 2


class Streams(NamedTuple):
    """What commands should know of the standard streams."""

    without_output: bool  # standard output was closed


def open_missing_streams() -> bool:
    """Open /dev/null for streams that are closed; returns whether stdout was.

    Otherwise a file that is opened later would take the place of standard output or
    standard error, and get what is printed there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    without_output = sys.stdout is None
    if without_output:
        sys.stdout = os.fdopen(STDOUT, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(STDERR, "w", encoding="utf-8", closefd=False)
    return without_output


def prefer_escapes() -> None:
    """Å on an ASCII terminal is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard(number: int) -> None:
    """Let what is still to be written to a stream vanish: nobody takes it."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
