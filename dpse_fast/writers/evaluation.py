"""What is written of every frame, and what every writer does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..array_types import Doubles, Int64s
from ..trajectory import Frame


@dataclass(frozen=True)
class RunDescription:
    """Of all frames: the model's types, attributes that tell the origin, what comes.

    Parameters
    ----------
    type_map : the model's types
    attributes : name → text
    atomic : whether every frame has the energies and virials of its atoms
    """

    type_map: Sequence[str]
    attributes: Mapping[str, str]
    atomic: bool = False


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A frame and what the model makes of it.

    Parameters
    ----------
    frame : the structure
    types : (N,) int, indices into the model's type map
    energy : eV
    forces : (N, 3) eV/Å
    virial : (3, 3) eV, -dE/d(strain)
    atomic_energies : (N,) eV, or None
    atomic_virials : (N, 3, 3) eV, or None
    """

    frame: Frame
    types: Int64s
    energy: float
    forces: Doubles
    virial: Doubles
    atomic_energies: Doubles | None = None
    atomic_virials: Doubles | None = None


class ResultWriter(ABC):
    """Writes a file of results; the file has every frame when `write` returns.

    Parameters
    ----------
    path : of the file
    description : of all frames
    end : where to go on in a file that was begun, what `end` was after its last
        frame; None: a new file
    """

    def __init__(
        self, path: Path, description: RunDescription, end: int | None = None
    ) -> None:
        self.description = description
        if end is None:
            self._begin(path)
        else:
            self._continue(path, end)

    @abstractmethod
    def _begin(self, path: Path) -> None: ...

    @abstractmethod
    def _continue(self, path: Path, end: int) -> None: ...

    @abstractmethod
    def write(self, evaluation: Any) -> None:
        """Append one frame with its results."""

    @property
    @abstractmethod
    def end(self) -> int:
        """Where the frame that comes next will begin."""

    @abstractmethod
    def close(self) -> None:
        """Close the file, without what is there of an unfinished frame if possible."""


def copy_of(path: Path) -> Path:
    """Where a file that was begun is copied to, if it cannot be continued in place."""
    return path.with_name(f"{path.name}.new")
