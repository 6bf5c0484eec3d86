"""LAMMPS data files (``write_data``) with atoms of the common styles.

They do not say which directions are periodic: all are, as in LAMMPS by default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import Doubles, Integers
from ..errors import InputError
from .boundaries import StatedBoundaries, boundaries
from .elements import IS_SYMBOL, name_of_mass, species_name
from .frame import Frame, coded
from .lammps_dump import units_in_force
from .lammps_units import UnitStyle
from .notices import Notices
from .numbers_in_text import real_number, whole_number
from .reading_options import ReadingOptions
from .text_lines import LineStream, open_bytes

FORMAT = "lammps-data"
# Of each atom style: the column of the type and the first one of the position.
STYLES = {
    "atomic": (1, 2),
    "angle": (2, 3),
    "bond": (2, 3),
    "charge": (1, 3),
    "full": (2, 4),
    "molecular": (2, 3),
}
# With as many columns as those above, which mean something else.
OTHER_STYLES = re.compile(
    r"amoeba|apip|body|bpm|dielectric|dipole|[em]?dpd|tdpd|electron|ellipsoid|hybrid"
    r"|line|mesont|oxdna|peri|rheo|smd|sph|sphere|spica|spin|template|tri|wavepacket"
)
OF_WIDTH = {5: "atomic", 8: "atomic", 7: "full", 10: "full"}

_UNITS = re.compile(r"\bunits\s*=?\s*(\w+)")
_HEADER = re.compile(
    r"\s*(?P<values>[-+\d.eE\s]+?)\s+"
    r"(?P<title>atoms|xlo xhi|ylo yhi|zlo zhi|xy xz yz|avec|bvec|cvec|abc origin)\s*$"
)
MOST_TYPES = 10_000
LONGEST_HEADER = 1000  # lines
_TITLES = ("Atoms", "Masses", "Atom Type Labels")
Rows = list[tuple[list[str], str]]


def read_lammps_data(path: Path, options: ReadingOptions, notices: Notices) -> Frame:
    """The structure; its types stay numbers unless masses or labels name them.

    Raises
    ------
    InputError
        If it states other units than the options, or is damaged.
    """
    name = notices.where = f"{path.name}, frame 0"
    with open_bytes(path) as file:
        lines = LineStream(file)
        stated = _UNITS.search((lines.next() or "")[:1000])
        units = units_in_force(None if stated is None else stated[1], options, notices)
        header, sections, style = _parts(lines)
        if lines.fault is not None:
            raise ValueError(lines.fault)
    n_atoms = int(header["atoms"][0])
    rows = sections.get("Atoms", [])
    if len(rows) != n_atoms:
        raise ValueError(f"states {n_atoms} atoms and has {len(rows)}")
    cell = _cell(header) * units.length
    words = [row for row, _ in rows]
    width = len(words[0]) if words else 5
    if style not in STYLES and not OTHER_STYLES.fullmatch(style.partition("/")[0]):
        style = OF_WIDTH.get(width, "")
    if style not in STYLES or any(len(row) != width for row in words):
        called = f" of style {style[:20]}" if style else ""
        raise ValueError(
            f"Atoms: expected rows of one of the styles {', '.join(STYLES)}, named in "
            f"a comment (Atoms # full), got {width} columns{called}"
        )
    type_at, at = STYLES[style]
    ids = np.array([whole_number(row[0]) for row in words], np.int64)
    order = np.argsort(ids, kind="stable")
    if (np.diff(ids[order]) == 0).any():
        raise ValueError("Atoms: expected a different ID for each atom")
    positions = units.length * _floats(words, at)
    if width == at + 6:
        positions += _floats(words, at + 3) @ cell
    names, types = _species([row[type_at] for row in words], sections, units, options)
    shown, pbc = boundaries(StatedBoundaries(cell), name, options)
    return Frame(
        name=name,
        index=0,
        positions=positions[order],
        types=types[order],
        names=names,
        cell=shown,
        pbc=pbc,
        first_type=1,
    )


def _parts(lines: LineStream) -> tuple[dict[str, list[float]], dict[str, Rows], str]:
    """Numbers of the header by title, rows of the sections, and the atom style."""
    header: dict[str, list[float]] = {}
    sections: dict[str, Rows] = {}
    rows: Rows | None = None
    style, title, in_header = "", "", True
    narrowest = most = 0
    while (line := lines.next()) is not None:
        content, _, comment = line.partition("#")
        words = content.split()
        if not words:
            continue
        if words[0][0].isalpha() and words[0][0].isupper():
            in_header, title = False, " ".join(words)
            rows = sections.setdefault(title, []) if title in _TITLES else None
            narrowest, most = (2, MOST_TYPES)
            if title == "Atoms":
                narrowest, most = (5, int(header.get("atoms", [0])[0]))
                style = comment.strip().partition(" ")[0]
        elif in_header:
            if lines.number > LONGEST_HEADER:
                raise ValueError("expected a section with atoms")
            match = _HEADER.match(content)
            if match is not None:
                values = match["values"].split()
                header[match["title"]] = [real_number(word) for word in values]
        elif rows is not None:
            if len(words) < narrowest or len(rows) == most:
                raise ValueError(
                    f"{title}: expected at most {most} rows of {narrowest} or more "
                    f"columns, got {line[:40]!r}"
                )
            rows.append((words, comment.strip().partition(" ")[0]))
    if "atoms" not in header:
        raise ValueError("expected a line that states the number of atoms")
    return header, sections, style


def _cell(header: dict[str, list[float]]) -> Doubles:
    """(3, 3) rows, in the file's unit of length."""
    if "avec" in header:
        cell = np.array([header[key] for key in ("avec", "bvec", "cvec")])
    else:
        try:
            bounds = [header[key] for key in ("xlo xhi", "ylo yhi", "zlo zhi")]
        except KeyError as missing:
            raise ValueError(f"expected a line with {missing}") from None
        cell = np.diag([high - low for low, high in bounds])
        cell[1, 0], cell[2, 0], cell[2, 1] = header.get("xy xz yz", (0.0, 0.0, 0.0))
    if cell.shape != (3, 3):
        raise ValueError("expected a cell of three vectors")
    return cell


