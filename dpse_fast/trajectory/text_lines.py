"""Lines of a text file of any size, with bounded memory.

A file that is packed (.gz, .bz2, .xz) or damaged may hold a line without an end, or
stop in the middle: what came before is still given, and `LineStream.fault` says why
there is no more.
"""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..errors import reason

LONGEST_LINE = 1 << 20
BLOCK = 1 << 18
BAD_READ = (OSError, EOFError, ValueError, zlib.error)


def open_bytes(path: Path) -> BinaryIO:
    """The content of a file, unpacked as its suffix says."""
    suffix = path.suffix.lower()
    if suffix == ".gz":
        import gzip

        return cast(BinaryIO, gzip.open(path, "rb"))
    if suffix == ".bz2":
        import bz2

        return cast(BinaryIO, bz2.open(path, "rb"))
    if suffix == ".xz":
        import lzma

        return cast(BinaryIO, lzma.open(path, "rb"))
    return path.open("rb")


def first_bytes(file: BinaryIO, n: int) -> bytes:
    """Up to n bytes, fewer if reading more of a damaged file would fail."""
    read1: Callable[[int], bytes] = getattr(file, "read1", file.read)
    return read1(n)


def read_errors() -> tuple[type[Exception], ...]:
    """What reading a damaged packed file raises."""
    import lzma

    return (*BAD_READ, lzma.LZMAError)


class LineStream:
    """Lines one by one or in pieces, with a look ahead.

    Bytes that are not UTF-8 are kept as surrogates, so that they spoil only the
    frame in which they mean something.

    Attributes
    ----------
    fault : why the file could not be read to its end, or None
    unterminated : whether the last line lacks its line break
    """

    def __init__(self, file: BinaryIO, longest: int = LONGEST_LINE) -> None:
        read1: Callable[[int], bytes] = getattr(file, "read1", file.read)
        self._read = read1
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._decoder: Any = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._longest = longest
        self._errors = read_errors()
        self._lines: list[str] = []
        self._at = 0
        self._before = 0  # lines in front of self._lines
        self._tail = ""
        self._ended = False
        self.fault: str | None = None
        self.unterminated = False

    @property
    def number(self) -> int:
        """How many lines were taken."""
        return self._before + self._at

    def next(self) -> str | None:
        """The next line without its line break, or None at the end."""
        if self._at == len(self._lines) and not self._fill():
            return None
        self._at += 1
        return self._lines[self._at - 1]

    def take(self, n: int) -> list[str]:
        """Up to n lines; none only at the end."""
        if self._at == len(self._lines) and not self._fill():
            return []
        piece = self._lines[self._at : self._at + n]
        self._at += len(piece)
        return piece

    def stop(self, fault: str) -> None:
        """Give no more lines."""
        self.fault = fault
        self._ended, self._lines, self._at = True, [], 0

    @property
    def is_cut(self) -> bool:
        """Whether the file seems to end before its end."""
        return self.fault is not None or self.unterminated

    def give_back(self, n: int) -> None:
        """Undo the taking of the last n lines of the last piece."""
        self._at -= n

    def peek(self, k: int = 0) -> str | None:
        """The line after the next k lines, or None behind the end."""
        while self._at + k >= len(self._lines):
            if not self._fill():
                return None
        return self._lines[self._at + k]

    def _fill(self) -> bool:
        """Read on; False at the end."""
        while not self._ended:
            parts = self._block()
            if parts:
                self._before += self._at
                self._lines = self._lines[self._at :] + parts
                self._at = 0
                return True
        return False

    def _block(self) -> list[str]:
        try:
            block = self._read(BLOCK)
        except self._errors as error:
            self.fault = f"it is damaged or cut off ({reason(error)})"
            self._ended = True
            return []
        self._ended = not block
        text: str = self._tail + self._decoder.decode(block, final=not block)
        parts = text.split("\n")
        self._tail = parts.pop()
        if self._ended and self._tail:
            self.unterminated = True
            parts.append(self._tail)
        elif len(self._tail) > self._longest:
            self.fault = f"it has a line of more than {self._longest} characters"
            self._ended = True
        return parts
