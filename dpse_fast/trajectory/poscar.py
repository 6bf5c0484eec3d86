"""VASP's POSCAR and CONTCAR, with and without names of the species."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..array_types import Doubles, Integers
from .boundaries import StatedBoundaries, boundaries
from .elements import IS_SYMBOL, species_name
from .frame import Frame, coded, volume_of
from .numbers_in_text import real_number
from .plausible import largest_size
from .reading_options import ReadingOptions
from .text_lines import LineStream, open_bytes

FORMAT = "vasp"
SCALE, LATTICE, SPECIES = 1, 2, 5  # lines
HEAD = 9  # lines, down to the one in front of the positions at most
PIECE = 4096  # lines that are converted at once
SHORTEST_ROW = len("0 0 0\n")


def read_poscar(path: Path, options: ReadingOptions) -> Frame:
    """The structure; the species are numbers where the file names none (VASP 4).

    Its first line names them if it holds as many elements or types of the model as
    there are species.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    name = f"{path.name}, frame 0"
    with open_bytes(path) as file:
        stream = LineStream(file)
        lines = [line for _ in range(HEAD) if (line := stream.next()) is not None]
        return _read(lines, stream, name, largest_size(path), options)


def _read(
    lines: list[str],
    stream: LineStream,
    name: str,
    size: int,
    options: ReadingOptions,
) -> Frame:
    """Of the lines at the beginning, and the stream of those behind them."""
    if stream.fault is not None:
        raise ValueError(stream.fault)
    if len(lines) < SPECIES + 3:
        raise ValueError("expected a title, a scale, a lattice, counts and positions")
    cell, scale = _lattice(lines)
    at, found = SPECIES, None
    if not lines[at].split()[:1] or not lines[at].split()[0].isdecimal():
        found, at = lines[at].split(), at + 1
    counts = _counts(lines[at])
    if found is None:
        found = _in_title(lines[0], len(counts), options.names)
    if found is not None and len(found) != len(counts):
        raise ValueError(f"expected {len(found)} numbers of atoms, got {len(counts)}")
    at += 1
    if lines[at].strip()[:1].lower() == "s":
        at += 1
    n_atoms = sum(counts)
    if n_atoms * SHORTEST_ROW > size + 8:
        raise ValueError(f"states {n_atoms} atoms, more than the file has room for")
    parts = [_positions(lines[at + 1 :][:n_atoms])]
    missing = n_atoms - len(parts[0])
    while missing:
        rows = stream.take(min(PIECE, missing))
        if not rows:
            raise ValueError(f"states {n_atoms} atoms and has {n_atoms - missing}")
        parts.append(_positions(rows))
        missing -= len(rows)
    _refuse_more([*lines[at + 1 :][n_atoms:], *stream.take(n_atoms + 1)], n_atoms)
    positions = np.concatenate(parts)
    cartesian = lines[at].strip()[:1].lower() in ("c", "k")
    positions = positions * scale if cartesian else positions @ cell
    types: Integers = np.repeat(np.arange(len(counts)), counts)
    names = None
    if found is not None:
        short = [_species(word, options.names) for word in found]
        names, codes = coded(short)
        types = codes[types]
    shown, pbc = boundaries(StatedBoundaries(cell, (True,) * 3), name, options)
    return Frame(
        name=name,
        index=0,
        positions=positions,
        types=types,
        names=names,
        cell=shown,
        pbc=pbc,
        first_type=1,
    )


def _lattice(lines: list[str]) -> tuple[Doubles, Doubles]:
    """(3, 3) cell in Å, and the factors (1,) or (3,) of Cartesian positions."""
    scale = np.array([real_number(word) for word in lines[SCALE].split()[:3]])
    rows = [lines[LATTICE + k].split()[:3] for k in range(3)]
    cell = np.array([[real_number(word) for word in row] for row in rows])
    if scale.size not in (1, 3) or cell.shape != (3, 3):
        raise ValueError("expected one or three scales, and three vectors")
    if scale.size == 1 and scale[0] < 0:  # the volume
        volume = volume_of(cell, (True, True, True))
        if not volume:
            raise ValueError("expected vectors that span a volume")
        scale = np.cbrt(-scale / volume)
    return cell * scale, scale


def _counts(line: str) -> list[int]:
    words = line.partition("!")[0].split()
    if not words or not all(w.isdecimal() and len(w) < 19 for w in words):
        raise ValueError(f"expected numbers of atoms, got {line.strip()[:40]!r}")
    return [int(word) for word in words]


def _in_title(title: str, n: int, known: tuple[str, ...]) -> list[str] | None:
    words = title.split()
    fits = len(words) == n and all(w in known or w in IS_SYMBOL for w in words)
    return words if fits else None


def _species(word: str, known: tuple[str, ...]) -> str:
    """``Na_pv/6a2f546d``, as VASP writes potentials, is Na unless a type's name."""
    label = word.partition("/")[0]
    if label in known:
        return label
    short = label.partition("_")[0]
    return species_name(short if short in IS_SYMBOL else label, known)


def _refuse_more(behind: list[str], n_atoms: int) -> None:
    """Rows behind the last atom are velocities, one for each, or too many atoms."""
    n = next((k for k, line in enumerate(behind) if not _is_row(line)), len(behind))
    if n not in (0, n_atoms):
        raise ValueError(
            f"states {n_atoms} atoms, but {'at least ' * (n > n_atoms)}{n} more rows "
            f"of numbers follow"
        )


def _is_row(line: str) -> bool:
    try:
        return len([real_number(word) for word in line.split()[:3]]) == 3
    except ValueError:
        return False


def _positions(rows: list[str]) -> Doubles:
    words = [row.split()[:3] for row in rows]
    if any(len(row) != 3 for row in words):
        raise ValueError("expected three numbers for each atom")
    array = np.array([[real_number(word) for word in row] for row in words], np.float64)
    return array.reshape(-1, 3)
