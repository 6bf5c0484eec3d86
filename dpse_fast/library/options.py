"""Options of `dpse_init`, written as one line of text."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from ..errors import InputError
from ..evaluation.session import DEFAULT_SKIN

FLAGS = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}


def _flag(text: str) -> bool:
    return FLAGS[text.lower()]


def _names(text: str) -> list[str]:
    return text.split(",")


PARSED: dict[str, Callable[[str], Any]] = {
    "device": str,
    "gemm": str,
    "deterministic": _flag,
    "precision": str,
    "tol": float,
    "threads": int,
    "sel_overflow": str,
    "type_map": _names,
    "head": str,
    "skin": float,
}


def loading_options(given: bytes) -> tuple[dict[str, Any], float]:
    """Options of `load`, and the skin (Å), from ``"precision=mixed threads=2"``.

    Raises
    ------
    InputError
        For an option that does not exist, comes twice or cannot be read.
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
        if name in found:
            raise InputError(f"options: expected {name} once, got it again")
        if not value:
            raise InputError(f"{name}: expected a value after {name}=, got none")
        found[name] = option_value(name, value, name)
    return found, found.pop("skin", DEFAULT_SKIN)


def option_value(name: str, text: str, called: str) -> Any:
    """The value that a text gives an option, which messages call so.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return PARSED[name](text)
    except (ValueError, KeyError):
        kind = {"tol": "a number", "skin": "a number", "threads": "a whole number"}
        expected = kind.get(name, "yes or no")
        raise InputError(f"{called}: expected {expected}, got {text!r}") from None
