"""Arrays in .npy files, and numbers in .raw files, as maps or with bounded memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..array_types import AnyArray, Int64s
from ..errors import InputError, reason
from .numbers_in_text import whole_number
from .text_lines import LineStream, open_bytes

LONGEST_LINE = 1 << 24  # all types of a large system may be in one line
LONGEST_MAP = 1 << 20  # bytes
PIECE = 1024  # lines


def npy_array(path: Path) -> AnyArray | None:
    """The array of a file, mapped; None without the file.

    Raises
    ------
    InputError
        If the file holds no array of numbers.
    """
    if not path.is_file():
        return None
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    # NumPy parses the header as Python: SyntaxError, TokenError, RecursionError, …
    except Exception as error:
        raise InputError(
            f"{path}: not an array that NumPy reads ({reason(error)})"
        ) from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: not an array that NumPy reads (an archive)")
    if array.dtype.kind not in "fiu":
        raise InputError(f"{path}: expected numbers, got dtype {array.dtype}")
    return array


def raw_types(path: Path) -> Int64s:
    """The type numbers of a type.raw."""
    parts: list[Int64s] = []
    try:
        with open_bytes(path) as file:
            stream = LineStream(file, LONGEST_LINE)
            while lines := stream.take(PIECE):
                words = [whole_number(word) for line in lines for word in line.split()]
                parts.append(np.array(words, np.int64))
            if stream.fault is not None:
                raise ValueError(stream.fault)
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: expected type numbers ({reason(error)})") from None
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def raw_names(path: Path) -> tuple[str, ...] | None:
    """The names of a type_map.raw; None without the file."""
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > LONGEST_MAP:
            raise ValueError(f"more than {LONGEST_MAP} bytes")
        return tuple(path.read_text(encoding="utf-8").split())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected names of elements ({error})") from None
