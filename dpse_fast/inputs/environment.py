"""Options of `dpse_fast.load` in the environment, for interfaces without room for them.

=====================  ==================================================
``DPSE_PRECISION``     ``double``, ``mixed`` or ``single``
``DPSE_TOL``           largest force error that the plan may add, eV/Å
``DPSE_THREADS``       number of threads
``DPSE_SEL_OVERFLOW``  ``warn``, ``error``, ``truncate`` or ``all``
``DPSE_DEVICE``        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``
``DPSE_HEAD``          branch of a multi-task checkpoint
=====================  ==================================================

Variables that are empty count as not set.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InputError

PREFIX = "DPSE_"
# The option, how its text becomes a value, and what is expected of the text. Values of
# words are checked by `load`.
OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "precision": (str, "a word"),
    "tol": (float, "a number in eV/Å"),
    "threads": (int, "a whole number"),
    "sel_overflow": (str, "a word"),
    "device": (str, "a word"),
    "head": (str, "a name"),
}


def environment_options(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The options of `load` that the environment sets, by their names.

    Parameters
    ----------
    environment : the variables; None: those of this process

    Raises
    ------
    InputError
        For a variable whose text cannot be read, naming it.
    """
    variables = os.environ if environment is None else environment
    found: dict[str, Any] = {}
    for option, (parse, expected) in OPTIONS.items():
        name = PREFIX + option.upper()
        text = variables.get(name, "").strip()
        if not text:
            continue
        try:
            found[option] = parse(text)
        except ValueError:
            raise InputError(f"{name}: expected {expected}, got {text!r}") from None
    return found


def with_environment(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `load`: those given, and those of the environment that are not.

    Parameters
    ----------
    given : options by name; None counts as not given

    Raises
    ------
    InputError
        As `environment_options`.
    """
    own = {name: value for name, value in given.items() if value is not None}
    return environment_options() | own
