"""Long lists of numbers in a text, made into arrays before the rest is parsed.

A parsed list takes 32 bytes for each number and 64 for each list in it, where the
text may have two. Nearly all of a model's text is such lists; what remains is short,
and its cost is bounded before it is parsed.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..array_types import AnyArray
from ..errors import ModelFileError

EXPANSION = 2
SPARE_BYTES = 24 << 20
_BLOCK = 1 << 16
_QUOTE = ord('"')
_MOST_DIMENSIONS = 8
_LONGEST_TAIL = 64

_NOT_MARKS = bytes(set(range(256)) - set(b"[],"))
_NOT_LINE_MARKS = bytes(set(range(256)) - set(b"[\n"))
_OF_INTEGERS = b"0123456789+-,[] \t\r\n"
_NO_BRACKETS = bytes.maketrans(b"[]", b"  ")

# A list has no colon inside, so that these patterns read each byte once.
JSON_LIST = re.compile(rb'":\s*+(?P<list>\[[\s\d+\-.,eE\[\]NaInfity]{1023,}+)')
YAML_LIST = re.compile(
    rb":(?: &[^\s\[\]{},]++)? *+(?P<list>"
    rb"(?:\r?\n *+(?:- )++[-+.\deE]++(?=\r?\n|\Z)){32,}+"
    rb"|\s*+\[[\s\d+\-.,eE\[\]]{1023,}+)"
)
_REMARKS = re.compile(rb"(?:\r?\n[ \t]*+(?:#[^\n]*+)?(?=\r?\n|\Z))*+")
_LINE_START = re.compile(rb"(?: |- )*+")
_FIRST_ITEM = re.compile(rb"\r?\n( *)((?:- )+)")


class Budget:
    """How many bytes may be made of a text of so many.

    Parameters
    ----------
    size : bytes of the text
    """

    def __init__(self, size: int) -> None:
        self._left = EXPANSION * size + SPARE_BYTES

    def take(self, n_bytes: int) -> None:
        """Take bytes off before they are filled.

        Raises
        ------
        ModelFileError
            If the size of the text does not justify them.
        """
        self._left -= n_bytes
        if self._left < 0:
            raise ModelFileError(
                "the text has far more lists, names and short values than a model of "
                "its size; expected long lists of numbers, copy the file again"
            )


@dataclass
class Skeleton:
    """A text with a mark in the place of each long list of numbers."""

    pieces: list[memoryview | bytes] = field(default_factory=list)
    arrays: dict[str, AnyArray] = field(default_factory=dict)

    def array(self, text: str) -> AnyArray | None:
        """The array that a text marks; each mark stands once."""
        return self.arrays.pop(text, None)

    def check_all_taken(self) -> None:
        """Refuse a text of which an array was lost.

        Raises
        ------
        ModelFileError
            If a mark was overwritten, or stood where no value can.
        """
        if self.arrays:
            raise ModelFileError(
                "a long list of numbers has a name that is given twice, or stands "
                "inside of a text; give the file as deepmd-kit wrote it"
            )


Reader = Callable[[bytes, int, int, Budget], tuple[AnyArray, int] | None]


def json_skeleton(data: bytes, budget: Budget) -> Skeleton:
    """A JSON text, with names in quotes for its long lists."""
    return _skeleton(data, JSON_LIST, b'"%s"', _flow_list, budget)


def yaml_skeleton(data: bytes, budget: Budget) -> Skeleton:
    """A YAML text, with plain words for its long lists."""
    return _skeleton(data, YAML_LIST, b" %s", _yaml_list, budget)


def _skeleton(
    data: bytes, pattern: re.Pattern[bytes], form: bytes, read: Reader, budget: Budget
) -> Skeleton:
    found = Skeleton()
    prefix = f"numbers{os.urandom(12).hex()}:"  # no file can have it
    view, done = memoryview(data), 0
    for match in pattern.finditer(data):
        # A quote behind one of these begins a text, or is part of it.
        at = match.start()
        if data[at] == _QUOTE and data[at - 1] in b"\\ :,[{\t\r\n":
            continue
        start = match.start("list")
        result = read(data, start, match.end(), budget)
        if result is None:
            continue
        values, end = result
        mark = f"{prefix}{len(found.arrays)}"
        found.pieces += [view[done:start], form % mark.encode()]
        found.arrays[mark] = values
        done = end
    found.pieces.append(view[done:])
    return found


def _yaml_list(
    data: bytes, start: int, end: int, budget: Budget
) -> tuple[AnyArray, int] | None:
    read = _block_list if _FIRST_ITEM.match(data, start) else _flow_list
    return read(data, start, end, budget)


def _flow_list(
    data: bytes, start: int, end: int, budget: Budget
) -> tuple[AnyArray, int] | None:
    """The array of a list in brackets, as JSON writes it, and the list's end.

    None if it is no list of numbers of one shape.
    """
    marks, dtype = bytearray(), np.dtype(np.int64)
    for block in _blocks(data, start, end, None):
        marks += block.translate(None, _NOT_MARKS)
        dtype = _widened(dtype, block)
        if len(marks) > (end - start) // 2 + _BLOCK:
            return None
    found = _flow_shape(bytes(marks))
    if found is None:
        return None
    shape, tail = found
    del marks
    for mark in reversed(tail):
        end = data.rfind(bytes([mark]), start, end)
    end = data.rfind(b"]", start, end) + 1
    values = _values(shape, dtype, budget)
    done = 0
    for block in _blocks(data, start, end, b","):
        text = block.translate(_NO_BRACKETS).decode("ascii").rstrip().rstrip(",")
        try:
            numbers = json.loads(f"[{text}]")
            values[done : done + len(numbers)] = numbers
        except (ValueError, OverflowError):
            return None
        done += len(numbers)
    return (values.reshape(shape), end) if done == values.size else None


def _block_list(
    data: bytes, start: int, end: int, budget: Budget
) -> tuple[AnyArray, int] | None:
    """The same of a YAML list that has a number in each line, behind dashes."""
    first = _FIRST_ITEM.match(data, start)
    if first is None or len(first[1]) < _key_column(data, start):
        return None
    if _goes_on(data, end, len(first[1])):
        return None
    depth, column = len(first[2]) // 2, len(first[1]) + len(first[2])
    if depth > _MOST_DIMENSIONS or not _aligned(data, start, end, depth, column):
        return None
    marks, dtype = bytearray(), np.dtype(np.int64)
    for block in _blocks(data, start, end, b"\n"):
        dtype = _widened(dtype, block)
        marks += block.replace(b"- ", b"[").translate(None, _NOT_LINE_MARKS)
    shape = _block_shape(bytes(marks[1:]) + b"\n", depth)
    del marks
    if shape is None:
        return None
    values = _values(shape, dtype, budget)
    done = 0
    for block in _blocks(data, start, end, b"\n"):
        try:
            words = block.replace(b"- ", b"").split()
            numbers = [int(w) if dtype.kind == "i" else float(w) for w in words]
            values[done : done + len(numbers)] = numbers
        except (ValueError, OverflowError):
            return None
        done += len(numbers)
    return (values.reshape(shape), end) if done == values.size else None


def _widened(dtype: np.dtype[Any], block: bytes) -> np.dtype[Any]:
    """The type that holds these numbers too: int64 if all are integers."""
    only_integers = not block.translate(None, _OF_INTEGERS)
    return dtype if only_integers else np.dtype(np.float64)


def _values(shape: tuple[int, ...], dtype: np.dtype[Any], budget: Budget) -> AnyArray:
    count = math.prod(shape)
    budget.take(8 * count)
    return np.empty(count, dtype)


def _blocks(
    data: bytes, start: int, end: int, separator: bytes | None
) -> Iterator[bytes]:
    """The bytes from start to end in pieces that end with a separator."""
    while start < end:
        stop = min(start + _BLOCK, end)
        if separator is not None and stop < end:
            stop = data.find(separator, stop, end) + 1 or end
        yield data[start:stop]
        start = stop


def _flow_shape(marks: bytes) -> tuple[tuple[int, ...], bytes] | None:
    """The shape of lists from their brackets and commas, and the marks behind.

    It follows from the first list of each level; all marks are compared with those
    that the shape has.
    """
    depth = len(marks) - len(marks.lstrip(b"["))
    if depth > _MOST_DIMENSIONS:
        return None
    unit, shape = b"", list[int]()
    for level in range(1, depth + 1):
        close = marks.find(b"]" * level)
        length = close + level - 1 - (depth - level + 1)
        n, rest = divmod(length + 1, len(unit) + 1)
        if close < 0 or n < 1 or rest:
            return None
        shape.insert(0, n)
        unit = b"[" + (unit + b",") * (n - 1) + unit + b"]"
    tail = marks[len(unit) :]
    if not marks.startswith(unit) or b"[" in tail or len(tail) > _LONGEST_TAIL:
        return None
    return tuple(shape), tail


def _block_shape(marks: bytes, depth: int) -> tuple[int, ...] | None:
    """The shape from a bracket for each dash and the ends of lines."""
    unit, shape = b"[\n", list[int]()
    for level in range(1, depth + 1):
        end = marks.find(b"\n" + b"[" * (level + 1)) + 1 or len(marks)
        n, rest = divmod(end - (depth - level), len(unit))
        if n < 1 or rest:
            return None
        shape.insert(0, n)
        unit = b"[" + unit * n
    return tuple(shape) if b"[" + marks == unit else None


def _aligned(data: bytes, start: int, end: int, depth: int, column: int) -> bool:
    """Whether all numbers stand in this column, as in lists of one depth."""
    dashes = b"|".join(
        b" {%d}(?:- ){%d}" % (column - 2 * k, k) for k in range(1, depth + 1)
    )
    line = rb"\r?\n(?:" + dashes + rb")[-+.\deE]++"
    return re.compile(b"(?:" + line + b")*+").fullmatch(data, start, end) is not None


def _goes_on(data: bytes, end: int, indent: int) -> bool:
    """Whether the line behind, remarks apart, belongs to the same list."""
    remarks = _REMARKS.match(data, end)
    at = remarks.end() if remarks else end
    return re.compile(rb"\r?\n {%d}[ -]" % indent).match(data, at) is not None


def _key_column(data: bytes, start: int) -> int:
    """Where the name before a list begins in its line."""
    line = _LINE_START.match(data, data.rfind(b"\n", 0, start) + 1)
    return len(line[0]) if line else 0
