"""The columns of the atoms of a LAMMPS dump, and which of them are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array_types import AnyArray, Doubles
from .label_keys import looks_like
from .numbers_in_text import real_number
from .text_lines import LineStream

ITEM = "ITEM:"
PIECE = 4096  # lines that are converted at once
TEXTS = ("element", "typelabel")
POSITIONS = (
    ("x", "y", "z"),
    ("xs", "ys", "zs"),
    ("xu", "yu", "zu"),
    ("xsu", "ysu", "zsu"),
)


class TooFewRows(Exception):
    """A frame has fewer rows than it states; the argument is how many."""


class Columns:
    """The columns of the atoms, and which of them are converted."""

    def __init__(self, titles: list[str], asked: tuple[str, ...]) -> None:
        self._at = {title: k for k, title in enumerate(titles)}
        self._width = len(titles)
        self._positions = next(
            (group for group in POSITIONS if set(group) <= set(titles)), None
        )
        self._asked = asked
        groups = _groups(titles)
        self._vectors = {
            base: group
            for base, group in groups.items()
            if base in ("f", *asked) or looks_like(base) == "forces"
        }
        wanted = {"id", "type", "mass", *(self._positions or ())}
        wanted.update(*self._vectors.values())
        self._numbers = [title for title in titles if title in wanted]
        self._texts = [title for title in titles if title in TEXTS]

    def read(self, lines: LineStream, n_atoms: int, wanted: bool) -> dict[str, Any]:
        """The columns that matter, (N,) each; nothing of a frame not wanted."""
        if wanted and self._positions is None:
            raise ValueError("ITEM: ATOMS: expected columns x y z, or scaled ones")
        parts: dict[str, list[Any]] = {t: [] for t in (*self._numbers, *self._texts)}
        n = 0
        while n < n_atoms:
            first = lines.number
            piece = lines.take(min(PIECE, n_atoms - n))
            end = next(
                (k for k, line in enumerate(piece) if line.startswith(ITEM)), None
            )
            if end is not None:
                lines.give_back(len(piece) - end)
                raise TooFewRows(n + end)
            if not piece:
                raise TooFewRows(n)
            n += len(piece)
            if wanted:
                self._convert(piece, first, parts)
        if not wanted:
            return {}
        result: dict[str, Any] = {
            title: [word for part in parts[title] for word in part]
            for title in self._texts
        }
        for title in self._numbers:
            found = parts[title]
            result[title] = np.concatenate(found) if found else np.zeros(0)
        return result

    def _convert(
        self, piece: list[str], first: int, parts: dict[str, list[Any]]
    ) -> None:
        if not self._texts and piece[0].strip():
            # 1.4 times as fast as splitting the lines (192 atoms, 8 columns).
            array = np.loadtxt(piece, np.float64, comments=None, ndmin=2)
            if array.shape != (len(piece), self._width):
                raise ValueError(
                    f"expected {len(piece)} rows of {self._width} columns, got "
                    f"{array.shape[0]} of {array.shape[1]}"
                )
            for title in self._numbers:
                parts[title].append(array[:, self._at[title]])
            return
        rows = [line.split() for line in piece]
        for k, row in enumerate(rows):
            if len(row) != self._width:
                raise ValueError(
                    f"line {first + k + 1}: expected {self._width} columns, got "
                    f"{len(row)}"
                )
        for title in self._texts:
            at = self._at[title]
            parts[title].append([row[at] for row in rows])
        for title in self._numbers:
            at = self._at[title]
            try:
                parts[title].append(np.array([real_number(row[at]) for row in rows]))
            except ValueError as error:
                raise ValueError(f"column {title}: {error}") from None

    def positions(self, found: dict[str, Any], cell: Doubles) -> Doubles:
        """(N, 3) in the file's unit of length; the box may begin anywhere."""
        assert self._positions is not None
        rows = np.stack([found[title] for title in self._positions], axis=1)
        return rows @ cell if "s" in self._positions[0] else rows

    def vectors(self, found: dict[str, Any]) -> dict[str, AnyArray]:
        """(N, 3) arrays by name; fx, fy, fz are forces."""
        stacked = {
            base: np.stack([found[title] for title in group], axis=1)
            for base, group in self._vectors.items()
        }
        if "f" in stacked:
            stacked["forces"] = stacked["f"]
            if "f" not in self._asked:
                del stacked["f"]
        return stacked


def _groups(titles: list[str]) -> dict[str, tuple[str, str, str]]:
    """Vectors among the columns: fx, fy, fz as f, and c_q[1], c_q[2], c_q[3]."""
    groups = {}
    for title in titles:
        for ends in (("x", "y", "z"), ("[1]", "[2]", "[3]")):
            base = title.removesuffix(ends[0])
            group = (base + ends[0], base + ends[1], base + ends[2])
            if base and base != title and set(group) <= set(titles):
                groups[base] = group
    return groups
