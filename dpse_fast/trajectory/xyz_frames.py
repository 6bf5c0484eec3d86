"""Where frames of an XYZ file begin and end, whatever their numbers of atoms say."""

from __future__ import annotations

from ..errors import InputError
from .text_lines import LineStream

PIECE = 4096  # lines that are converted at once
LONGEST_COUNT = 20  # characters
MOST_TRIES = 1000  # in a piece
LONGEST_SEARCH = 10**6  # lines, for the next frame after one that is damaged


class EndsEarly(InputError):
    """The file ends inside of a frame."""


class Body:
    """The lines of a frame's atoms."""

    def __init__(self, lines: LineStream, n_atoms: int) -> None:
        self.lines, self.n_atoms = lines, n_atoms
        self.n_taken = 0
        self.interrupted = self.ended = False
        self.may_be_cut = self.has_more_columns = False

    def piece(self) -> list[str]:
        """The next lines; none at the end, or where another frame begins."""
        missing = self.n_atoms - self.n_taken
        if self.interrupted or self.ended or not missing:
            return []
        piece = self.lines.take(min(missing, PIECE))
        if not piece:
            self.ended = True
            return []
        n = _before_header(self.lines, piece)
        if n < len(piece):
            self.interrupted = True
            piece = piece[:n]
        self.n_taken += len(piece)
        return piece

    def pass_over(self) -> None:
        """Go to the end of the frame."""
        while self.piece():
            pass
        while (self.lines.peek() or "").lstrip().startswith("VEC"):
            self.lines.next()

    def complaint(self, name: str) -> InputError | None:
        """What is wrong with the number of atoms."""
        if self.interrupted:
            return InputError(
                f"{name}: states {self.n_atoms} atoms, but another frame begins after "
                f"{self.n_taken}"
            )
        if self.ended:
            return ends_early(self.lines, name, self.n_atoms, self.n_taken)
        return None


def ends_early(lines: LineStream, name: str, n_atoms: int, n_found: int) -> InputError:
    if lines.peek() is not None:
        return InputError(
            f"{name}: states {n_atoms} atoms, more than the file has room for"
        )
    return EndsEarly(
        f"{name}: the file ends after {max(n_found, 0)} of {n_atoms} atoms"
    )


def stated_count(text: str) -> int | None:
    words = text.split()
    if len(words) != 1 or not words[0].isdecimal() or len(words[0]) > 18:
        return None
    return int(words[0])


def _is_header(lines: LineStream) -> bool:
    """Whether the next lines are a number, a comment, and an atom."""
    first = lines.peek(0)
    n_atoms = None if first is None else stated_count(first)
    if n_atoms is None:
        return False
    comment, row = lines.peek(1), lines.peek(2)
    if comment is None or row is None or n_atoms == 0:
        return comment is not None
    return not _is_row(comment) and len(row.split()) >= 3


def _is_row(line: str) -> bool:
    """Whether a line is a name and three numbers."""
    words = line.split()
    if len(words) < 4 or "=" in line:
        return False
    try:
        return [float(word) for word in words[1:4]] != []
    except ValueError:
        return False


def _before_header(lines: LineStream, piece: list[str]) -> int:
    """How many lines of a piece come before a header; it and the rest are given back.

    Only a header is a number alone in its line.
    """
    wrong = 0
    for k, line in enumerate(piece):
        if len(line) > LONGEST_COUNT or not line.strip().isdigit():
            continue
        lines.give_back(len(piece) - k)
        if _is_header(lines):
            return k
        wrong += 1
        if wrong > MOST_TRIES:
            lines.stop("too many of its lines are numbers alone")
            return k
        lines.take(len(piece) - k)
    return len(piece)


def go_to_header(lines: LineStream) -> None:
    start = lines.number
    while piece := lines.take(PIECE):
        if _before_header(lines, piece) < len(piece):
            return
        if lines.number - start > LONGEST_SEARCH:
            lines.stop(f"no frame begins in the next {LONGEST_SEARCH} lines")
