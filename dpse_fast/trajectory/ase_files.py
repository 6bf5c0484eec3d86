"""Trajectory files: our readers of the common formats, ASE's of all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DpseError, InputError
from ..runtime.interrupts import raise_interrupt_behind
from . import lammps_data, pdb, poscar
from .dpdata_systems import advice_for
from .extxyz import ExtxyzReader
from .file_reading import FileReading
from .frame import BadFrame, Frame
from .lammps_dump import LammpsDumpReader
from .plausible import check_plausible, is_packed, largest_size
from .structure import from_atoms
from .text_lines import LineStream, first_bytes, open_bytes, read_errors
from .text_reader import TextReader

if TYPE_CHECKING:
    from ase import Atoms

LAMMPS_DUMP = "lammps-dump-text"
LAMMPS_BINARY = "lammps-dump-binary"
EXTXYZ = "extxyz"
WITH_UNITS = (LAMMPS_DUMP, lammps_data.FORMAT)


READERS: dict[str, type[TextReader]] = {
    EXTXYZ: ExtxyzReader,
    LAMMPS_DUMP: LammpsDumpReader,
    pdb.FORMAT: pdb.PdbReader,
}
ALIASES = {"xyz": EXTXYZ, "pdb": pdb.FORMAT}


@dataclass(frozen=True)
class Selection:
    """Frame numbers start, start + step, … below stop."""

    start: int
    stop: int | None
    step: int = 1

    def __contains__(self, number: int) -> bool:
        if number < self.start or self.is_past(number):
            return False
        return (number - self.start) % self.step == 0

    def is_past(self, number: int) -> bool:
        return self.stop is not None and number >= self.stop

    def without(self, n: int) -> Selection:
        """Without the first n of its frames."""
        return Selection(self.start + n * self.step, self.stop, self.step)


def iterate_file(
    reading: FileReading, chosen: slice, skip: int
) -> Iterator[Frame | BadFrame]:
    """The chosen frames of a file in any format that we or ASE read."""
    path, options = reading.path, reading.options
    format = options.format or _guess_format(path)
    format = ALIASES.get(format, format)
    if options.units is not None and format not in WITH_UNITS:
        raise InputError(
            f"units: have no effect on {path.name}, since only LAMMPS' files have "
            f"units of several styles, and it is read as {format}"
        )
    try:
        if format in READERS:
            yield from _text_frames(reading, chosen, skip, READERS[format])
        elif format == lammps_data.FORMAT:
            frame = lammps_data.read_lammps_data(path, options, reading.notices)
            yield from [frame][chosen][skip:]
        elif format == poscar.FORMAT:
            yield from [poscar.read_poscar(path, options)][chosen][skip:]
        else:
            yield from _other_frames(reading, chosen, skip, format)
    except DpseError:
        raise
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory as {format}") from None
    except Exception as error:
        raise_interrupt_behind(error)
        raise InputError(_unreadable(str(path), format, error)) from error


def _unreadable(name: str, format: str, error: Exception) -> str:
    kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
    why = " ".join(f"{kind}{error}".split())[:200]
    return f"{name}: cannot be read as {format} ({why})"


def _guess_format(path: Path) -> str:
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        with open_bytes(path) as file:
            head = first_bytes(file, 4000)
    except read_errors() as error:
        raise InputError(f"{path}: cannot be opened ({error})") from None
    if head.lstrip().startswith(b"ITEM:"):
        return LAMMPS_DUMP
    if b"xlo xhi" in head and b"atoms" in head:
        return lammps_data.FORMAT
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and is_packed(path):
        suffixes.pop()
    if suffixes and suffixes[-1] in (".xyz", ".extxyz"):  # without ASE: 0.5 s
        return EXTXYZ
    return _guess_of_ase(path, head)


def _guess_of_ase(path: Path, head: bytes) -> str:
    from ase.io.formats import UnknownFileTypeError, filetype, ioformats

    try:
        found = filetype(str(path))
        found = ALIASES.get(found, found)
        if found in ioformats and ioformats[found].can_read:
            return found
    except UnknownFileTypeError:
        pass
    except read_errors() as error:
        raise InputError(f"{path}: cannot be opened ({error})") from None
    raise InputError(
        f"{path}: not a trajectory format that ASE recognises; name it with --format "
        f"(extxyz, vasp, lammps-data, lammps-dump-text, traj, cif, …)"
        f"{advice_for(path, head)}"
    )


def _text_frames(
    reading: FileReading, chosen: slice, skip: int, kind: type[TextReader]
) -> Iterator[Frame | BadFrame]:
    path = reading.path

    def reader() -> TextReader:
        return kind(
            path.name,
            largest_size(path),
            reading.options,
            reading.labels,
            reading.notices,
        )

    start, stop, step = chosen.start or 0, chosen.stop, chosen.step or 1
    if start < 0 or (stop is not None and stop < 0):
        with open_bytes(path) as file:
            found = reader().frames(LineStream(file), lambda _: False)
            count = sum(1 for _ in found)
        start, stop, step = chosen.indices(count)
    selection = Selection(start, stop, step).without(skip)
    if selection.is_past(selection.start):
        return
    with open_bytes(path) as file:
        found = reader().frames(LineStream(file), selection.__contains__)
        for number, result in enumerate(found):
            if number in selection and result is not None:
                yield result
            if selection.is_past(number + 1):
                return


def _other_frames(
    reading: FileReading, chosen: slice, skip: int, format: str
) -> Iterator[Frame | BadFrame]:
    from ase.io.formats import ioformats

    path = reading.path
    if format not in ioformats:
        raise InputError(f"--format: ASE has no format {format!r}")
    if format == LAMMPS_BINARY:  # ASE takes type numbers for elements
        raise InputError(f"{path}: binary dumps are not read; write a text dump")
    check_plausible(path, format)
    single = ioformats[format].single
    start, stop, step = chosen.start or 0, chosen.stop, chosen.step or 1
    if single or min(start, stop or 0) < 0:
        count = 1 if single else _count(path, format)
        start, stop, step = chosen.indices(count)
    selection = Selection(start, stop, step).without(skip)
    if selection.is_past(selection.start):
        return
    numbers = slice(selection.start, selection.stop, selection.step)
    structures = _structures(path, slice(None) if single else numbers, format)
    number = selection.start
    while True:
        name = f"{path.name}, frame {number}"
        try:
            atoms = next(structures, None)
        except Exception as error:  # ASE's readers end with their first error
            raise_interrupt_behind(error)
            wrong = InputError(_unreadable(name, format, error))
            yield BadFrame(name, number, wrong, last=True)
            return
        if atoms is None:
            return
        try:
            yield from_atoms(
                atoms,
                name,
                number,
                options=reading.options,
                labels=reading.labels,
                notices=reading.notices,
            )
        except InputError as error:
            yield BadFrame(name, number, error)
        number += selection.step


def _count(path: Path, format: str) -> int:
    return sum(1 for _ in _structures(path, slice(None), format))


def _structures(path: Path, chosen: slice, format: str) -> Iterator[Atoms]:
    from ase.io import iread

    return iter(iread(str(path), chosen, format, do_not_split_by_at_sign=True))
