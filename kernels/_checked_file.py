"""Files of the cache: complete, unchanged and what was asked for, or not there.

A file has its content, the key that it answers, and a trailer: a checksum of both,
their lengths, and a mark.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from struct import Struct

try:
    import resource
except ImportError:  # not a POSIX system
    resource = None  # type: ignore[assignment]

from ._cache_folders import DAY, PARTIAL, Folders, only_we_write

_MARK = b"dpse-1\r\n"
_TRAILER = Struct("<32sQQ8s")  # checksum, bytes of content, bytes of the key, mark
_ATTEMPTS = 3  # others may remove an empty folder before a file is in it


def _checksum(content: bytes | memoryview, key: bytes | memoryview) -> bytes:
    stamp = blake2b(content, digest_size=32)
    stamp.update(key)
    stamp.update(len(content).to_bytes(8, "little"))
    return stamp.digest()


def _open(path: str, flags: int) -> int:
    """Nothing is waited for if the path is a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read(path: Path, key: str) -> memoryview | None:
    """The content that `write` put there for this key, or None.

    Whatever is wrong with the file, it is not there.
    """
    wanted = key.encode()
    try:
        with open(path, "rb", opener=_open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or not only_we_write(status):
                return None
            file.seek(-_TRAILER.size, os.SEEK_END)
            checksum, n_content, n_key, mark = _TRAILER.unpack(file.read())
            n_bytes = n_content + n_key
            if mark != _MARK or n_bytes + _TRAILER.size != status.st_size:
                return None
            file.seek(0)
            data = memoryview(file.read(n_bytes))
            content, found = data[:n_content], data[n_content:]
            if found != wanted or _checksum(content, found) != checksum:
                return None
    except (OSError, ValueError, MemoryError):
        return None
    if time.time() - status.st_mtime > DAY:
        with suppress(OSError):
            os.utime(path)  # it is used: `tidy` lets it stay
    return content


def write(path: Path, key: str, content: bytes) -> None:
    """Put a file there at once, in the place of whatever is there.

    Raises
    ------
    OSError
        If it cannot be written; then nothing has changed.
    """
    partial = path.with_name(f".{path.name[:40]}-{os.urandom(8).hex()}{PARTIAL}")
    stamp = key.encode()
    trailer = (_checksum(content, stamp), len(content), len(stamp), _MARK)
    _refuse_beyond_limit(len(content) + len(stamp) + _TRAILER.size)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(partial, flags, 0o644), "wb") as file:
            file.write(content)
            file.write(stamp)
            file.write(_TRAILER.pack(*trailer))
        try:
            os.replace(partial, path)
        except IsADirectoryError:
            shutil.rmtree(path)
            os.replace(partial, path)
    finally:
        with suppress(OSError):
            os.unlink(partial)


def _refuse_beyond_limit(n_bytes: int) -> None:
    """By an error: the system's signal ends programs in C that use the library."""
    if resource is None:
        return
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if most != resource.RLIM_INFINITY and n_bytes > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))


def find(folders: Folders, name: str, key: str) -> memoryview | None:
    """The content of the first sound file of this name and key, or None."""
    for folder in folders.read:
        content = read(folder / name, key)
        if content is not None:
            return content
    return None


def keep(
    folders: Callable[[], Folders], name: str, key: str, content: bytes
) -> Path | None:
    """Write a file to the cache; returns its folder, or None if it cannot be written.

    Parameters
    ----------
    folders : finds the folders, and makes them where they are missing
    """
    for _ in range(_ATTEMPTS):
        folder = folders().write
        if folder is None:
            return None
        try:
            write(folder / name, key, content)
            return folder
        except FileNotFoundError:
            continue
        except (OSError, MemoryError):
            return None
    return None
