"""Trajectory files, through ASE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DpseError, InputError
from .frame import Frame, from_atoms
from .lammps_data import FORMAT as LAMMPS_DATA
from .lammps_data import read_lammps_data
from .split import Lines, dump_columns, dump_units, split_lammps_dump, split_xyz

if TYPE_CHECKING:
    from ase import Atoms

LAMMPS_DUMP = "lammps-dump-text"
SPLIT: dict[str, Callable[[Iterator[str], str], Iterator[Lines]]] = {
    "extxyz": split_xyz,
    LAMMPS_DUMP: split_lammps_dump,
}


def iterate_ase(path: Path, chosen: slice, format: str | None) -> Iterator[Frame]:
    """The chosen frames of a file in any format that ASE reads."""
    format = format or _guess_format(path)
    try:
        if format in SPLIT:
            yield from _text_frames(path, chosen, format)
        elif format == LAMMPS_DATA:
            yield from [read_lammps_data(path)][chosen]
        else:
            yield from _other_frames(path, chosen, format)
    except DpseError:
        raise
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory as {format}") from None
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"{path}: cannot be read as {format} ({reason})") from error


def _guess_format(path: Path) -> str:
    from ase.io.formats import (
        UnknownFileTypeError,
        filetype,
        ioformats,
        open_with_compression,
    )

    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        with open_with_compression(str(path), "rb") as file:
            head = file.read(4000)
        if head.lstrip().startswith(b"ITEM:"):
            return LAMMPS_DUMP
        if b"xlo xhi" in head and b"atoms" in head:
            return LAMMPS_DATA
        found = filetype(str(path))
        found = "extxyz" if found == "xyz" else found
        if found in ioformats and ioformats[found].can_read:
            return found
    except UnknownFileTypeError:
        pass
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be opened ({error})") from None
    raise InputError(
        f"{path}: not a trajectory format that ASE recognises; name it with --format "
        f"(extxyz, vasp, lammps-data, lammps-dump-text, traj, cif, …)"
    )


def _text_frames(path: Path, chosen: slice, format: str) -> Iterator[Frame]:
    units: dict[str, Any] = {}
    for number, lines in _select(path, chosen, SPLIT[format]):
        if format == LAMMPS_DUMP and dump_units(lines):
            units["units"] = dump_units(lines)
        atoms = _parse("".join(lines), format, **units)
        named = format != LAMMPS_DUMP or {"element", "mass"} & set(dump_columns(lines))
        yield from_atoms(
            atoms,
            f"{path.name}, frame {number}",
            number,
            type_numbers=None if named else atoms.arrays["type"],
            with_energy=format != LAMMPS_DUMP,
        )


def _select(
    path: Path,
    chosen: slice,
    split: Callable[[Iterator[str], str], Iterator[Lines]],
) -> Iterator[tuple[int, Lines]]:
    from ase.io.formats import open_with_compression

    start, stop, step = chosen.start or 0, chosen.stop, chosen.step or 1
    if start < 0 or (stop is not None and stop < 0):
        with open_with_compression(str(path), "r") as file:
            count = sum(1 for _ in split(iter(file), path.name))
        start, stop, step = chosen.indices(count)
    with open_with_compression(str(path), "r") as file:
        frames = enumerate(split(iter(file), path.name))
        yield from islice(frames, start, stop, step)


def _parse(text: str, format: str, **options: Any) -> Atoms:
    from ase.io import read

    atoms = read(StringIO(text), index=0, format=format, **options)
    assert not isinstance(atoms, list)
    return atoms


def _other_frames(path: Path, chosen: slice, format: str) -> Iterator[Frame]:
    from ase.io.formats import ioformats

    if format not in ioformats:
        raise InputError(f"--format: ASE has no format {format!r}")
    single = ioformats[format].single
    if not single and min(chosen.start or 0, chosen.stop or 0) < 0:
        count = sum(1 for _ in _structures(path, slice(None), format))
        chosen = slice(*chosen.indices(count))
    structures = _structures(path, slice(None) if single else chosen, format)
    if single:
        structures = iter(list(structures)[chosen])
    first, step = 0 if single else chosen.start or 0, chosen.step or 1
    for k, atoms in enumerate(structures):
        number = first + k * step
        yield from_atoms(atoms, f"{path.name}, frame {number}", number)


def _structures(path: Path, chosen: slice, format: str) -> Iterator[Atoms]:
    from ase.io import iread

    return iread(str(path), chosen, format, do_not_split_by_at_sign=True)
