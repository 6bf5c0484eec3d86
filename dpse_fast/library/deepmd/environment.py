"""Options of the engine that the interface has no place for: environment variables."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import InputError
from ..options import option_value
from .placement import device_of_rank, threads_of_rank

# The variable of each option of `load`, and of the skin.
VARIABLES = {
    f"DPSE_{name.upper()}": name
    for name in (
        *("precision", "tol", "threads", "sel_overflow", "device", "gemm"),
        *("deterministic", "head", "skin", "type_map"),
    )
}
OF_OTHERS = ("DPSE_FAST_", "DPSE_LAMMPS_", "DPSE_MPI_")
# What other parts of dpse-fast read with the same beginning.


class Asked(NamedTuple):
    """What the environment asks for.

    Parameters
    ----------
    options : of `load`, with the skin (Å)
    reasons : where each comes from, where it is no variable of ours
    """

    options: dict[str, Any]
    reasons: dict[str, str]


def asked(environment: Mapping[str, str], rank: int) -> Asked:
    """Options from the environment, with threads and device for a rank of the node.

    Raises
    ------
    InputError
        For a variable that does not exist or cannot be read.
    """
    options: dict[str, Any] = {}
    for variable in sorted(environment):
        if not variable.startswith("DPSE_") or variable.startswith(OF_OTHERS):
            continue
        name = VARIABLES.get(variable)
        if name is None:
            near = difflib.get_close_matches(variable, VARIABLES, 1)
            hint = f" (do you mean {near[0]}?)" if near else ""
            raise InputError(
                f"{variable}: there is no such variable{hint}; expected one of "
                f"{', '.join(VARIABLES)}"
            )
        if not environment[variable]:
            raise InputError(f"{variable}: expected a value, got an empty text")
        options[name] = option_value(name, environment[variable], variable)
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
    option, colon, rest = str(error).partition(":")
    variable = f"DPSE_{option.upper()}"
    return (
        InputError(f"{variable}:{rest}") if colon and variable in VARIABLES else error
    )
