"""Frames of a trajectory, one at a time, from any file that users have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..errors import InputError
from .ase_files import iterate_ase
from .frame import Frame, Labels, from_atoms
from .npy_system import iterate_systems
from .species import model_types

__all__ = ["Frame", "Labels", "from_atoms", "model_types", "parse_index", "read_frames"]


def parse_index(text: str) -> slice:
    """The frames that ``"3"``, ``"-1"``, ``":10"`` or ``"::5"`` select.

    Raises
    ------
    InputError
        If the text is no index or slice, or its step is not positive.
    """
    parts = text.split(":")
    try:
        numbers = [int(part) if part.strip() else None for part in parts]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3 or numbers == [None]:
        raise InputError(
            f"index: expected a frame number or a slice such as 3, -1, :10 or ::5, "
            f"got {text!r}"
        )
    if len(numbers) == 1 and numbers[0] is not None:
        return slice(numbers[0], (numbers[0] + 1) or None)
    chosen = slice(*numbers)
    if chosen.step is not None and chosen.step < 1:
        raise InputError(f"index: expected a positive step, got {chosen.step}")
    return chosen


def read_frames(
    path: str | Path, index: str = ":", format: str | None = None
) -> Iterator[Frame]:
    """The frames of a trajectory file or of a deepmd npy system, one by one.

    Parameters
    ----------
    path : file that ASE reads, or directory with ``type.raw`` (or of several)
    index : frame number or slice, as text
    format : ASE's name of the format; by default it is guessed

    Raises
    ------
    InputError
        At once if the path or index is bad; later if a frame cannot be read, or
        if there is none.
    """
    chosen = parse_index(index)
    place = Path(path)
    if not place.exists():
        raise InputError(f"{path}: no such file or directory")
    if place.is_dir():
        frames = iterate_systems(place, chosen)
    else:
        frames = iterate_ase(place, chosen, format)
    return _not_empty(frames, place, index)


def check_trajectory(path: str | Path, index: str = ":") -> None:
    """Raise an InputError at once for a path or an index that cannot be."""
    parse_index(index)
    if not Path(path).exists():
        raise InputError(f"{path}: no such file or directory")


@dataclass(frozen=True)
class BadFrame:
    name: str
    index: int
    error: InputError
    truncated: bool = False
    last: bool = True


def iterate_frames(path, index=":", format=None, skip=0):  # TEMPORARY
    frames = read_frames(path, index, format)
    n = 0
    try:
        for f in frames:
            n += 1
            if n > skip:
                yield f
    except InputError as e:
        yield BadFrame("x", n, e, "ends after" in str(e))


def _not_empty(frames: Iterator[Frame], path: Path, index: str) -> Iterator[Frame]:
    first = list(islice(frames, 1))
    if not first:
        which = "holds no frames" if index == ":" else f"index {index} selects no frame"
        raise InputError(f"{path}: {which}")
    yield first[0]
    yield from frames
