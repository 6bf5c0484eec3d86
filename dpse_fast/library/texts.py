"""Texts for C programs: bytes that end with a 0, in a place of fixed size."""

from __future__ import annotations


def encoded(text: str) -> bytes:
    """UTF-8 without zeros; bytes of paths that are no UTF-8 are as they came."""
    try:
        found = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair
        found = text.encode("utf-8", "backslashreplace")
    return found.replace(b"\0", b"\\0")


def cut(text: bytes, size: int) -> bytes:
    """As many whole letters as fit into size bytes, and a 0."""
    if len(text) >= size:
        end = size - 1
        while end > size - 4 and text[end] & 0xC0 == 0x80:  # within a letter
            end -= 1
        text = text[:end]
    return text + b"\0"
