"""Options of `dpse_fast.load` written as text, where an interface has nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import InputError

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
    "driver": str,
    "deviation_tol": float,
}


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
        parse = PARSED[name]
        expected = "a number" if parse is float else "yes or no"
        expected = "a whole number" if parse is int else expected
        raise InputError(f"{called}: expected {expected}, got {text!r}") from None
