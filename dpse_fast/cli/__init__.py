"""The command ``dpse-fast``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ..runtime.interrupts import interrupts_raise
from .failures import exit_code, message_of
from .standard_streams import (
    STDERR,
    STDOUT,
    Streams,
    discard,
    open_missing_streams,
    prefer_escapes,
)

COMMANDS = {
    "eval": "Energies, forces and virials of a trajectory.",
    "info": "What a model is and how it will be evaluated.",
    "convert": "Write a model of any format as our HDF5 file, or as .dp.",
    "compress": "Write a model with its tables and their certificate.",
    "bench": "Time per atom and stage on a box of water.",
    "library": "A shared library and header for C, C++ and Fortran.",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from .. import __version__

        click.echo(f"dpse-fast {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Fast inference of Deep Potential models from any model file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    0 success, 1 an error, 2 wrong usage, 129 its terminal was closed, 130 interrupted,
    143 terminated. Set DPSE_FAST_TRACEBACK to see where an error came from.
    """
    without_output = open_missing_streams()
    prefer_escapes()
    try:
        with interrupts_raise():
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
        _show(error)
        return exit_code(error)


def _show(error: BaseException) -> None:
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
