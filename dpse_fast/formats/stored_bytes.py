"""What a path leads to: a regular file whose bytes are stored, not only claimed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ..errors import ModelFileError

LARGEST_HOLE = 4 << 20
_MOST_PIECES = 1 << 16


@contextmanager
def open_regular(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, int]]:
    """A file to be read, and its size in bytes.

    Raises
    ------
    ModelFileError
        If it is a pipe, which is not waited for, or a device, is empty, or has more
        holes, which take no space on the disk, than bytes.
    OSError
        If it cannot be opened.
    """
    with open(path, "rb", opener=_open_without_waiting) as file:
        yield file, _checked_size(file.fileno())


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _checked_size(descriptor: int) -> int:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError("not a regular file; copy the model to one")
    if not status.st_size:
        raise ModelFileError("the file is empty; copy or download it again")
    if status.st_blocks * 512 < status.st_size - LARGEST_HOLE:
        stored = _stored(descriptor, status.st_size)
        if status.st_size > 2 * stored + LARGEST_HOLE:
            raise ModelFileError(
                f"only {stored} of its {status.st_size} bytes were ever written; "
                "copy or download it again"
            )
    return status.st_size


def _stored(descriptor: int, size: int) -> int:
    """Bytes outside of holes, as far as the file system tells."""
    if not hasattr(os, "SEEK_HOLE"):
        return size
    start = stored = 0
    try:
        for _ in range(_MOST_PIECES):
            start = os.lseek(descriptor, start, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
            stored, start = stored + end - start, end
    except OSError as error:
        return stored if error.errno == errno.ENXIO else size
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)
    return size
