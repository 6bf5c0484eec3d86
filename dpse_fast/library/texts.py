"""Texts for C programs: bytes that end with a 0, in a place of fixed size."""

from __future__ import annotations

OMITTED = b" ... "
LETTER = 3  # most bytes of a letter after its first


def encoded(text: str) -> bytes:
    """UTF-8 without zeros; bytes of paths that are no UTF-8 are as they came."""
    try:
        found = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair
        found = text.encode("utf-8", "backslashreplace")
    return found.replace(b"\0", b"\\0")


def cut(text: bytes, size: int) -> bytes:
    """The text and a 0 in at most size bytes, without whole letters of its middle.

    Its beginning names what is wrong, and its end says why.
    """
    if len(text) < size:
        return text + b"\0"
    room = size - 1 - len(OMITTED)
    end, start = room - room // 4, len(text) - room // 4
    for _ in range(LETTER):
        end -= _continues(text[end])
    for _ in range(LETTER):
        start += start < len(text) and _continues(text[start])
    return text[:end] + OMITTED + text[start:] + b"\0"


def _continues(byte: int) -> bool:
    """Whether a letter of UTF-8 has begun before it."""
    return byte & 0xC0 == 0x80
