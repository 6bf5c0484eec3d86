"""Frames of a trajectory, one at a time, from any file that users have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from ..errors import InputError
from .ase_files import iterate_file
from .dpdata_systems import is_of_dpdata, iterate_dpdata
from .file_reading import FileReading
from .frame import BadFrame, Frame, Labels, named_in_errors
from .label_keys import LabelReader
from .notices import Notices
from .npy_system import iterate_systems, reject_parts
from .reading_options import ReadingOptions
from .species import model_types
from .structure import from_atoms

__all__ = [
    "BadFrame",
    "Frame",
    "Labels",
    "ReadingOptions",
    "check_trajectory",
    "from_atoms",
    "iterate_chosen",
    "iterate_frames",
    "model_types",
    "named_in_errors",
    "parse_index",
    "read_frames",
]


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


def check_trajectory(path: str | Path, index: str = ":") -> tuple[Path, slice]:
    """What can be checked before anything is read.

    Raises
    ------
    InputError
        If the index is bad, or there is nothing at the path, or a part of a system
        in the place of it.
    """
    chosen = parse_index(index)
    place = Path(path)
    if not place.exists():
        raise InputError(f"{path}: no such file or directory")
    if not place.is_file() and not place.is_dir():
        raise InputError(f"{path}: not a regular file; copy the trajectory to one")
    reject_parts(place)
    return place, chosen


def iterate_frames(
    path: str | Path,
    index: str = ":",
    options: ReadingOptions | None = None,
    skip: int = 0,
) -> Iterator[Frame | BadFrame]:
    """The frames of a trajectory file or of deepmd npy systems, good and bad.

    After a bad frame the next one follows, as far as the format allows to find it.

    Parameters
    ----------
    path : file that ASE reads, or directory with ``type.raw`` (or of several)
        With a format that begins with ``dpdata:``, what dpdata reads.
    index : frame number or slice, as text
    options : how to read
    skip : how many of the selected frames, bad ones included, to pass over

    Raises
    ------
    InputError
        At once if the path or index is bad; later if the file as a whole cannot be
        read, if no frame is selected, or if none has a label that the options name.
    """
    place, chosen = check_trajectory(path, index)
    options = options or ReadingOptions()
    notices = Notices()
    frames: Iterator[Frame | BadFrame]
    reading = FileReading(place, options, LabelReader(options, notices), notices)
    if is_of_dpdata(options.format):
        frames = iterate_dpdata(reading, chosen, skip)
    elif not place.is_dir():
        frames = iterate_file(reading, chosen, skip)
    else:
        _refuse_of_files(options)
        frames = iterate_systems(reading, lambda n: range(*chosen.indices(n))[skip:])
    return _checked(frames, reading, index, skip)


def iterate_chosen(
    path: str | Path,
    choose: Callable[[int], Sequence[int]],
    options: ReadingOptions | None = None,
) -> Iterator[Frame | BadFrame]:
    """Frames of deepmd npy systems in any order, good and bad.

    Parameters
    ----------
    path : directory with ``type.raw`` (or of several)
    choose : number of frames → numbers of those that come, in this order
    options : how to read

    Raises
    ------
    InputError
        As `iterate_frames`.
    """
    place, _ = check_trajectory(path)
    options = options or ReadingOptions()
    _refuse_of_files(options)
    notices = Notices()
    reading = FileReading(place, options, LabelReader(options, notices), notices)
    return _checked(iterate_systems(reading, choose), reading, ":", 0)


def _refuse_of_files(options: ReadingOptions) -> None:
    if options.units is not None or options.format is not None:
        given = "units" if options.units is not None else "format"
        raise InputError(f"{given}: has no effect on a directory with npy systems")


def read_frames(
    path: str | Path, index: str = ":", options: ReadingOptions | None = None
) -> Iterator[Frame]:
    """The frames of a trajectory, one by one, up to the first bad one.

    Raises
    ------
    InputError
        As `iterate_frames`, and the error of a bad frame.
    """
    return _good(iterate_frames(path, index, options))


def _good(frames: Iterator[Frame | BadFrame]) -> Iterator[Frame]:
    for frame in frames:
        if isinstance(frame, BadFrame):
            raise frame.error
        yield frame


def _checked(
    frames: Iterator[Frame | BadFrame], reading: FileReading, index: str, skip: int
) -> Iterator[Frame | BadFrame]:
    first = list(islice(frames, 1))
    if not first and not skip:
        which = "holds no frames" if index == ":" else f"index {index} selects no frame"
        raise InputError(f"{reading.path}: {which}")
    only_bad = True
    for frame in chain(first, frames):
        only_bad &= isinstance(frame, BadFrame)
        yield frame
    if not only_bad and not skip:
        reading.labels.check_all_found(reading.path.name)
