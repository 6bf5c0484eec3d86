"""What is written of every frame, and what every writer does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ..array_types import Doubles, Int64s
from ..runtime.atomic_file import complete_or_absent
from ..trajectory import Frame


@dataclass(frozen=True)
class RunDescription:
    """Of all frames: the model's types, and attributes that tell the origin."""

    type_map: Sequence[str]
    attributes: Mapping[str, str]


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
    """Writes to a file beside the final one, renamed when the block succeeds."""

    def __init__(self, path: Path, description: RunDescription) -> None:
        self.path = path
        self.description = description
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            partial = resources.enter_context(complete_or_absent(self.path))
            self._open(partial)
            resources.callback(self._close)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._resources.__exit__(kind, error, traceback)

    @abstractmethod
    def _open(self, path: Path) -> None: ...

    @abstractmethod
    def write(self, evaluation: Evaluation) -> None:
        """Append one frame."""

    @abstractmethod
    def _close(self) -> None: ...
