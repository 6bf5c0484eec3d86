"""Several systems, whose frames come one after the other."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError, LabelWarning, reason, warn
from . import iterate_chosen, iterate_frames
from .dpdata_systems import advice_for, is_of_dpdata
from .frame import BadFrame, Frame
from .npy_system import system_folders
from .reading_options import ReadingOptions

WEIGHTS = ("atom_pref.npy", "atomic_pref.npy")  # of forces, by either name
Shuffle = Callable[[int], Sequence[int]]


def systems_at(path: str | Path, format: str | None = None) -> list[str]:
    """The npy systems at and below a directory, sorted; or the file itself.

    Parameters
    ----------
    format : as in `ReadingOptions`; what dpdata reads counts as one system

    Raises
    ------
    InputError
        If there is nothing at the path, or no system below it.
    """
    place = Path(path)
    if "#" in str(path) and not place.exists():
        file, _, _ = str(path).partition("#")
        raise InputError(
            f"{path}: one system of an HDF5 file is not read; {file} with --format "
            "dpdata:deepmd/hdf5 gives all systems of the file"
        )
    if not place.exists():
        raise InputError(f"{path}: no such file or directory")
    if not place.is_dir() or is_of_dpdata(format):
        return [str(path)]
    found = system_folders(place)
    if not found:
        raise InputError(
            f"{path}: expected npy systems; there is no type.raw in or below it"
            f"{advice_for(place)}"
        )
    return [str(one) for one in found]


def systems_in(list_file: str | Path, format: str | None = None) -> list[str]:
    """The systems that a file names, a path a line, each as `systems_at` finds it.

    Empty lines, and those that begin with ``#``, name none.

    Raises
    ------
    InputError
        If the file cannot be read or names none.
    """
    try:
        lines = Path(list_file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{list_file}: expected a list of systems ({error})") from None
    stripped = (line.strip() for line in lines)
    paths = [line for line in stripped if line and not line.startswith("#")]
    if not paths:
        raise InputError(f"{list_file}: expected a path of a system a line, got none")
    return [system for path in paths for system in systems_at(path, format)]


def systems_of_input(input_file: str | Path, data: str) -> list[str]:
    """The systems that a training input of deepmd-kit names, as it finds them.

    Parameters
    ----------
    input_file : JSON; paths in it are relative to its folder
    data : ``training_data`` or ``validation_data``

    Raises
    ------
    InputError
        If it cannot be read, has no such systems, or selects them by patterns.
    """
    place = Path(input_file)
    try:
        found = json.loads(place.read_text(encoding="utf-8"))["training"][data]
        named = found["systems"]
    except (OSError, ValueError) as error:
        raise InputError(f"{place}: expected JSON ({reason(error)})") from None
    except (KeyError, TypeError):
        raise InputError(f"{place}: expected training/{data}/systems") from None
    if found.get("rglob_patterns") is not None:
        raise InputError(f"{place}: systems chosen by rglob_patterns are not supported")
    paths = [named] if isinstance(named, str) else named
    are_paths = isinstance(paths, list) and all(isinstance(one, str) for one in paths)
    if not paths or not are_paths:
        raise InputError(f"{place}: expected paths as training/{data}/systems")
    return [
        found for one in paths for found in systems_at((place.parent / one).resolve())
    ]


class Systems:
    """Frames of all systems, numbered through.

    Parameters
    ----------
    paths : of the systems
    options : how to read
    most : frames of each system; None: all
    shuffle : permutes the frames of npy systems; None: they come in order
    """

    def __init__(
        self,
        paths: Sequence[str],
        options: ReadingOptions,
        most: int | None = None,
        shuffle: Shuffle | None = None,
    ) -> None:
        self.paths, self._options = list(paths), options
        self._most, self._shuffle = most, shuffle
        self._starts: list[int] = []

    def frames(self) -> Iterator[Frame | BadFrame]:
        """All frames; read once."""
        number = 0
        for path in self.paths:
            self._starts.append(number)
            for frame in self._frames_of(path):
                yield replace(frame, index=number)
                number += 1

    def _frames_of(self, path: str) -> Iterator[Frame | BadFrame]:
        directories = list(Path(path).glob("set.*")) if Path(path).is_dir() else []
        for weights in WEIGHTS if self._options.labels else ():
            if any((one / weights).is_file() for one in directories):
                warn(
                    f"{path}: {weights}: forces are compared without these weights",
                    LabelWarning,
                )
        if self._shuffle is None:
            index = ":" if self._most is None else f":{self._most}"
            return iterate_frames(path, index, self._options)
        if not Path(path).is_dir():
            raise InputError(f"{path}: only the frames of npy systems can be shuffled")
        if any((one / "numb_copy.npy").is_file() for one in directories):
            raise InputError(
                f"{path}: numb_copy.npy: frames that count several times cannot be "
                "shuffled"
            )
        return iterate_chosen(path, self._chosen, self._options)

    def _chosen(self, n_frames: int) -> Sequence[int]:
        assert self._shuffle is not None
        return self._shuffle(n_frames)[: self._most]

    def system_of(self, number: int) -> int:
        """The position of the system that a frame is of, which was read."""
        return bisect_right(self._starts, number) - 1

    def number_in_system(self, number: int) -> int:
        """The number of a frame in its own system, which was read."""
        return number - self._starts[self.system_of(number)]


def shuffle_of(seed: int | None) -> Shuffle:
    """The permutations that deepmd-kit draws, of one system after the other.

    Parameters
    ----------
    seed : taken modulo 2³²; None: other permutations each time
    """
    state = np.random.RandomState(None if seed is None else seed % 2**32)

    def shuffled(n: int) -> Sequence[int]:
        numbers = np.arange(n, dtype=np.int64)
        state.shuffle(numbers)
        return numbers.tolist()

    return shuffled
