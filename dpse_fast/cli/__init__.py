"""The command ``dpse-fast``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

import click

from ..errors import DpseError

COMMANDS = {
    "eval": "Energies, forces and virials of a trajectory.",
    "info": "What a model is and how it will be evaluated.",
    "convert": "Write a model of any format as our HDF5 file, or as .dp.",
    "compress": "Write a model with its tables and their certificate.",
    "bench": "Time per atom and stage on a box of water.",
    "library": "A shared library and header for C, C++ and Fortran.",
}
INTERRUPTED = 130


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

    0 success, 1 an error, 2 wrong usage, 130 interrupted. Set DPSE_FAST_TRACEBACK
    to see where an error came from.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # Å on an ASCII terminal
    try:
        code = commands.main(
            None if arguments is None else list(arguments),
            prog_name="dpse-fast",
            standalone_mode=False,
        )
        sys.stdout.flush()
        return int(code or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except DpseError as error:
        return _fail(str(error))
    except MemoryError:
        return _fail("not enough memory")
    except OSError as error:
        return _fail(str(error))
    except Exception as error:
        return _fail(f"unexpected {type(error).__name__}: {error}")


def _fail(message: str, code: int = 1) -> int:
    if os.environ.get("DPSE_FAST_TRACEBACK"):
        import traceback

        traceback.print_exc()
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    return code
