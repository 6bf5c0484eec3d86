"""The protobuf wire format, read in place and with strict bounds.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from

import numpy as np

from ...errors import ModelFileError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Value = int | memoryview
FEWEST_FIELDS = 4096
BYTES_OF_A_FIELD = 64

_DAMAGED = "damaged or cut short; copy the file again"


def damaged(what: str) -> ModelFileError:
    return ModelFileError(f"the protobuf data is {_DAMAGED} ({what})")


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """The unsigned integer at this position, and the position behind it."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise damaged("an integer does not end")


def signed(value: int) -> int:
    """Two's complement of a 64-bit varint."""
    return value - (1 << 64) if value >> 63 else value


def fields(data: memoryview) -> Iterator[tuple[int, int, Value]]:
    """(field number, wire type, value) in file order.

    Varints come as int, everything else as a view of its bytes.

    Raises
    ------
    ModelFileError
        If the bytes are not a protobuf message, or have more fields than a graph
        has in so many bytes.
    """
    for number, kind, start, end in spans(data):
        yield number, kind, start if kind == VARINT else data[start:end]


def spans(data: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """(field number, wire type, start, end) as `fields`; a varint is its own start."""
    at, end = 0, len(data)
    left = FEWEST_FIELDS + end // BYTES_OF_A_FIELD
    while at < end:
        left -= 1
        if left < 0:
            raise damaged("a message has too many fields for its size")
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise damaged("a field has the number 0")
        if kind == VARINT:
            integer, at = varint(data, at)
            yield number, kind, integer, at
            continue
        if kind == BYTES:
            size, at = varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise damaged(f"a field has the wire type {kind}")
        if size > end - at:
            raise damaged(f"a field claims {size} bytes where {end - at} are left")
        yield number, kind, at, at + size
        at += size


def submessages(data: memoryview, number: int) -> Iterator[memoryview]:
    """Every length-delimited value of this field."""
    for n, _, value in fields(data):
        if n == number and isinstance(value, memoryview):
            yield value


def text(value: memoryview) -> str:
    """A UTF-8 string."""
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError:
        raise damaged("a name is not UTF-8 text") from None


def integers(data: memoryview, number: int, at_most: int) -> list[int]:
    """All signed integers of a repeated field, packed or not."""
    found: list[int] = []

    def add(value: int) -> None:
        if len(found) >= at_most:
            raise damaged(f"a list holds more than {at_most} integers")
        found.append(signed(value))

    for n, kind, value in fields(data):
        if n != number:
            continue
        if isinstance(value, int):
            add(value)
        elif kind == BYTES:
            at = 0
            while at < len(value):
                integer, at = varint(value, at)
                add(integer)
    return found


def fixed(data: memoryview, number: int, size: int) -> bytearray:
    """All values of a repeated float (size 4) or double (8), packed or not."""
    found = bytearray()
    for n, kind, value in fields(data):
        if n == number and isinstance(value, memoryview):
            if (size, kind) in ((4, FIXED64), (8, FIXED32)) or len(value) % size:
                raise damaged("a list of numbers has a broken length")
            found += value
    return found


def float32(value: Value) -> float:
    """A fixed 32-bit value as the shortest decimal number that rounds to it."""
    if not isinstance(value, memoryview) or len(value) != 4:
        raise damaged("a number has a broken length")
    return shortest(float(unpack_from("<f", value)[0]))


def shortest(number: float) -> float:
    """1.7999999523162842, which float32 makes of 1.8, becomes 1.8 again."""
    with np.errstate(over="ignore"):
        return float(str(np.float32(number)))
