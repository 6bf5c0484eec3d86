"""Frames of LAMMPS text dumps, in any unit style that has units.

A frame goes from one ``ITEM: TIMESTEP`` to the next; after a damaged frame, reading
goes on there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..array_types import Doubles, Int64s, Integers
from ..errors import InputError, TruncatedTrajectoryWarning, UnitsWarning
from .boundaries import StatedBoundaries, boundaries
from .dump_columns import PIECE, TEXTS, Columns, TooFewRows
from .elements import name_of_mass, species_name
from .frame import BadFrame, Frame, coded, volume_of
from .lammps_units import ASSUMED, STYLES, UnitStyle, check_style
from .notices import Notices
from .numbers_in_text import real_number
from .reading_options import Periodicity, ReadingOptions
from .text_lines import LineStream
from .text_reader import TextReader, Wanted

TIMESTEP = "ITEM: TIMESTEP"
LONGEST_HEADER = 100  # lines
SHORTEST_ROW = len("1 0 0 0\n")
LONGEST_SEARCH = 10**6  # lines, for the next frame after one that is damaged
UNNAMED = "?"  # what LAMMPS writes without dump_modify element


@dataclass
class _Header:
    """What is in front of a frame's atoms."""

    n_atoms: int | None = None
    box: tuple[list[str], list[str]] | None = None
    units: str | None = None
    columns: list[str] = field(default_factory=list)


def units_in_force(
    stated: str | None, options: ReadingOptions, notices: Notices
) -> UnitStyle:
    """The unit style of a file; a warning if neither it nor the user states it.

    Raises
    ------
    InputError
        If both do and they differ, or if the style has no units.
    """
    if stated is not None:
        check_style(stated)
    if stated is not None and options.units not in (None, stated):
        raise InputError(
            f"{notices.where}: states units {stated}, but --units says {options.units}"
        )
    found = options.units or stated
    if found is None:
        notices.once(
            "units",
            f"does not state its units, which are taken as {ASSUMED} (Å, eV); others "
            f"are named with --units",
            UnitsWarning,
        )
    return STYLES[found or ASSUMED]


class LammpsDumpReader(TextReader):
    """Of text dumps of LAMMPS."""

    _units: str | None = None

    def frames(
        self, lines: LineStream, wanted: Wanted
    ) -> Iterator[Frame | BadFrame | None]:
        """Every frame of the file; None for those that are not wanted."""
        number = 0
        while _go_to_frame(lines):
            name = self._name(number)
            result = self._frame(lines, number, wanted(number))
            if isinstance(result, InputError):
                _go_to_frame(lines)
                at_end = lines.peek() is None
                if at_end and lines.fault is not None:
                    result = InputError(f"{result}; {lines.fault}")
                truncated = at_end and (lines.is_cut or isinstance(result, _EndsEarly))
                yield BadFrame(name, number, result, truncated, at_end)
                if at_end:
                    return
            else:
                yield result
            number += 1
        if lines.fault is not None or (number == 0 and lines.number):
            why = lines.fault or f"expected {TIMESTEP}"
            yield self._unreadable(number, why, lines.fault is not None)

    def _frame(
        self, lines: LineStream, number: int, wanted: bool
    ) -> Frame | InputError | None:
        name = self._notices.where
        header = _read_header(lines)
        if isinstance(header, str):
            return (_EndsEarly if lines.peek() is None else InputError)(
                f"{name}: {header}"
            )
        if header.units is not None:
            self._units = header.units
        n_atoms = header.n_atoms or 0
        if n_atoms * SHORTEST_ROW > self._size + 8:
            return InputError(
                f"{name}: states {n_atoms} atoms, more than the file has room for"
            )
        columns = Columns(header.columns, self._labels.asked)
        # Wrong units are an error of the whole file.
        units = units_in_force(self._units, self._options, self._notices)
        try:
            found = columns.read(lines, n_atoms, wanted)
            if not wanted:
                return None
            if lines.peek() is None and lines.unterminated:  # LAMMPS ends all lines
                self._notices.once(
                    "cut",
                    "the file does not end with a line break; its last number may be "
                    "cut off",
                    TruncatedTrajectoryWarning,
                )
            return self._made(header, columns, found, units, number)
        except InputError as error:
            return error
        except TooFewRows as short:
            kind = _EndsEarly if lines.peek() is None else InputError
            what = "file" if kind is _EndsEarly else "frame"
            return kind(f"{name}: the {what} ends after {short} of {n_atoms} atoms")
        except (ValueError, OverflowError) as error:
            return InputError(f"{name}: cannot be read as lammps-dump-text ({error})")

    def _made(
        self,
        header: _Header,
        columns: Columns,
        found: dict[str, Any],
        units: UnitStyle,
        number: int,
    ) -> Frame:
        name = self._notices.where
        own, pbc = _box(header, name, self._options)
        order = _order(found.get("id"), header.n_atoms or 0)
        stated = StatedBoundaries(own * units.length, pbc)
        cell, periodic = boundaries(stated, name, self._options)
        positions = columns.positions(found, own)[order] * units.length
        names, types = self._species(found, units, order)
        stores = {
            key: values[order] * units.force
            for key, values in columns.vectors(found).items()
        }
        labels = self._labels.read([stores], len(types), volume_of(cell, periodic))
        return Frame(
            name=name,
            index=number,
            positions=positions,
            types=types,
            names=names,
            cell=cell,
            pbc=periodic,
            labels=labels,
            first_type=1,
        )

    def _species(
        self, found: dict[str, Any], units: UnitStyle, order: Int64s
    ) -> tuple[tuple[str, ...] | None, Integers]:
        """Names and types; without names, where the file has only numbers."""
        known = self._options.names
        candidates = [
            coded([words[k] for k in order])
            for words in (found.get(key) for key in TEXTS)
            if words is not None and set(words) != {UNNAMED}
        ]
        candidates.sort(key=lambda names: not set(names[0]) <= set(known))
        if candidates:
            names, types = candidates[0]
            return tuple(species_name(n, known) for n in names), types
        if "mass" in found:
            masses, types = np.unique(found["mass"][order], return_inverse=True)
            return tuple(name_of_mass(m * units.mass) for m in masses), types
        if "type" not in found:
            raise ValueError("ITEM: ATOMS: expected a column of types or elements")
        numbers = found["type"][order]
        if numbers.size and (numbers.min() < 1 or (numbers % 1).any()):
            raise ValueError(f"expected types from 1, got {numbers.min():g}")
        return None, numbers.astype(np.int64) - 1


