"""The comment line of an extended XYZ frame: keys, values, cell and columns.

Lattice and pbc are the keys that mean something for the boundaries, as in ASE. A
plain XYZ file has any text there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..array_types import Doubles
from ..errors import CellWarning, InputError
from .boundaries import StatedBoundaries
from .notices import Notices
from .numbers_in_text import numbers_in
from .reading_options import Periodicity, periodicity

CELL_KEYS = re.compile(r"cell|box|lattice|^abc$|^h_?matrix$", re.IGNORECASE)
NOT_CELLS = re.compile(
    r"super|stress|virial|force|veloc|moment|repeat|index|shift|origin|type|gradient",
    re.IGNORECASE,
)
EDGE = re.compile(r"(unit|sim)?_?(cell|box|lattice)", re.IGNORECASE)
PBC_KEYS = re.compile(r"pbc|periodic(ity)?|periodic_boundar\w*", re.IGNORECASE)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_CELL_IN_WORDS = re.compile(
    rf"\b(cell|box|lattice|cryst1)\b[^\d=]{{0,20}}{_NUMBER}[\s,]+{_NUMBER}[\s,]+{_NUMBER}",
    re.IGNORECASE,
)
# A pair of brackets may contain others; what is not closed goes on to the end.
MOST_KEYS = 10_000
# Of columns: their types, and how many.
FIXED = {
    "pos": ("RI", "3"),
    **dict.fromkeys(("species", "symbols", "element"), ("S", "1")),
    **dict.fromkeys(("Z", "numbers"), ("IR", "1")),
}
MOST_FIELDS = 3000  # of Properties, three for each property
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<equals>=)
    |"(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)(?:"|\\?$)
    |'(?P<single>[^']*)(?:'|$)
    |\{(?P<braces>[^}]*)(?:\}|$)
    |(?P<nested>\[\s*\[[^\[\]]*\](?:[\s,]*\[[^\[\]]*\])*[\s,]*\])
    |\[(?P<brackets>[^\]]*)(?:\]|$)
    |(?P<bare>\\.|[^\s="'{\[\\]+|\\)""",
    re.VERBOSE | re.DOTALL,
)


def key_values(comment: str) -> dict[str, str]:
    """``key=value`` pairs; a word alone has the value T.

    Values may be in quotes, braces or brackets, and spaces may surround the ``=``.
    """
    found: dict[str, str] = {}
    key, value, spaced = "", None, False
    for match in _TOKEN.finditer(comment):
        kind = match.lastgroup or "quoted"
        if kind == "space":
            spaced = True
            continue
        if kind == "equals":
            value = value + "=" if value else ""
            spaced = False
            continue
        text = match.group(kind)
        if kind == "quoted" and "\\" in text:
            text = re.sub(r"\\(.)", r"\1", text)
        if not spaced or value == "":
            if value is None:
                key += text
            else:
                value += text
        else:
            if key:
                found[key] = "T" if value is None else value
            if len(found) > MOST_KEYS:
                raise ValueError(f"its comment has more than {MOST_KEYS} keys")
            key, value = text, None
        spaced = False
    if key:
        found[key] = "T" if value is None else value
    return found


@dataclass(frozen=True)
class Column:
    """A property of the atoms: its name, kind (R, I, S, L) and place."""

    name: str
    kind: str
    start: int
    stop: int


def columns_of(properties: str | None) -> tuple[Column, ...]:
    """The columns that ``Properties=species:S:1:pos:R:3:…`` names.

    Raises
    ------
    ValueError
        If the text is damaged, or names no positions or no species.
    """
    if properties is not None and properties.count(":") > MOST_FIELDS:
        raise ValueError(f"Properties: expected at most {MOST_FIELDS // 3} columns")
    fields = (properties or "species:S:1:pos:R:3").split(":")
    if len(fields) % 3:
        raise ValueError(f"Properties: expected name:type:number …, got {properties!r}")
    columns: list[Column] = []
    start = 0
    for name, kind, width in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        if kind not in ("R", "I", "S", "L") or not width.isdigit() or int(width) < 1:
            raise ValueError(
                f"Properties: expected name:type:number with a type of R, I, S or L, "
                f"got {name}:{kind}:{width}"
            )
        if int(width) > len(properties or "") + 10**6:
            raise ValueError(f"Properties: {width} columns of {name}")
        expected = FIXED.get(name)
        if expected is not None and (kind not in expected[0] or width != expected[1]):
            raise ValueError(
                f"Properties: expected {name}:{expected[0][0]}:{expected[1]}, got "
                f"{name}:{kind}:{width}"
            )
        if any(column.name == name for column in columns):
            raise ValueError(f"Properties: expected {name} once, got it again")
        columns.append(Column(name, kind, start, start + int(width)))
        start += int(width)
    return tuple(columns)


