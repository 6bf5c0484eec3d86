"""Options that are one of a few words."""

from __future__ import annotations

from typing import Any

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
