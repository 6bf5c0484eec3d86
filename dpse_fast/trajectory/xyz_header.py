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
from .label_keys import looks_like
from .notices import Notices
from .numbers_in_text import numbers_in
from .reading_options import Periodicity, periodicity

CELL_KEYS = re.compile(
    r"cell|box|lattice|crystal|dimensions|^abc$|^h_?mat(rix)?$|^(tv|h|l|edges|size)$"
    r"|(primitive|translation)_?vec",
    re.IGNORECASE,
)
NOT_CELLS = re.compile(
    r"super|stress|virial|force|veloc|moment|repeat|index|shift|origin|type|gradient"
    r"|system|energy|pole|polar|space_?group|charge|name|_id$",
    re.IGNORECASE,
)
# Keys whose single number is an edge of a cell.
EDGE = re.compile(
    r"(unit|sim(ulation)?)?_?(cell|box|lattice)"
    r"_?([abcl]|edge|len(gth)?s?|side|size|const(ant)?|par(am(eter)?)?)?|alat",
    re.IGNORECASE,
)
# Three keys with a vector or an edge each, without case and underscores.
THREE_KEYS = (
    ("a", "b", "c"),
    ("lx", "ly", "lz"),
    ("a1", "a2", "a3"),
    ("v1", "v2", "v3"),
    ("va", "vb", "vc"),
    ("vec1", "vec2", "vec3"),
    ("tv1", "tv2", "tv3"),
)
PBC_KEYS = re.compile(
    r"(is_?)?(pbc|periodic(ity)?|periodic_boundar\w*|boundar(y|ies)(_conditions?)?|bc)"
    r"(_?(?P<axis>[abcxyz]))?",
    re.IGNORECASE,
)
_AXES = {"a": 0, "b": 1, "c": 2, "x": 0, "y": 1, "z": 2}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"
_CELL_IN_WORDS = re.compile(
    rf"\b(\w*(cell|box|lattice)|cryst1|pbc)\b[^\d=]{{0,20}}"
    rf"{_NUMBER}[\s,]+{_NUMBER}[\s,]+{_NUMBER}",
    re.IGNORECASE,
)
# Keys that must not be swallowed by another key's value, and those given only once.
_MEANT = ("Lattice", "pbc", "Properties")
_MEANT_IN_TEXT = re.compile(rf"\b({'|'.join(_MEANT)})\s*=", re.IGNORECASE)
_FLAG = r"(?:true|false|[TF01])"
_UNQUOTED_PBC = re.compile(rf"\bpbc\s*=\s*{_FLAG}\s+{_FLAG}(?![\w=])", re.IGNORECASE)
# A pair of brackets may contain others; what is not closed goes on to the end.
MOST_KEYS = 10_000
LEAST_VOLUME = 1e-3  # Å³
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
    key, value = "", None
    spaced = awaited = apart = False  # awaited: the value; apart: a space before it
    for match in _TOKEN.finditer(comment):
        kind = match.lastgroup or "quoted"
        if kind == "space":
            spaced = True
            continue
        if kind == "equals":
            if value is None:
                value, awaited = "", True
            elif apart and not spaced:  # in a= b=1, a has no value
                _keep(found, key, "")
                key, value, awaited = value, "", True
            elif not awaited:
                value += "="
            apart = spaced = False
            continue
        text = match.group(kind)
        if kind == "quoted" and "\\" in text:
            text = re.sub(r"\\(.)", r"\1", text)
        if awaited:
            value, awaited, apart = text, False, spaced
        elif not spaced:
            key, value = (key + text, None) if value is None else (key, value + text)
        else:
            _keep(found, key, value)
            key, value, apart = text, None, False
        spaced = False
    _keep(found, key, value)
    return found