def stated_boundaries(
    comment: str, values: dict[str, str], notices: Notices
) -> StatedBoundaries:
    """What a comment says of the cell; text that looks like one gets a warning.

    Raises
    ------
    InputError
        If Lattice or pbc are damaged, or two keys contradict each other.
    """
    name = notices.where
    cell = None
    if "Lattice" in values:
        cell = _lattice(values["Lattice"], name)
    pbc = None
    if "pbc" in values:
        pbc = periodicity(values["pbc"])
        if pbc is None:
            raise InputError(
                f"{name}: pbc: expected T or F for each direction, got "
                f"{values['pbc'][:40]!r}"
            )
    pbc = _other_periodicity(values, pbc, cell is not None, name)
    unread = None if cell is not None else _unread_cell(values)
    if cell is None and unread is None and pbc is None:
        _warn_of_words(comment, values, notices)
    return StatedBoundaries(cell, pbc, unread_cell=unread)


def _lattice(text: str, name: str) -> Doubles:
    array = numbers_in(text)
    if array is None or array.shape != (9,):
        count = "no numbers" if array is None else f"{array.size} numbers"
        raise InputError(
            f"{name}: Lattice: expected 9 numbers, got {count} ({text[:40]!r})"
        )
    return array.reshape(3, 3)


def _other_periodicity(
    values: dict[str, str], pbc: Periodicity | None, has_cell: bool, name: str
) -> Periodicity | None:
    """Keys such as PBC say nothing, but must not say something else."""
    result = pbc if pbc is not None else ((has_cell,) * 3)
    for key, text in values.items():
        if key == "pbc" or not PBC_KEYS.fullmatch(key):
            continue
        other = periodicity(text)
        if other is not None and other != result:
            raise InputError(
                f"{name}: {key}={text[:20]!r} is not read, and differs from what is; "
                f"state the periodicity as pbc, and the cell as Lattice"
            )
    return pbc


def _unread_cell(values: dict[str, str]) -> str | None:
    for key, text in values.items():
        if not CELL_KEYS.search(key) or NOT_CELLS.search(key):
            continue
        array = numbers_in(text)
        sizes = (1, 3, 6, 9) if EDGE.fullmatch(key) else (3, 6, 9)
        if array is not None and array.size in sizes and array.any():
            return key
    edges = [values.get(key, values.get(key.upper())) for key in "abc"]
    if all(edge is not None and numbers_in(edge) is not None for edge in edges):
        return "a, b, c"
    return None


def _warn_of_words(comment: str, values: dict[str, str], notices: Notices) -> None:
    words = comment[:400]
    found = _CELL_IN_WORDS.search(words)
    numbers = numbers_in(words) if found is None else None
    bare = numbers is not None and numbers.size in (3, 6, 9) and (numbers != 0).any()
    if found is None and not bare:
        return
    shown = words.strip()[:60]
    notices.once(
        "cell in words",
        f"its comment {shown!r} looks like a cell and is not read as one; the "
        f'boundaries are open (Lattice="…" or --cell give a cell)',
        CellWarning,
    )


def reference_tensors(values: dict[str, str]) -> dict[str, str | Doubles]:
    """The values; virial and stress with nine numbers as (3, 3) arrays.

    Extended XYZ writes these two by columns, as the lattice.
    """
    result: dict[str, str | Doubles] = dict(values)
    for key in ("virial", "stress"):
        array = numbers_in(values[key]) if key in values else None
        if array is not None and array.shape == (9,):
            result[key] = np.array(array.reshape(3, 3).T)
    return result
