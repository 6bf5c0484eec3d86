"""The group of commands, each of which is imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "eval": "Energies, forces and virials of a trajectory.",
    "test": "Errors against the labels of systems, as dp test.",
    "model-devi": "Deviations of a committee of models, as dp model-devi.",
    "embed": "Descriptors and last layers of a trajectory, as dp embed.",
    "info": "What a model is and how it will be evaluated.",
    "show": "Attributes of a model, as dp show.",
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
        module = import_module(f"{__package__}.{cmd_name.replace('-', '_')}_command")
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