def _keep(found: dict[str, str], key: str, value: str | None) -> None:
    if not key:
        return
    text = "T" if value is None else value
    if key in _MEANT and found.get(key, text) != text:
        raise ValueError(f"{key}: given twice, {found[key][:40]!r} and {text[:40]!r}")
    found[key] = text
    if len(found) > MOST_KEYS:
        raise ValueError(f"its comment has more than {MOST_KEYS} keys")


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
    _refuse_swallowed(comment, values, name)
    cell = None
    if "Lattice" in values:
        cell = _lattice(values["Lattice"], name)
    pbc = None
    if "pbc" in values:
        pbc = periodicity(values["pbc"])
        if pbc is None or _UNQUOTED_PBC.search(comment):
            raise InputError(
                f"{name}: pbc: expected T or F for each direction, in quotes as in "
                f'"T T F", got {values["pbc"][:40]!r}'
            )
    pbc = _other_periodicity(values, pbc, cell is not None, name)
    unread = None if cell is not None else _unread_cell(values)
    if cell is None and unread is None and pbc is None:
        _warn_of_words(comment, values, notices)
    return StatedBoundaries(cell, pbc, unread_cell=unread)


def _refuse_swallowed(comment: str, values: dict[str, str], name: str) -> None:
    """Nothing that matters may be in the value of another key."""
    keys = {key.lower() for key in values}
    for match in _MEANT_IN_TEXT.finditer(comment) if values else ():
        if match[1].lower() not in keys:
            raise InputError(
                f"{name}: {match[0]} is inside of something else; expected spaces "
                f"between key=value pairs, and closed quotes"
            )


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
        match = None if key == "pbc" else PBC_KEYS.fullmatch(key)
        other = None if match is None else _flags(text)
        if match is None or other is None:
            continue
        axis = match["axis"]
        at = slice(None) if axis is None else slice(k := _AXES[axis.lower()], k + 1)
        if other[at] != result[at]:
            raise InputError(
                f"{name}: {key}={text[:20]!r} is not read, and differs from what is; "
                f"state the periodicity as pbc, and the cell as Lattice"
            )
    return pbc


def _flags(text: str) -> Periodicity | None:
    """Also as LAMMPS writes them: ``p p f``, ``pp pp fs``."""
    words = text.lower().split()
    if len(words) == 1 and len(words[0]) == 3:
        words = list(words[0])
    if len(words) not in (1, 3) or not set("".join(words)) <= set("pfsm"):
        return periodicity(text)
    flags = [word[0] == "p" for word in words] * (3 // len(words))
    return flags[0], flags[1], flags[2]


def _unread_cell(values: dict[str, str]) -> str | None:
    for key, text in values.items():
        if not CELL_KEYS.search(key) and not EDGE.fullmatch(key):
            continue
        if NOT_CELLS.search(key):
            continue
        sizes = (1, 3, 6, 9) if EDGE.fullmatch(key) else (3, 6, 9)
        numbers = _numbers_within(text)
        if len(numbers) in sizes and any(numbers):
            return key
    plain = {key.lower().replace("_", ""): text for key, text in values.items()}
    for three in THREE_KEYS:
        if not plain.keys() >= set(three):
            continue
        found = {len(_numbers_within(plain[key])) for key in three}
        if found == {3} or (found == {1} and three[0] in ("a", "lx")):
            return ", ".join(three)
    return None


def _numbers_within(text: str) -> list[float]:
    """Also those of ``9.0D0 0 0 …`` and ``9x9x9``."""
    found = re.findall(_NUMBER, text[:400])
    return [float(word.lower().replace("d", "e")) for word in found]


def _warn_of_words(comment: str, values: dict[str, str], notices: Notices) -> None:
    words = comment[:400]
    found = _CELL_IN_WORDS.search(words)
    numbers = numbers_in(words) if found is None else None
    bare = numbers is not None and numbers.size in (3, 6, 9) and (numbers != 0).any()
    key = next((key for key in values if _may_be_cell(key, values[key])), None)
    if found is None and not bare and key is None:
        return
    shown = words.strip()[:60] if key is None or found or bare else key
    notices.once(
        "cell in words",
        f"its comment {shown!r} looks like a cell and is not read as one; the "
        f'boundaries are open (Lattice="…" or --cell give a cell)',
        CellWarning,
    )


def _may_be_cell(key: str, text: str) -> bool:
    """Whether these are three vectors in space, and no tensor of another name."""
    if NOT_CELLS.search(key) or looks_like(key) is not None:
        return False
    array = numbers_in(text)
    if array is None or array.shape != (9,):
        return False
    with np.errstate(all="ignore"):
        return bool(abs(np.linalg.det(array.reshape(3, 3))) > LEAST_VOLUME)


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
