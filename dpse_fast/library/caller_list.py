"""The neighbour list of a C program, as far as its memory decides."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..array_types import Int64s
from ..errors import InputError
from .memory import CallerMemory


class ListSizes(NamedTuple):
    """Of the list that a caller may call the same."""

    n_all: int
    n_rows: int
    n_list: int


def list_arrays(memory: CallerMemory, listed: Any) -> tuple[ListSizes, dict[str, Any]]:
    """The sizes of a list, and copies of its arrays.

    Rows are looked at before their neighbours are read.

    Raises
    ------
    InputError
        Naming the argument.
    """
    n_all, n_rows = listed.n_all, listed.n_rows
    n_types, has_map = listed.n_caller_types, bool(listed.type_map)
    if n_types < 0 or (n_types > 0) != has_map:
        expected = "at least 1 with a type_map" if has_map else "0 without a type_map"
        raise InputError(f"n_caller_types: expected {expected}, got {n_types}")
    if n_rows > n_all:
        raise InputError(f"n_rows: expected at most n_all, {n_all}, got {n_rows}")
    first = memory.given("first", listed.first, n_rows + 1, np.int64)
    _check_rows(first, n_all)
    n_list = int(first[-1])
    given, given_or_none = memory.given, memory.given_or_none
    arrays = {
        "types": given("types", listed.types, n_all, np.int32),
        "first": first,
        "neighbours": given("neighbours", listed.neighbours, n_list, np.int32),
        "centres": given_or_none("centres", listed.centres, n_rows, np.int32),
        "type_map": given_or_none("type_map", listed.type_map, n_types, np.int32),
    }
    # Calls with the same list come back to it, whatever has become of that memory.
    kept = {name: None if one is None else one.copy() for name, one in arrays.items()}
    return ListSizes(n_all, n_rows, n_list), kept


def _check_rows(first: Int64s, n_all: int) -> None:
    """Before neighbours are read: a row has at most all atoms."""
    if first[0] != 0:
        raise InputError(f"first: expected 0 for the first row, got {first[0]}")
    down = first[1:] < first[:-1]
    if down.any():
        row = int(np.argmax(down))
        raise InputError(
            f"first: expected numbers that ascend, got {first[row + 1]} after "
            f"{first[row]} at the end of row {row}"
        )
    long = np.diff(first) > n_all
    if long.any():
        row = int(np.argmax(long))
        raise InputError(
            f"first: expected at most n_all, {n_all}, neighbours in a row, got "
            f"{first[row + 1] - first[row]} in row {row}"
        )


def check_same(last: ListSizes | None, n_all: int, n_rows: int) -> None:
    """Whether the sizes are those of the last list."""
    if last is None:
        raise InputError(
            "same_list: expected a call with a list before, which was not refused; got "
            "none"
        )
    for name, was, now in (
        ("n_all", last.n_all, n_all),
        ("n_rows", last.n_rows, n_rows),
    ):
        if was != now:
            raise InputError(
                f"{name}: expected {was}, as in the last list (same_list), got {now}"
            )
