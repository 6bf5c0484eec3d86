"""Checks on texts of variable length that the HDF5 library itself omits.

Such texts lie in global heaps: an attribute keeps length, heap and index of each.
With a damaged length or heap HDF5 2.0 fills gigabytes, or never returns, before it
notices. Layout: HDF5 File Format Specification 3.0, sections III.E, IV.A.1, IV.A.2.m.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from struct import error as StructError

from ..errors import ModelFileError

_HEAP = b"GCOL\x01\x00\x00\x00"
_HEAP_HEADER = 16
_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10
_VARIABLE_LENGTH = 9
_REFERENCE = 16
_BLOCK = 1 << 20
_MOST_LOOKED_UP = 4


class Texts:
    """The global heaps of a file, to check attributes against.

    The file is read piece by piece, which neither fills the memory nor ends the
    process if the file becomes shorter meanwhile.
    """

    def __init__(self, descriptor: int) -> None:
        self._data = _Bytes(descriptor)
        self._heaps: dict[int, dict[int, int]] = {}
        self._steps = 1024 + self._data.size // _HEAP_HEADER
        self.longest = 0
        data = self._data
        sizes, base = (9, 12) if data.piece(8, 1) >= b"\x02" else (13, 24)
        if data.piece(sizes, 2) != b"\x08\x08" or any(data.piece(base, 8)):
            raise ModelFileError(
                "an HDF5 file with short or shifted addresses, which is not read; "
                "repack it with h5repack"
            )
        start = data.find(_HEAP, 0)
        while start >= 0:
            try:
                end, found = _objects(data, start)
            except StructError:
                raise _damaged("a heap is cut short") from None
            self.longest = max(self.longest, *found.values(), 0)
            start = data.find(_HEAP, end)

    def _length(self, heap: int, index: int) -> int | None:
        """Of an object; None if there is no such heap or object."""
        if heap not in self._heaps:
            if len(self._heaps) >= _MOST_LOOKED_UP:
                self._heaps.pop(next(iter(self._heaps)))
            known = self._data.piece(heap, len(_HEAP)) == _HEAP
            found = _objects(self._data, heap)[1] if known else {}
            self._steps -= 1 + len(found)
            if self._steps < 0:
                raise _damaged("its texts are spread over too many heaps")
            self._heaps[heap] = found
        return self._heaps[heap].get(index)

    def check_attributes(self, header: int) -> None:
        """Check every text of the object whose header stands at this address.

        Headers of version 2 carry check sums, which HDF5 verifies itself.
        """
        data = self._data
        if data.piece(header, 4) == b"OHDR":
            return
        try:
            for start, size in _attribute_messages(data, header):
                self._check_attribute(start, start + size)
        except (StructError, IndexError):
            raise _damaged("an object header is cut short") from None

    def _check_attribute(self, start: int, end: int) -> None:
        data = self._data
        version, flags, *sizes = data.numbers("<BBHHH", start)
        if version not in (1, 2, 3) or (version > 1 and flags):
            raise _damaged("an attribute is of an unknown kind")
        padded = [(n + 7) // 8 * 8 for n in sizes] if version == 1 else sizes
        kind = start + (9 if version == 3 else 8) + padded[0]
        space = kind + padded[1]
        if data.piece(kind, 1)[0] & 15 != _VARIABLE_LENGTH:
            return
        form, rank = data.numbers("<BB", space)
        dims = space + (8 if form == 1 else 4)
        count = math.prod(data.numbers(f"<{rank}Q", dims))
        texts = space + padded[2]
        if texts + count * _REFERENCE > end:
            raise _damaged("an attribute has fewer texts than it says")
        for k in range(count):
            length, heap, index = data.numbers("<IQI", texts + k * _REFERENCE)
            if length and self._length(heap, index) != length:
                raise _damaged("a text has another length than its attribute says")


def _attribute_messages(data: _Bytes, header: int) -> Iterator[tuple[int, int]]:
    version, count, size = data.numbers("<BxH4xI", header)
    if version != 1:
        raise _damaged("an object header is of an unknown kind")
    blocks: list[tuple[int, ...]] = [(header + 16, size)]
    for start, length in blocks:
        position, end = start, start + length
        while position + 8 <= end and count:
            kind, size = data.numbers("<HH", position)
            position, count = position + 8, count - 1
            if kind == _CONTINUATION:
                blocks.append(data.numbers("<QQ", position))
            elif kind == _ATTRIBUTE:
                yield position, size
            position += size


def _objects(data: _Bytes, start: int) -> tuple[int, dict[int, int]]:
    """The end of a heap, and the lengths of its objects by their index."""
    (size,) = data.numbers("<Q", start + 8)
    position, end = start + _HEAP_HEADER, start + size
    if end > data.size or size < _HEAP_HEADER:
        raise _damaged("a heap is larger than the file, or than itself")
    found = {}
    while position + _HEAP_HEADER <= end:
        index, length = data.numbers("<H6xQ", position)
        step = _HEAP_HEADER + (length + 7) // 8 * 8 if index else length
        position += step
        if step < _HEAP_HEADER or position > end:
            raise _damaged("a heap object does not fit")
        found[index] = length
    return end, found


class _Bytes:
    """The bytes of an open file, read where they are asked for."""

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self._descriptor = descriptor
        self._start = self._searched = 0
        self._block = self._search = b""

    def piece(self, start: int, length: int) -> bytes:
        """So many bytes, fewer at the end of the file."""
        at = start - self._start
        if not 0 <= at <= len(self._block) - length:
            if not 0 <= start < self.size:
                return b""
            self._block = os.pread(self._descriptor, max(length, 4096), start)
            self._start, at = start, 0
        return self._block[at : at + length]

    def numbers(self, form: str, start: int) -> tuple[int, ...]:
        """Unpacked; `struct.error` behind the end of the file."""
        return struct.unpack(form, self.piece(start, struct.calcsize(form)))

    def find(self, word: bytes, start: int) -> int:
        """The first place of a word from `start` on, -1 without one."""
        while start < self.size:
            if not 0 <= start - self._searched <= len(self._search) - len(word):
                self._search = os.pread(self._descriptor, _BLOCK, start)
                self._searched = start
            at = self._search.find(word, start - self._searched)
            if at >= 0:
                return self._searched + at
            if len(self._search) < _BLOCK:
                break
            start = self._searched + len(self._search) - len(word) + 1
        return -1


def _damaged(what: str) -> ModelFileError:
    return ModelFileError(f"a damaged HDF5 file ({what}); copy or download it again")
