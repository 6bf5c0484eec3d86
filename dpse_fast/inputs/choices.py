"""Options that are one of a few words, or a whole number in a range."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from .plain_numbers import shown


def one_of(value: Any, known: tuple[str, ...], name: str) -> str:
    """The value, if it is one of the words.

    Raises
    ------
    InputError
        Naming the option, if not.
    """
    if not isinstance(value, str) or value not in known:
        raise InputError(
            f"{name}: expected one of {', '.join(known)}, got {shown(value)}"
        )
    return value


def whole_number(value: Any, least: int, most: int, name: str) -> int:
    """The value, if it is a whole number from ``least`` to ``most``.

    Raises
    ------
    InputError
        Naming the option, if not.
    """
    whole = isinstance(value, int | np.integer)
    whole = whole and not isinstance(value, bool | np.timedelta64)
    if not whole or not least <= value <= most:
        raise InputError(
            f"{name}: expected a number from {least} to {most}, got {shown(value)}"
        )
    return int(value)
