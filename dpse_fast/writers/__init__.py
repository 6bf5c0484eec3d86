"""Results of evaluated frames, written one frame at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from .evaluation import Evaluation, ResultWriter, RunDescription
from .extxyz import ExtxyzWriter
from .hdf5 import Hdf5Writer
from .run_output import RunOutput, journal_of, partial_of

__all__ = [
    "Evaluation",
    "ResultWriter",
    "RunDescription",
    "RunOutput",
    "check_output",
    "files_of_output",
    "writer_of",
]

WRITERS: dict[str, type[ResultWriter]] = {
    ".xyz": ExtxyzWriter,
    ".extxyz": ExtxyzWriter,
    ".h5": Hdf5Writer,
    ".hdf5": Hdf5Writer,
}


def check_output(path: str | Path, suffixes: Sequence[str] = tuple(WRITERS)) -> Path:
    """The path, if a file of its name can be written.

    Parameters
    ----------
    suffixes : that name a format

    Raises
    ------
    InputError
        If the suffix names no format, or the folder does not exist.
    """
    place = Path(path)
    if place.suffix.lower() not in suffixes:
        raise InputError(
            f"output {path}: expected a name that ends in {', '.join(suffixes)}, "
            f"got {place.suffix or 'no suffix'!r}"
        )
    if not place.parent.is_dir():
        raise InputError(f"output {path}: the folder {place.parent} does not exist")
    if place.is_dir():
        raise InputError(f"output {path}: is a directory")
    return place


def writer_of(path: Path) -> type[ResultWriter]:
    """The class that writes files of this name, which was checked."""
    return WRITERS[path.suffix.lower()]


def files_of_output(path: Path) -> list[Path]:
    """All files that a run writes in the course of making this one."""
    partial = partial_of(path.resolve())
    return [path, partial, journal_of(partial)]
