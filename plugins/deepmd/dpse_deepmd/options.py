"""What the commands have in common: names of models, and what has no counterpart."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


class Parser(argparse.ArgumentParser):
    """Takes deepmd-kit's options that have another meaning in dpse-fast, or none."""

    def __init__(self, command: str) -> None:
        super().__init__(f"dp {command}", add_help=False, allow_abbrev=False)
        self.add_argument("-v", "--log-level")
        self.add_argument("-l", "--log-path")

    def taken(self, arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        """The options of this parser, and the rest, which dpse-fast takes."""
        found, rest = self.parse_known_args(arguments)
        if found.log_path is not None:
            self.error("-l/--log-path is not available; redirect the output instead")
        if found.log_level is not None:
            print(f"{self.prog}: -v/--log-level has no effect", file=sys.stderr)
        return found, rest


def model_path(name: str, suffix: str) -> str:
    """A model that may be named without its suffix.

    Parameters
    ----------
    name : as it was given
    suffix : of the backend's files
    """
    place = Path(name)
    if not place.exists() and (named := Path(f"{name}{suffix}")).exists():
        return str(named)
    return name


def from_environment(
    command: str, names: Sequence[str], rest: Sequence[str]
) -> list[str]:
    """Options of the environment, DPSE_TOL and others, that the command takes.

    Parameters
    ----------
    command : for notices about those that have no effect
    names : the options that it takes
    rest : its arguments, which come first
    """
    from dpse_fast.inputs.environment import VARIABLES, environment_options

    given = {word.partition("=")[0] for word in rest}
    options = environment_options()
    found: list[str] = []
    for variable, name in VARIABLES.items():
        option = f"--{name.replace('_', '-')}"
        if name not in options or option in given:
            continue
        if name not in names:
            print(f"dp {command}: {variable} has no effect", file=sys.stderr)
            continue
        value = options[name]
        found += [option, ",".join(value) if isinstance(value, list) else str(value)]
    return found
