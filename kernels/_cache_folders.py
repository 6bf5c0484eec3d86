"""Folders of the cache: where they may be, whom they belong to, what stays in them.

Whoever can write to them can run code as the user: machine code is unpickled.
"""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numba

DAY = 86400  # seconds
STALE = 30 * DAY  # unused for so long, files of other versions go
PARTIAL = ".partial"  # ends the name of a file that is being written


class Folders(NamedTuple):
    """Where files of one kind are.

    Attributes
    ----------
    read : where to look, in this order
    write : where to put new files, the last of `read`; None if nowhere
    """

    read: tuple[Path, ...]
    write: Path | None


def _roots() -> Iterator[Path]:
    named = numba.config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME")
    if named:
        yield Path(named).absolute() / "dpse-fast"
    else:
        # A container's user may have no home.
        with suppress(RuntimeError):
            yield Path.home().absolute() / ".cache" / "dpse-fast"
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    # Python looks for a folder that it can write to; there may be none.
    with suppress(OSError):
        yield Path(tempfile.gettempdir()) / f"dpse-fast-{owner}"


def only_we_write(status: os.stat_result) -> bool:
    """Whether nobody but the user and the administrator can change a file or folder."""
    if not hasattr(os, "getuid"):
        return True
    return not status.st_mode & 0o022 and status.st_uid in (os.getuid(), 0)


def _is_trusted(folder: Path) -> bool:
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and only_we_write(status)


def _make(levels: list[Path]) -> None:
    for level in levels:
        if not os.path.lexists(level):
            levels[0].parent.mkdir(parents=True, exist_ok=True)
            level.mkdir(mode=0o700, exist_ok=True)


def cache_folders(*names: str) -> Folders:
    """A folder of the user's cache; it is made if it can be.

    A cache that cannot be written to is read: new files go to the next place.
    """
    read: list[Path] = []
    for root in _roots():
        levels = [root]
        for name in names:
            levels.append(levels[-1] / name)
        with suppress(OSError):
            _make(levels)
        try:
            trusted = all(_is_trusted(level) for level in levels)
        except OSError:
            continue
        if trusted:
            read.append(levels[-1])
            if os.access(levels[-1], os.W_OK | os.X_OK):
                return Folders(tuple(read), levels[-1])
    return Folders(tuple(read), None)


class _Entry(NamedTuple):
    """A file of the cache; `used` is a time, in seconds."""

    used: float
    size: int
    path: str


def _files(folder: Path) -> Iterator[_Entry]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with suppress(OSError):
                status = os.lstat(path)
                yield _Entry(status.st_mtime, status.st_size, path)


def tidy(folder: Path, most_bytes: int, current: Path) -> None:
    """Remove what is not used: whoever still needs it makes it again.

    Parts that killed processes left go after a day. Of the rest, the files that were
    used last stay, up to ``most_bytes``; those outside of ``current`` go when nobody
    has used them for 30 days.
    """
    now = time.time()
    total = 0
    for used, size, path in sorted(_files(folder), reverse=True):
        if path.endswith(PARTIAL):
            stays = now - used < DAY
        else:
            stale = now - used > STALE and current not in Path(path).parents
            stays = not stale and total + size <= most_bytes
        if stays:
            total += size
        else:
            with suppress(OSError):
                os.unlink(path)
    for place, _, _ in os.walk(folder, topdown=False):
        if Path(place) not in (folder, current):
            with suppress(OSError):  # it is not empty
                os.rmdir(place)
