"""Options of the engine that the interface has no place for: environment variables."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import InputError
from ...inputs.environment import VARIABLES, environment_options
from .placement import device_of_rank, threads_of_rank


class Asked(NamedTuple):
    """What the environment asks for.

    Parameters
    ----------
    options : of `load`, with the skin (Å)
    reasons : where each comes from, where it is no variable of ours
    """

    options: dict[str, Any]
    reasons: dict[str, str]


def process_environment() -> dict[str, str]:
    """The variables of this process as C has them.

    What a program sets while it runs (``setenv``, LAMMPS' ``shell putenv``) does not
    reach `os.environ`.
    """
    place = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    found: dict[str, str] = {}
    k = 0
    while place and (entry := place[k]) is not None:
        name, _, value = os.fsdecode(entry).partition("=")
        found.setdefault(name, value)
        k += 1
    return found


def asked(environment: Mapping[str, str], rank: int) -> Asked:
    """Options from the environment, with threads and device for a rank of the node.

    Raises
    ------
    InputError
        For a variable that does not exist or cannot be read.
    """
    options = environment_options(environment)
    reasons: dict[str, str] = {}
    if "threads" not in options:
        options["threads"], reasons["threads"] = threads_of_rank(environment)
    device = device_of_rank(options.get("device", "auto"), rank, environment)
    if device != options.get("device", "auto"):
        reasons["device"] = f"rank {rank} of this node"
    options["device"] = device
    return Asked(options, reasons)


def naming_variables(error: InputError) -> InputError:
    """An error of `load` that names the variable instead of the option."""
    # Of one in a committee, its place and perhaps its file come before.
    found = re.match(r"(?:models\[\d+\]: (?:.*?: )?)?(\w+):", str(error))
    variable = f"DPSE_{found[1].upper()}" if found else ""
    if found is None or variable not in VARIABLES:
        return error
    return InputError(f"{variable}:{str(error)[found.end() :]}")
