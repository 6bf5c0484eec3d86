"""Options of `dpse_init` and `dpse_init_committee`, written as one line of text."""

from __future__ import annotations

import shlex
from typing import Any

from ..errors import InputError
from ..evaluation.session import DEFAULT_SKIN
from ..inputs.option_texts import PARSED, option_value

OF_COMMITTEES = ("driver", "deviation_tol")


def loading_options(
    given: bytes, of_committee: bool = False
) -> tuple[dict[str, Any], float]:
    """Options of `load`, and the skin (Å), from ``"precision=mixed threads=2"``.

    Raises
    ------
    InputError
        For an option that does not exist, comes twice, cannot be read, or has no
        effect on one model.
    """
    try:
        text = given.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"options: expected UTF-8, got {given!r}: {error}") from None
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"options: {error}, got {text!r}") from None
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in PARSED or not equals:
            raise InputError(
                f"options: expected name=value with a name of {', '.join(PARSED)}, got "
                f"{word!r}"
            )
        if name in OF_COMMITTEES and not of_committee:
            raise InputError(
                f"{name}: expected a committee (dpse_init_committee), got one model"
            )
        if name in found:
            raise InputError(f"options: expected {name} once, got it again")
        if not value:
            raise InputError(f"{name}: expected a value after {name}=, got none")
        found[name] = option_value(name, value, name)
    return found, found.pop("skin", DEFAULT_SKIN)
