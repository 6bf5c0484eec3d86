"""What the pipeline takes of a list of rows, whoever made it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..array_types import Int64s
from ..kernels.cuda.layout import FullList, Incoming, PairGradients, Tile
from .device import Array


class RowList(ABC):
    """Rows by type, with their neighbours among rows, and images or ghosts.

    Attributes
    ----------
    hood : the list
    located : (4 · n_all,) float64 of rows, and images or ghosts
    starts : first row of each type, and n
    builds : how often the list was built, so that whoever uses it sees a new one
    n_places : m, how many of ``located`` have forces of their own
    incoming : the pairs that point at each of these; None: the list has reverse pairs,
        or is summed in any order
    """

    builds: int = 1
    incoming: Incoming | None = None

    @property
    @abstractmethod
    def hood(self) -> FullList: ...

    @property
    @abstractmethod
    def located(self) -> Array: ...

    @property
    @abstractmethod
    def starts(self) -> list[int]: ...

    @property
    def n_places(self) -> int:
        return self.starts[-1]


class CallersRows(RowList):
    """Of a list that a caller brought.

    Attributes
    ----------
    n_given : pairs of his list
    """

    n_given: int

    @abstractmethod
    def list_gradients(self, tile: Tile, gradients: PairGradients, out: Array) -> None:
        """Write a tile's pair gradients to (3 · n_given,) numbers, in his order."""

    @abstractmethod
    def given_places(self, rows: Int64s, pairs: Int64s) -> Int64s:
        """(m,) places in his list of pairs of ours, with the row of each."""
