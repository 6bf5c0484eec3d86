"""Text trajectories cut into the lines of one frame at a time.

ASE reads the whole file, or scans it to the end, before it gives the first
frame; cutting first keeps long trajectories streaming.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ..errors import InputError

Lines = list[str]

TIMESTEP = "ITEM: TIMESTEP"
ATOMS = "ITEM: ATOMS"
HEADER_LINES = 20


def split_xyz(lines: Iterator[str], path: str) -> Iterator[Lines]:
    """The frames of an xyz or extxyz file: count, comment, atoms, VEC lines."""
    number = 0
    header = next(lines, None)
    while header is not None:
        if not header.strip():
            header = next(lines, None)
            continue
        n_atoms = _count(header, f"{path}, frame {number}")
        frame = [header, *islice(lines, n_atoms + 1)]
        if len(frame) != n_atoms + 2:
            raise InputError(
                f"{path}, frame {number}: the file ends after {len(frame) - 2} of "
                f"{n_atoms} atoms"
            )
        header = next(lines, None)
        while header is not None and header.lstrip().startswith("VEC"):
            frame.append(header)
            header = next(lines, None)
        yield frame
        number += 1


def split_lammps_dump(lines: Iterator[str], path: str) -> Iterator[Lines]:
    """The frames of a LAMMPS text dump, from one ITEM: TIMESTEP to the next."""
    frame: Lines = []
    number = 0
    for line in lines:
        if line.startswith(TIMESTEP) and _where(frame, TIMESTEP) is not None:
            yield _complete_dump(frame, f"{path}, frame {number}")
            frame = []
            number += 1
        frame.append(line)
    if frame:
        yield _complete_dump(frame, f"{path}, frame {number}")


def dump_columns(frame: Lines) -> list[str]:
    """The names of the columns of a dump's atoms."""
    at = _where(frame, ATOMS)
    return [] if at is None else frame[at].split()[2:]


def dump_units(frame: Lines) -> str | None:
    """The LAMMPS unit style that a dump states, if it does."""
    at = _where(frame, "ITEM: UNITS")
    return None if at is None else frame[at + 1].strip()


def _where(frame: Lines, title: str) -> int | None:
    head = frame[:HEADER_LINES]
    return next((k for k, line in enumerate(head) if line.startswith(title)), None)


def _count(text: str, name: str) -> int:
    try:
        n_atoms = int(text)
    except ValueError:
        n_atoms = -1
    if n_atoms < 0:
        raise InputError(
            f"{name}: expected the number of atoms, got {text.strip()[:40]!r}"
        )
    return n_atoms


def _complete_dump(frame: Lines, name: str) -> Lines:
    counted, listed = _where(frame, "ITEM: NUMBER OF ATOMS"), _where(frame, ATOMS)
    if counted is None or listed is None:
        raise InputError(f"{name}: expected ITEM: NUMBER OF ATOMS and {ATOMS}")
    n_atoms = _count(frame[counted + 1], name)
    n_listed = len(frame) - listed - 1
    if n_listed < n_atoms:
        raise InputError(f"{name}: the file ends after {n_listed} of {n_atoms} atoms")
    return frame
