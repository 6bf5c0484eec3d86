"""The cell and the periodicity of a frame: the file's own, or the user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..array_types import Doubles
from ..errors import InputError
from .reading_options import OPEN, PERIODIC, Periodicity, ReadingOptions

if TYPE_CHECKING:
    from ase import Atoms

Boundaries = tuple[Doubles | None, Periodicity]
CLOSE = 1e-6  # Å; cells pass through files with few decimals


@dataclass(frozen=True, eq=False)
class StatedBoundaries:
    """What a file says of a frame.

    Parameters
    ----------
    cell : (3, 3) rows, Å, or None; zero vectors are missing ones
    pbc : as it is stated, or None
    implied : the periodicity of a frame with a cell that does not state it
    unread_cell : the key of something that looks like a cell and is not read as one
    """

    cell: Doubles | None = None
    pbc: Periodicity | None = None
    implied: Periodicity = PERIODIC
    unread_cell: str | None = None


def boundaries(
    stated: StatedBoundaries, name: str, options: ReadingOptions
) -> Boundaries:
    """Cell and periodicity of a frame; a cell without periodicity is left out.

    Raises
    ------
    InputError
        If a periodic direction has no cell vector, if something looks like a cell
        and cannot be read, or if the user's cell or periodicity contradicts the
        file's.
    """
    own = stated.cell
    if own is not None and not np.isfinite(own).all():
        raise InputError(f"{name}: cell: expected finite numbers, got {own.tolist()}")
    if own is not None and not own.any() and stated.pbc is not None:
        own = None
    cell = _cell(own, name, options)
    pbc = _periodicity(stated, own, cell, name, options)
    if cell is None:
        _refuse_without_cell(stated, pbc, name, options)
        return None, OPEN
    present = np.any(cell, axis=1)
    for axis in range(3):
        if pbc[axis] and not present[axis]:
            raise InputError(
                f"{name}: direction {'abc'[axis]} is periodic but its cell vector is "
                f"zero; give the vector, or set pbc to F there"
            )
    if not present.any():
        return None, OPEN
    return (cell if present.all() else _completed(cell)), pbc


def _cell(own: Doubles | None, name: str, options: ReadingOptions) -> Doubles | None:
    given = options.cell
    if own is None or given is None:
        return given if own is None else own
    if not own.any():
        return given
    if not np.allclose(own, given, rtol=0, atol=CLOSE):
        raise InputError(
            f"{name}: has its own cell {own.tolist()}, which is not the given one "
            f"(--cell)"
        )
    return own


def _periodicity(
    stated: StatedBoundaries,
    own: Doubles | None,
    cell: Doubles | None,
    name: str,
    options: ReadingOptions,
) -> Periodicity:
    said = stated.pbc
    nothing_said = said is None or (own is None and not any(said))
    if options.pbc is None:
        if nothing_said:
            return (
                OPEN
                if cell is None
                else stated.implied
                if own is not None
                else PERIODIC
            )
        return said  # type: ignore[return-value]
    if not nothing_said and said != options.pbc:
        raise InputError(
            f"{name}: states its own pbc {_letters(said)}, which is not the given "
            f"one {_letters(options.pbc)} (--pbc)"
        )
    return options.pbc


def _refuse_without_cell(
    stated: StatedBoundaries,
    pbc: Periodicity,
    name: str,
    options: ReadingOptions,
) -> None:
    key = stated.unread_cell
    if any(pbc):
        like = f" ({key!r} is not read as one)" if key else ""
        raise InputError(
            f"{name}: is periodic (pbc {_letters(pbc)}) but has no cell{like}; give "
            f"the cell (Lattice in extxyz, or --cell) or set pbc to F"
        )
    if key is not None and stated.pbc is None and options.pbc is None:
        raise InputError(
            f"{name}: {key!r} looks like a cell and is not read as one; call it "
            f"Lattice, give --cell, or say --pbc F,F,F for open boundaries"
        )


def _letters(pbc: Periodicity | None) -> str:
    return "".join("FT"[p] for p in pbc or OPEN)


def _completed(cell: Doubles) -> Doubles:
    """Missing vectors replaced by unit vectors normal to the others."""
    rows = np.array(cell)
    missing = np.flatnonzero(~rows.any(axis=1))
    normals = np.linalg.svd(rows)[2][3 - len(missing) :]
    rows[missing] = normals
    return rows


def stated_by_atoms(atoms: Atoms) -> StatedBoundaries:
    """The boundaries of an ASE structure."""
    pbc = tuple(bool(p) for p in atoms.pbc)
    rows = np.array(atoms.cell.array, np.float64)
    return StatedBoundaries(rows if rows.any() else None, (pbc[0], pbc[1], pbc[2]))


def boundaries_of(
    atoms: Atoms, name: str, options: ReadingOptions | None = None
) -> Boundaries:
    """Cell and periodicity of an ASE structure.

    Raises
    ------
    InputError
        As `boundaries`.
    """
    return boundaries(stated_by_atoms(atoms), name, options or ReadingOptions())
