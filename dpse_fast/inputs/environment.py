"""Options of `dpse_fast.load` in the environment, for interfaces without room for them.

There are a variable for each option, ``DPSE_TOL`` for ``tol``, and ``DPSE_SKIN`` for
the skin (Å) of interfaces that keep a neighbour list. A variable holds for all that a
workflow runs: ``DPSE_SKIN`` is passed over where no list is kept, and
``DPSE_DEVIATION_TOL`` where one model is evaluated.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from .option_texts import option_value

# The variable of each option of `load`, and of the skin.
VARIABLES = {
    f"DPSE_{name.upper()}": name
    for name in (
        *("precision", "tol", "threads", "sel_overflow", "device", "gemm"),
        *("deterministic", "head", "skin", "type_map", "deviation_tol"),
    )
}
# What other parts of dpse-fast read with the same beginning.
OF_OTHERS = ("DPSE_FAST_", "DPSE_LAMMPS_", "DPSE_MPI_")


def environment_options(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The options that the environment sets, by their names.

    Parameters
    ----------
    environment : the variables; None: those of this process

    Raises
    ------
    InputError
        For a variable that does not exist or cannot be read.
    """
    variables = os.environ if environment is None else environment
    found: dict[str, Any] = {}
    for variable in sorted(variables):
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
        if not variables[variable]:
            raise InputError(f"{variable}: expected a value, got an empty text")
        found[name] = option_value(name, variables[variable], variable)
    return found


def with_environment(given: Mapping[str, Any], skin: bool = False) -> dict[str, Any]:
    """Options of `load` for one model: those given, and those of the environment.

    Parameters
    ----------
    given : options by name; None counts as not given; they come first
    skin : whether the skin is one of them

    Raises
    ------
    InputError
        As `environment_options`.
    """
    own = {name: value for name, value in given.items() if value is not None}
    found = environment_options() | own
    for name in ("deviation_tol",) if skin else ("skin", "deviation_tol"):
        if name not in own:
            found.pop(name, None)
    return found
