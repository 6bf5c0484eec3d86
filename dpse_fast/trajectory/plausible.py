"""Bounds for files that are read as a whole, before anything is made of them.

Some formats state how many atoms follow. Readers that believe it take memory for atoms
that the file has no room for.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError
from .text_lines import LineStream, open_bytes, read_errors

MOST_PACKED = 20  # bytes of text in a byte
PACKED = (".gz", ".bz2", ".xz")
LARGEST = 1 << 30  # bytes of an unpacked file that is read as a whole
BLOCK = 1 << 20
SHORTEST_ROW = 6  # characters that a stated atom takes at least
SHORTEST_CONTAINER = 12  # characters, on average over a JSON file
HEAD = 60  # lines
# Formats whose numbers of atoms stand in lines of integers near the beginning.
COUNTED = {
    "vasp": re.compile(r"\s*\d+(\s+\d+)*\s*(!.*)?$"),
    "vasp-xdatcar": re.compile(r"\s*\d+(\s+\d+)*\s*$"),
    "gromacs": re.compile(r"\s*\d+\s*$"),
    "gen": re.compile(r"\s*\d+\s+[CSFcsf]\s*$"),
    "cube": re.compile(r"\s*-?\d+(\s+[-+.\deE]+){3,4}\s*$"),
    "xsf": re.compile(r"\s*\d+\s+1\s*$"),
    "cfg": re.compile(r"\s*Number of particles\s*=\s*\d+"),
    "dlp4": re.compile(r"(\s*\d+){3}(\s+\S+)*\s*$"),
    "turbomole": re.compile(r"\s*\$natoms\s*=?\s*\d+"),
    "abinit-in": re.compile(r"\s*natom\s+\d+"),
}
LONG_LINES = {"json", "db", "traj", "bundletrajectory", "netcdftrajectory", "nc"}
_INTEGER = re.compile(r"(?<![\w.+])\d+(?![\w.])")
TITLES = {"vasp-xdatcar": 1, "gromacs": 1, "cube": 2, "dlp4": 1}  # lines


def is_packed(path: Path) -> bool:
    return path.suffix.lower() in PACKED


def largest_size(path: Path) -> int:
    """How many bytes of text there can be, or are accepted of a packed file."""
    size = path.stat().st_size
    return MOST_PACKED * size + (1 << 26) if is_packed(path) else size


def check_plausible(path: Path, format: str) -> None:
    """Refuse a file that ASE would read at a cost far beyond its size.

    Raises
    ------
    InputError
        If it states more atoms than it has room for, if a line has no end, or if it
        is packed and damaged or larger than 1 GiB.
    """
    size = _unpacked_total(path) if is_packed(path) else path.stat().st_size
    if format == "json":
        _check_brackets(path, size)
    if format in LONG_LINES:
        return
    with open_bytes(path) as file:
        stream = LineStream(file)
        head = stream.take(HEAD)
    pattern = COUNTED.get(format)
    if stream.fault is not None:
        raise InputError(f"{path}: cannot be read as {format}; {stream.fault}")
    if pattern is None:
        return
    for line in head[TITLES.get(format, 0) :]:
        if len(line) < 4000 and pattern.match(line):
            stated = sum(int(digits[:18]) for digits in _INTEGER.findall(line))
            if stated > size // SHORTEST_ROW + 100:
                raise InputError(
                    f"{path}: cannot be read as {format} ({line.strip()[:40]!r} states "
                    f"more atoms than the file has room for)"
                )


def _check_brackets(path: Path, size: int) -> None:
    """JSON: lists and objects take some 60 bytes each, however short their text."""
    count = 0
    with open_bytes(path) as file:
        while block := file.read(BLOCK):
            count += block.count(b"[") + block.count(b"{")
    if count > size // SHORTEST_CONTAINER + 1000:
        raise InputError(f"{path}: cannot be read as json (its lists are too short)")


def _unpacked_total(path: Path) -> int:
    total = 0
    try:
        with open_bytes(path) as file:
            while block := file.read(BLOCK):
                total += len(block)
                _check_total(path, total)
    except InputError:
        raise
    except read_errors() as error:
        raise InputError(f"{path}: cannot be opened ({error})") from None
    return total


def _check_total(path: Path, total: int) -> None:
    largest = largest_size(path)
    if total > (min(largest, LARGEST) if is_packed(path) else largest):
        raise InputError(f"{path}: is too large to be read as a whole")
