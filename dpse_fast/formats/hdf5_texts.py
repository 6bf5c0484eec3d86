"""Checks on texts of variable length that the HDF5 library itself omits.

Such texts lie in global heaps: an attribute keeps length, heap and index of each.
With a damaged length or heap HDF5 2.0 fills gigabytes, or never returns, before it
notices. Layout: HDF5 File Format Specification 3.0, sections III.E, IV.A.1, IV.A.2.m.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from struct import error as StructError
from struct import unpack_from

from ..errors import ModelFileError

_HEAP = b"GCOL\x01\x00\x00\x00"
_HEAP_HEADER = 16
_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10
_VARIABLE_LENGTH = 9
_REFERENCE = 16


class Texts:
    """The global heaps of a file, to check attributes against."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._heaps: dict[int, dict[int, int]] = {}
        sizes, base = (9, 12) if data[8:9] >= b"\x02" else (13, 24)
        if data[sizes : sizes + 2] != b"\x08\x08" or any(data[base : base + 8]):
            raise ModelFileError(
                "an HDF5 file with short or shifted addresses, which is not read; "
                "repack it with h5repack"
            )
        start = data.find(_HEAP)
        while start >= 0:
            try:
                self._heaps[start] = _objects(data, start)
            except StructError:
                raise _damaged("a heap is cut short") from None
            start = data.find(_HEAP, start + len(_HEAP))

    def check_attributes(self, header: int) -> None:
        """Check every text of the object whose header stands at this address.

        Headers of version 2 carry check sums, which HDF5 verifies itself.
        """
        data = self._data
        if data[header : header + 4] == b"OHDR":
            return
        try:
            for start, size in _attribute_messages(data, header):
                self._check_attribute(start, start + size)
        except (StructError, IndexError):
            raise _damaged("an object header is cut short") from None

    def _check_attribute(self, start: int, end: int) -> None:
        version, flags, *sizes = unpack_from("<BBHHH", self._data, start)
        if version not in (1, 2, 3) or (version > 1 and flags):
            raise _damaged("an attribute is of an unknown kind")
        padded = [(n + 7) // 8 * 8 for n in sizes] if version == 1 else sizes
        kind = start + (9 if version == 3 else 8) + padded[0]
        space = kind + padded[1]
        if self._data[kind] & 15 != _VARIABLE_LENGTH:
            return
        form, rank = unpack_from("<BB", self._data, space)
        dims = space + (8 if form == 1 else 4)
        count = math.prod(unpack_from(f"<{rank}Q", self._data, dims))
        texts = space + padded[2]
        if texts + count * _REFERENCE > end:
            raise _damaged("an attribute has fewer texts than it says")
        for k in range(count):
            length, heap, index = unpack_from(
                "<IQI", self._data, texts + k * _REFERENCE
            )
            if length and self._heaps.get(heap, {}).get(index) != length:
                raise _damaged("a text has another length than its attribute says")


def _attribute_messages(data: mmap.mmap, header: int) -> Iterator[tuple[int, int]]:
    version, count, size = unpack_from("<BxH4xI", data, header)
    if version != 1:
        raise _damaged("an object header is of an unknown kind")
    blocks = [(header + 16, size)]
    for start, length in blocks:
        position, end = start, start + length
        while position + 8 <= end and count:
            kind, size = unpack_from("<HH", data, position)
            position, count = position + 8, count - 1
            if kind == _CONTINUATION:
                blocks.append(unpack_from("<QQ", data, position))
            elif kind == _ATTRIBUTE:
                yield position, size
            position += size


def _objects(data: mmap.mmap, start: int) -> dict[int, int]:
    (size,) = unpack_from("<Q", data, start + 8)
    position, end = start + _HEAP_HEADER, start + size
    if end > len(data):
        raise _damaged("a heap is larger than the file")
    found = {}
    while position + _HEAP_HEADER <= end:
        index, length = unpack_from("<H6xQ", data, position)
        step = _HEAP_HEADER + (length + 7) // 8 * 8 if index else length
        position += step
        if step < _HEAP_HEADER or position > end:
            raise _damaged("a heap object does not fit")
        found[index] = length
    return found


def _damaged(what: str) -> ModelFileError:
    return ModelFileError(f"a damaged HDF5 file ({what}); copy or download it again")
