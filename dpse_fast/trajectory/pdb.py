"""Frames of Protein Data Bank files; names of atoms are kept as they are.

The cell of CRYST1 holds for all models of a file that come after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..array_types import Doubles
from ..errors import InputError
from .boundaries import StatedBoundaries, boundaries
from .elements import species_name
from .frame import BadFrame, Frame, coded
from .numbers_in_text import real_number
from .reading_options import PERIODIC, cell_from
from .text_lines import LineStream
from .text_reader import TextReader, Wanted

FORMAT = "proteindatabank"
ATOMS = ("ATOM  ", "HETATM")
SHORTEST_ROW = 54  # characters, up to the end of the position
LONGEST_SEARCH = 10**6  # lines, for the next atom
NO_CELL = (1.0, 1.0, 1.0)  # what CRYST1 holds for structures without one


class PdbReader(TextReader):
    """Of files of the Protein Data Bank."""

    _cell: Doubles | None = None

    def frames(
        self, lines: LineStream, wanted: Wanted
    ) -> Iterator[Frame | BadFrame | None]:
        """Every frame of the file; None for those that are not wanted."""
        number, rows, last = 0, [], 0
        while True:
            line = lines.next()
            ends = line is None or line.startswith("END")
            if line is not None and line.startswith("CRYST1"):
                self._read_cell(line)
            elif line is not None and line.startswith(ATOMS):
                # A damaged row spoils the frame, whatever else it has.
                if len(line) < SHORTEST_ROW:
                    rows = [("", "", "")]
                rows.append(_shortened(line))
                last = lines.number
                if len(rows) * SHORTEST_ROW > self._size + 8:
                    lines.stop("a frame has more atoms than its packed file can hold")
                    break
            elif lines.number - last > LONGEST_SEARCH:
                lines.stop(f"no atom is in {LONGEST_SEARCH} lines")
            if ends and rows:
                name = self._name(number)
                yield self._made(rows, name, number) if wanted(number) else None
                number, rows = number + 1, []
            if line is None:
                break
        if lines.fault is not None:
            yield self._unreadable(number, lines.fault)

    def _read_cell(self, line: str) -> None:
        widths = ((6, 15), (15, 24), (24, 33), (33, 40), (40, 47), (47, 54))
        try:
            values = [real_number(line[a:b]) for a, b in widths]
            empty = tuple(values[:3]) == NO_CELL or not any(values[:3])
            self._cell = None if empty else cell_from(values)
        except ValueError:  # a bad cell spoils the frames that it holds for
            self._cell = np.full((3, 3), np.nan)

    def _made(
        self, rows: list[tuple[str, str, str]], name: str, number: int
    ) -> Frame | BadFrame:
        try:
            words = [[x[8 * k : 8 * k + 8] for k in range(3)] for _, _, x in rows]
            positions = np.array([[real_number(word) for word in row] for row in words])
            stated = StatedBoundaries(
                self._cell, None if self._cell is None else PERIODIC
            )
            cell, pbc = boundaries(stated, name, self._options)
        except InputError as error:
            return BadFrame(name, number, error)
        except ValueError as error:
            wrong = InputError(f"{name}: cannot be read as {FORMAT} ({error})")
            return BadFrame(name, number, wrong)
        known = self._options.names
        atoms = [row[0] for row in rows]
        if not set(atoms) <= set(known):
            atoms = [element or atom for atom, element, _ in rows]
        names, types = coded([species_name(text, known) for text in atoms])
        return Frame(name, number, positions, types, names, cell, pbc)


def _shortened(line: str) -> tuple[str, str, str]:
    """Name, element and the columns of the position."""
    return line[12:16].strip(), line[76:78].strip(), line[30:54]
