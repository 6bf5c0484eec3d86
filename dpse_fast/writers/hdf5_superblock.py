"""Keeps an HDF5 file that is being written readable for everybody, at any moment.

HDF5 writes a file for concurrent readers (SWMR) in an order that leaves whole data
behind when the writer is killed. But the file then says in its superblock that it is
being written and how long it was at the start, so that it opens only with
``swmr=True``. Here the superblock says that it is closed, and how long it is.

Layout of a superblock of version 3: "HDF5 File Format Specification Version 3.0",
section II.A. Its checksum is ``hashlittle`` of Bob Jenkins' lookup3
(https://burtleburtle.net/bob/c/lookup3.c).
"""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

SIGNATURE = b"\x89HDF\r\n\x1a\n"
VERSION = 3  # of the superblock; written by HDF5 with libver "v110" and later
LAYOUT = struct.Struct("<8sBBBB4QI")
END = 7  # place of the file's end among these fields
FLAGS = 4
STEP = 1 << 20  # bytes by which a file grows in advance
NO_ALLOCATION = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)  # of a file system
_WORD = 0xFFFFFFFF


class OpenSuperblock:
    """The superblock of a file that HDF5 writes for concurrent readers.

    Parameters
    ----------
    path : of the file, whose datasets exist and which is not being written yet
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR)
        self._fields = list(LAYOUT.unpack(os.pread(self._file, LAYOUT.size, 0)))
        self._end = 0

    @property
    def known(self) -> bool:
        """Whether it is of the version that is understood here."""
        return self._fields[:4] == [SIGNATURE, VERSION, 8, 8]

    def reserve(self, end: int) -> None:
        """Let the file have room to this byte, and say that it is closed.

        Where the file system allocates in advance, HDF5 has all the room that it needs
        to write a frame and to close the file: it crashes the process where a disk is
        full.

        Raises
        ------
        OSError
            If there is not enough room.
        """
        if self.known and end > self._end:
            reserved = (end // STEP + 1) * STEP
            self._extend(reserved)
            self._end = reserved
            self._write()

    def _extend(self, end: int) -> None:
        begin = os.fstat(self._file).st_size
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file, begin, end - begin)
                return
        except OSError as error:
            if error.errno not in NO_ALLOCATION:
                os.truncate(self._file, begin)
                raise
        os.truncate(self._file, end)

    def _write(self) -> None:
        self._fields[END], self._fields[FLAGS] = self._end, 0
        body = LAYOUT.pack(*self._fields[:-1], 0)[:-4]
        os.pwrite(self._file, body + struct.pack("<I", checksum(body)), 0)

    def close(self) -> None:
        """Cut the file, which HDF5 has closed, where its superblock says it ends."""
        if self.known:
            fields = LAYOUT.unpack(os.pread(self._file, LAYOUT.size, 0))
            if fields[END] < os.fstat(self._file).st_size:
                os.truncate(self._file, fields[END])
        os.close(self._file)


def checksum(data: bytes) -> int:
    """Of metadata of HDF5: lookup3's ``hashlittle`` with initial value 0."""
    a = b = c = (0xDEADBEEF + len(data)) & _WORD
    last = max(len(data) - 1, 0) // 12 * 12
    for start in range(0, last, 12):
        x, y, z = struct.unpack_from("<3I", data, start)
        a, b, c = _mix((a + x) & _WORD, (b + y) & _WORD, (c + z) & _WORD)
    if not data:
        return c
    x, y, z = struct.unpack("<3I", data[last:].ljust(12, b"\0"))
    return _finish((a + x) & _WORD, (b + y) & _WORD, (c + z) & _WORD)


def _rotated(x: int, k: int) -> int:
    return ((x << k) | (x >> (32 - k))) & _WORD


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for k in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _WORD) ^ _rotated(c, k)
        c = (c + b) & _WORD
        a, b, c = b, c, a
    return a, b, c


def _finish(a: int, b: int, c: int) -> int:
    for k in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotated(b, k)) & _WORD
        a, b, c = b, c, a
    return b
