"""Numbers as headers and other programs' structures hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array_types import Doubles
from ..inputs.plain_numbers import refuse_meaning

_SEPARATORS = str.maketrans("[](){},;", "        ")
LONGEST = 20_000  # characters; labels and parameters are far shorter
_JSON = "_JSON "  # how ASE marks what it cannot write as numbers


def real_number(word: str) -> float:
    """``-1.5e3``, without the ``_`` that Python takes between digits.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if "_" in word:
        raise ValueError(f"expected a number, got {word[:40]!r}")
    return float(word)


def whole_number(word: str) -> int:
    """``-15``, without the ``_`` that Python takes between digits.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if "_" in word:
        raise ValueError(f"expected a whole number, got {word[:40]!r}")
    return int(word)


def numbers_in(value: Any) -> Doubles | None:
    """A number or an array of numbers; None if the value is something else.

    Texts give flat arrays, or a number if they hold a single one.
    """
    if isinstance(value, str):
        if len(value) > LONGEST:
            return None
        words = value.removeprefix(_JSON).translate(_SEPARATORS).split()
        try:
            array = np.array([real_number(word) for word in words])
        except ValueError:
            return None
        if not array.size:
            return None
        return array[0] if array.size == 1 else array
    try:
        refuse_meaning(value, "")  # a mask, units
        array = np.asarray(value)
        if array.dtype.kind not in "fiu":
            return None
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):  # InputError is a ValueError
        return None
