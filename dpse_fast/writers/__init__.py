"""Results of evaluated frames, written one frame at a time."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from .evaluation import Evaluation, ResultWriter, RunDescription
from .extxyz import ExtxyzWriter
from .hdf5 import Hdf5Writer

__all__ = [
    "Evaluation",
    "ResultWriter",
    "RunDescription",
    "check_output",
    "open_writer",
]

WRITERS: dict[str, type[ResultWriter]] = {
    ".xyz": ExtxyzWriter,
    ".extxyz": ExtxyzWriter,
    ".h5": Hdf5Writer,
    ".hdf5": Hdf5Writer,
}


def check_output(path: str | Path) -> Path:
    """The path, if a file of its name can be written.

    Raises
    ------
    InputError
        If the suffix names no format, or the folder does not exist.
    """
    place = Path(path)
    if place.suffix.lower() not in WRITERS:
        raise InputError(
            f"output {path}: expected a name that ends in {', '.join(WRITERS)}, "
            f"got {place.suffix or 'no suffix'!r}"
        )
    if not place.parent.is_dir():
        raise InputError(f"output {path}: the folder {place.parent} does not exist")
    if place.is_dir():
        raise InputError(f"output {path}: is a directory")
    return place


def open_writer(path: str | Path, description: RunDescription) -> ResultWriter:
    """A writer for this file name, to be used in a ``with`` block.

    The file appears under its name when the block ends without an error; an
    existing file is kept until then.

    Raises
    ------
    InputError
        As `check_output`.
    """
    place = check_output(path)
    return WRITERS[place.suffix.lower()](place, description)
