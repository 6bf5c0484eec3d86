"""Frames of XYZ and extended XYZ files.

Read line by line, so that memory depends on the atoms that a frame really has and not
on the number that it states. After a damaged frame, reading goes on where its number
of atoms says that the next one begins, or at the next line that looks like a header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..array_types import Doubles
from ..errors import InputError, LabelWarning, TruncatedTrajectoryWarning
from .boundaries import StatedBoundaries, boundaries
from .elements import name_of_number, species_name
from .frame import BadFrame, Frame, coded, parameters, volume_of
from .label_keys import looks_like
from .numbers_in_text import real_number
from .text_lines import LineStream
from .text_reader import TextReader, Wanted
from .xyz_frames import Body, EndsEarly, ends_early, go_to_header, stated_count
from .xyz_header import (
    Column,
    columns_of,
    key_values,
    reference_tensors,
    stated_boundaries,
)

SHORTEST_ROW = len("0 0 0\n")
SPECIES = ("species", "symbols", "element")
NUMBERS = ("Z", "numbers")
NEEDED = ("pos", "aparam", *SPECIES, *NUMBERS)


class ExtxyzReader(TextReader):
    """Of xyz and extxyz files."""

    _properties: str | None = ""
    _columns: tuple[Column, ...] = ()

    def frames(
        self, lines: LineStream, wanted: Wanted
    ) -> Iterator[Frame | BadFrame | None]:
        """Every frame of the file; None for those that are not wanted."""
        number = 0
        while True:
            header = lines.next()
            while header is not None and not header.strip():
                header = lines.next()
            if header is None:
                break
            name = self._name(number)
            result = self._frame(header, lines, number, wanted(number))
            if isinstance(result, InputError):
                bad = self._bad(result, lines, name, number)
                yield bad
                if bad.last:
                    return
            else:
                yield result
            number += 1
        if lines.fault is not None:
            yield self._unreadable(number, lines.fault)

    def _bad(
        self, error: InputError, lines: LineStream, name: str, number: int
    ) -> BadFrame:
        """The frame, and whether the file ends here."""
        at_end = lines.peek() is None
        if at_end and lines.fault is not None:
            error = InputError(f"{error}; {lines.fault}")
        truncated = isinstance(error, EndsEarly) or (at_end and lines.is_cut)
        return BadFrame(name, number, error, truncated=truncated, last=at_end)

    def _frame(
        self, header: str, lines: LineStream, number: int, wanted: bool
    ) -> Frame | InputError | None:
        name = self._notices.where
        n_atoms = stated_count(header)
        if n_atoms is None:
            go_to_header(lines)
            return InputError(
                f"{name}: expected the number of atoms, got {header.strip()[:40]!r}"
            )
        start = lines.number
        if n_atoms * SHORTEST_ROW > self._size + 8:
            go_to_header(lines)
            return ends_early(lines, name, n_atoms, lines.number - start - 1)
        comment = lines.next()
        if comment is None:
            return EndsEarly(f"{name}: the file ends after 0 of {n_atoms} atoms")
        body = Body(lines, n_atoms)
        if not wanted:
            body.pass_over()
            return body.complaint(name)
        try:
            return self._parsed(comment, body, number)
        except InputError as error:
            body.pass_over()
            return body.complaint(name) or error
        except ValueError as error:
            body.pass_over()
            return body.complaint(name) or InputError(
                f"{name}: cannot be read as extxyz ({error})"
            )

    def _parsed(self, comment: str, body: Body, number: int) -> Frame | InputError:
        name = self._notices.where
        values = key_values(comment) if "=" in comment else {}
        stated = stated_boundaries(comment, values, self._notices)
        stated_columns = values.pop("Properties", None)
        self._set_columns(stated_columns)
        arrays = _arrays(body, self._columns, stated_columns is not None, self._kept)
        complaint = body.complaint(name)
        if complaint is not None:
            return complaint
        vectors = _vectors(body, name)
        if vectors is not None:
            stated = vectors
        species = next((arrays.pop(k) for k in SPECIES if k in arrays), None)
        numbers = next((arrays.pop(k) for k in NUMBERS if k in arrays), None)
        if species is None and numbers is not None:
            species = [name_of_number(int(z)) for z in numbers]
        if species is None or "pos" not in arrays:
            raise ValueError("Properties: expected columns of species and pos")
        names, types = coded(species)
        names = tuple(species_name(n, self._options.names) for n in names)
        cell, pbc = boundaries(stated, name, self._options)
        positions = arrays.pop("pos")
        stores = [reference_tensors(values), arrays]
        labels = self._labels.read(stores, len(types), volume_of(cell, pbc))
        if body.has_more_columns:
            self._notices.once(
                "columns",
                "its atoms have more columns than a name and a position, which are "
                "not read; Properties=… in the comment says what they are",
                LabelWarning,
            )
        if body.may_be_cut:
            self._notices.once(
                "cut",
                "the file does not end with a line break, and its last number has "
                "fewer digits than others; it may be cut off",
                TruncatedTrajectoryWarning,
            )
        return Frame(
            name=name,
            index=number,
            positions=positions,
            types=types,
            names=names,
            cell=cell,
            pbc=pbc,
            labels=labels,
            **parameters(values, arrays),
        )

    def _set_columns(self, properties: str | None) -> None:
        if self._properties != properties:
            self._columns = columns_of(properties)
            self._properties = properties

    def _kept(self, column: Column) -> bool:
        name = column.name
        if name in NEEDED or name in self._labels.asked:
            return True
        return looks_like(name) is not None


def _arrays(
    body: Body,
    columns: tuple[Column, ...],
    stated: bool,
    kept: Callable[[Column], bool],
) -> dict[str, Any]:
    """The columns of the atoms, converted piece by piece."""
    width = columns[-1].stop
    chosen = [column for column in columns if kept(column)]
    parts: dict[str, list[Any]] = {column.name: [] for column in chosen}
    damaged: dict[str, str] = {}  # labels, which the frame can do without
    first = body.lines.number
    last: list[str] = []
    while piece := body.piece():
        rows = [line.split() for line in piece]
        body.has_more_columns |= _has_more_columns(rows, width, stated, first)
        for column in chosen:
            try:
                parts[column.name].append(_convert(rows, column))
            except (ValueError, OverflowError):
                k, word = _not_a_number(rows, column)
                if column.name in NEEDED:
                    raise ValueError(
                        f"line {first + k + 1}: expected numbers as {column.name}, "
                        f"got {word[:40]!r}"
                    ) from None
                damaged[column.name] = word
        first += len(piece)
        last = (last + piece)[-2:]
    _notice_cut(body, last)
    whole = {
        column.name: _joined(parts[column.name], column)
        for column in chosen
        if column.name not in damaged
    }
    return whole | damaged


def _convert(rows: list[list[str]], column: Column) -> Any:
    a, b = column.start, column.stop
    if _is_text(column):
        return [row[a] for row in rows]
    if b == a + 1:
        return np.array([real_number(row[a]) for row in rows])
    return np.array([[*map(real_number, row[a:b])] for row in rows])


def _is_text(column: Column) -> bool:
    return column.kind in "SL" or column.name in SPECIES


def _joined(parts: list[Any], column: Column) -> Any:
    if _is_text(column):
        return [word for part in parts for word in part]
    if not parts:
        width = column.stop - column.start
        return np.zeros((0, width) if width > 1 else 0)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _has_more_columns(
    rows: list[list[str]], width: int, strict: bool, first: int
) -> bool:
    lengths = set(map(len, rows))
    if lengths == {width}:
        return False
    if not strict and min(lengths) >= width:
        return True
    wrong = next(
        k
        for k, row in enumerate(rows)
        if len(row) < width or (strict and len(row) != width)
    )
    raise ValueError(
        f"line {first + wrong + 1}: expected {width} columns, got {len(rows[wrong])}"
    )


def _not_a_number(rows: list[list[str]], column: Column) -> tuple[int, str]:
    """The row and the word."""
    for k, row in enumerate(rows):
        for word in row[column.start : column.stop]:
            try:
                real_number(word)
            except ValueError:
                return k, word
    return 0, ""


def _notice_cut(body: Body, last: list[str]) -> None:
    lines = body.lines
    if len(last) != 2 or lines.peek() is not None or not lines.unterminated:
        return
    before, end = (line.split()[-1].partition(".")[2] for line in last)
    body.may_be_cut = len(end) < len(before)


def _vectors(body: Body, name: str) -> StatedBoundaries | None:
    """The cell of VEC1, VEC2 and VEC3 lines behind the atoms."""
    rows: list[Doubles] = []
    while (body.lines.peek() or "").lstrip().startswith("VEC"):
        words = (body.lines.next() or "").split()
        try:
            row = np.array([real_number(word) for word in words[1:]])
        except ValueError:
            row = np.zeros(0)
        if words[0] != f"VEC{len(rows) + 1}" or row.shape != (3,) or len(rows) == 3:
            raise InputError(
                f"{name}: expected VEC1 to VEC3 with three numbers each, got "
                f"{' '.join(words)[:40]!r}"
            )
        rows.append(row)
    if not rows:
        return None
    cell = np.zeros((3, 3))
    cell[: len(rows)] = rows
    n = len(rows)
    return StatedBoundaries(cell, (True, n > 1, n > 2))