class _EndsEarly(InputError):
    """The file ends inside of a frame."""


def _begins(line: str) -> bool:
    """Whether a line can be the first of a frame."""
    return line.startswith((TIMESTEP, "ITEM: UNITS"))


def _go_to_frame(lines: LineStream) -> bool:
    """Whether there is another frame."""
    start = lines.number
    while piece := lines.take(PIECE):
        at = next((k for k, line in enumerate(piece) if _begins(line)), None)
        if at is not None:
            lines.give_back(len(piece) - at)
            return True
        if lines.number - start > LONGEST_SEARCH:
            lines.stop(f"no frame begins in the next {LONGEST_SEARCH} lines")
    return False


def _read_header(lines: LineStream) -> _Header | str:
    """Everything down to the titles of the columns, or what is wrong with it."""
    header = _Header()
    seen_step = False
    for _ in range(LONGEST_HEADER):
        line = lines.peek()
        if line is None or (seen_step and _begins(line)):
            break
        lines.next()
        if line.startswith("ITEM: ATOMS"):
            header.columns = line.split()[2:]
            if header.n_atoms is None or not seen_step:
                break
            return header
        if line.startswith(TIMESTEP):
            seen_step = True
        elif line.startswith("ITEM: UNITS"):
            header.units = (lines.next() or "").strip()
        elif line.startswith("ITEM: NUMBER OF ATOMS"):
            text = (lines.next() or "").strip()
            if not text.isdecimal() or len(text) > 18:
                return f"expected the number of atoms, got {text[:40]!r}"
            header.n_atoms = int(text)
        elif line.startswith("ITEM: BOX BOUNDS"):
            rows = [lines.next() or "" for _ in range(3)]
            header.box = line.split()[3:], rows
    return "expected ITEM: NUMBER OF ATOMS and ITEM: ATOMS"


def _order(ids: Doubles | None, n_atoms: int) -> Int64s:
    """Indices that sort the atoms by their IDs."""
    if ids is None:
        return np.arange(n_atoms)
    order = np.argsort(ids, kind="stable")
    if ids.size > 1 and (np.diff(ids[order]) == 0).any():
        raise ValueError("expected a different id for each atom")
    return order


def _box(
    header: _Header, name: str, options: ReadingOptions
) -> tuple[Doubles, Periodicity]:
    """(3, 3) cell in the file's unit of length, and its periodicity."""
    if header.box is None:
        raise InputError(f"{name}: expected ITEM: BOX BOUNDS")
    titles, lines = header.box
    rows = [[real_number(word) for word in line.split()] for line in lines]
    widths = {len(row) for row in rows}
    general, tilted = titles[:2] == ["abc", "origin"], "xy" in titles
    if widths != {4 if general else 3 if tilted or 3 in widths else 2}:
        raise InputError(
            f"{name}: ITEM: BOX BOUNDS: expected three rows of numbers, got "
            f"{' | '.join(lines)[:60]!r}"
        )
    flags = titles[-3:] if all(len(t) == 2 for t in titles[-3:]) else []
    flags = [flag for flag in flags if set(flag) <= set("pfsm")]
    if len(flags) != 3 and options.pbc is None:
        raise InputError(
            f"{name}: ITEM: BOX BOUNDS does not say which directions are periodic; "
            f"say it with --pbc"
        )
    pbc = [f[0] == "p" for f in flags] if len(flags) == 3 else list(options.pbc or ())
    array = np.array(rows)
    if general:
        return array[:, :3], (pbc[0], pbc[1], pbc[2])
    cell = np.diag(array[:, 1] - array[:, 0])
    if array.shape[1] == 3:
        # The bounds enclose the tilted box (LAMMPS, Howto_triclinic).
        named = dict(zip(titles[:3], array[:, 2], strict=False)) if tilted else {}
        xy, xz, yz = (
            named.get(key, tilt)
            for key, tilt in zip(("xy", "xz", "yz"), array[:, 2], strict=True)
        )
        cell[0, 0] -= max(0, xy, xz, xy + xz) - min(0, xy, xz, xy + xz)
        cell[1, 1] -= max(0, yz) - min(0, yz)
        cell[1, 0], cell[2, :2] = xy, (xz, yz)
    return cell, (pbc[0], pbc[1], pbc[2])