def _floats(words: list[list[str]], start: int) -> Doubles:
    rows = [[real_number(word) for word in row[start : start + 3]] for row in words]
    return np.array(rows, np.float64).reshape(-1, 3)


def _species(
    types: list[str],
    sections: dict[str, Rows],
    units: UnitStyle,
    options: ReadingOptions,
) -> tuple[tuple[str, ...] | None, Integers]:
    """Names of the types, and (N,) types from 0.

    The names are the type labels if they are elements or types of the model, else the
    comments of the masses if the model has them all, else the elements of the masses,
    else the labels, else none.
    """
    found, indices = coded(types)
    known = options.names
    label_of = {row[0]: row[1] for row, _ in sections.get("Atom Type Labels", [])}
    number_of = {label: number for number, label in label_of.items()}
    masses = sections.get("Masses", [])
    comment_of = {row[0]: comment for row, comment in masses}
    mass_of = {row[0]: real_number(row[1]) for row, _ in masses}
    strange = [t for t in found if not t.isdecimal() and t not in number_of]
    if strange:
        raise ValueError(f"Atoms: expected type numbers, got {strange[0][:40]!r}")

    def of(table: Mapping[str, Any], t: str) -> Any:
        """By number or by label, as the file has it."""
        return table.get(t, table.get(number_of.get(t, "")))

    labels = [t if t in number_of else label_of.get(t, t) for t in found]
    comments = [of(comment_of, t) for t in found]
    names: list[str] | None = None
    if label_of and {species_name(n, known) for n in labels} <= {*known, *IS_SYMBOL}:
        names = labels
    elif masses and set(comments) <= set(known):
        names = comments
    elif masses:
        names = [name_of_mass(of(mass_of, t) * units.mass) for t in found]
    elif label_of:
        names = labels
    if names is not None:
        distinct, codes = coded([species_name(name, known) for name in names])
        return distinct, codes[indices] if found else indices
    numbers = np.array([int(t) for t in found], np.int64) - 1
    if numbers.size and numbers.min() < 0:
        raise InputError(f"Atoms: expected types from 1, got {numbers.min() + 1}")
    return None, numbers[indices] if found else indices
