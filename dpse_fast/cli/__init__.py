"""The command ``dpse-fast``.

Only what `main` needs for an interrupt is imported before it is called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ..runtime.interrupts import interrupts_raise
from .standard_streams import (
    STDERR,
    STDOUT,
    Streams,
    discard,
    open_missing_streams,
    prefer_escapes,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    0 success, 1 an error, 2 wrong usage, 129 its terminal was closed, 130 interrupted,
    143 terminated. Set DPSE_FAST_TRACEBACK to see where an error came from.
    """
    without_output = open_missing_streams()
    prefer_escapes()
    try:
        with interrupts_raise():
            from .command_group import commands

            code = commands.main(
                None if arguments is None else list(arguments),
                prog_name="dpse-fast",
                standalone_mode=False,
                obj=Streams(without_output),
            )
            sys.stdout.flush()
        return int(code or 0)
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        from .failures import exit_code

        _show(error)
        return exit_code(error)


def _show(error: BaseException) -> None:
    import click

    from .failures import message_of

    try:
        if os.environ.get("DPSE_FAST_TRACEBACK"):
            import traceback

            traceback.print_exc()
        if isinstance(error, click.ClickException):
            error.show()
        elif not isinstance(error, BrokenPipeError):  # as others do in a pipe
            where = "standard output: " if _is_of_output(error) else ""
            click.echo(f"Error: {where}{message_of(error)}", err=True)
    except OSError:
        discard(STDERR)
    try:
        sys.stdout.flush()
    except OSError:
        discard(STDOUT)


def _is_of_output(error: BaseException) -> bool:
    """Whether it is that standard output cannot be written to, which fails again."""
    if not isinstance(error, OSError):
        return False
    try:
        sys.stdout.flush()
    except OSError as again:
        return again.errno == error.errno
    return False
