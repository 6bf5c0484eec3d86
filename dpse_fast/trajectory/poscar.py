"""VASP's POSCAR and CONTCAR, with and without names of the species."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..array_types import Doubles, Integers
from .boundaries import StatedBoundaries, boundaries
from .elements import IS_SYMBOL, species_name
from .frame import Frame, coded
from .plausible import whole_text
from .reading_options import ReadingOptions

FORMAT = "vasp"
SCALE, LATTICE, SPECIES = 1, 2, 5  # lines


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
    lines = whole_text(path).splitlines()
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
    if at < len(lines) and lines[at].strip()[:1].lower() == "s":
        at += 1
    n_atoms = sum(counts)
    rows = lines[at + 1 : at + 1 + n_atoms]
    if len(rows) != n_atoms:
        raise ValueError(f"states {n_atoms} atoms and has {len(rows)}")
    positions = _positions(rows)
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
    )


def _lattice(lines: list[str]) -> tuple[Doubles, Doubles]:
    """(3, 3) cell in Å, and the factors (1,) or (3,) of Cartesian positions."""
    scale = np.array([float(word) for word in lines[SCALE].split()[:3]])
    rows = [lines[LATTICE + k].split()[:3] for k in range(3)]
    cell = np.array([[float(word) for word in row] for row in rows])
    if scale.size not in (1, 3) or cell.shape != (3, 3):
        raise ValueError("expected one or three scales, and three vectors")
    if scale.size == 1 and scale[0] < 0:  # the volume
        scale = np.cbrt(-scale / abs(np.linalg.det(cell)))
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


def _positions(rows: list[str]) -> Doubles:
    words = [row.split()[:3] for row in rows]
    if any(len(row) != 3 for row in words):
        raise ValueError("expected three numbers for each atom")
    array = np.array([[float(word) for word in row] for row in words], np.float64)
    return array.reshape(-1, 3)
