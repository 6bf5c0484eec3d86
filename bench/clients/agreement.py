"""How far the numbers of two runs of a program are apart."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..peers import PeerError

Table = NDArray[np.float64]
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def thermo(log: str) -> list[Table]:
    """Rows of LAMMPS' thermodynamic output, by run."""
    found: list[Table] = []
    rows: list[list[float]] | None = None
    for line in log.splitlines():
        if line.split()[:1] == ["Step"]:
            rows = []
        elif rows is not None and line.startswith("Loop time"):
            found.append(np.array(rows))
            rows = None
        elif rows is not None and re.match(r" +\d", line):
            rows.append([float(word) for word in line.split()])
    return found


def columns(text: str) -> Table:
    """Rows of the most common length in a text of numbers, without comments."""
    rows = []
    for line in text.splitlines():
        words = line.split()
        if words and all(NUMBER.fullmatch(word) for word in words):
            rows.append([float(word) for word in words])
    width = max((len(row) for row in rows), key=lambda n: (n > 1, n), default=0)
    return np.array([row for row in rows if len(row) == width])


def numbers(text: str) -> Table:
    """All numbers of lines ``name: number``, as one row."""
    found = re.findall(r": ([-+\d.eE]+)$", text, re.MULTILINE)
    return np.array([[float(word) for word in found]])


def off(ours: Table, theirs: Table) -> float:
    """Largest difference in parts of the largest number of its column.

    Raises
    ------
    PeerError
        If they cannot be compared.
    """
    if ours.shape != theirs.shape or not ours.size:
        raise PeerError(f"tables of {ours.shape} and {theirs.shape} numbers")
    if not np.isfinite(theirs).all():
        raise PeerError("theirs are not numbers")
    scale = np.abs(theirs).max(axis=0)
    apart = np.abs(ours - theirs).max(axis=0)
    parts = np.where(apart == 0, 0.0, apart / np.where(scale == 0, 1.0, scale))
    return float(parts.max())


def differences(
    ours: Mapping[str, Table], theirs: Mapping[str, Table]
) -> dict[str, float]:
    """Of each table of both."""
    return {name: off(ours[name], table) for name, table in theirs.items()}
