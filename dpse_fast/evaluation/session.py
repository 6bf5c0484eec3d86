"""Evaluations one after another, with the list and the buffers of the last."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from ..inputs.structure import check_amount
from ..planning import Planner
from ..results import Result
from .base_session import Kept
from .domain_warnings import Inform

DEFAULT_SKIN = 1.0  # Å


class Session(Kept):
    """Computes step after step, keeping the neighbour list and all buffers.

    Made by `Potential.session`. The list is rebuilt when an atom has moved by
    half the skin, or when the cell, the types or the number of atoms change.

    Attributes
    ----------
    list_builds : how often the neighbour list was built
    """

    def __init__(
        self, planner: Planner, inform: Inform, *, skin: float, **options: Any
    ) -> None:
        super().__init__(planner, inform, **options)
        self._skin = check_amount(skin, "skin", "a length in Å")

    @property
    @abstractmethod
    def list_builds(self) -> int: ...

    @abstractmethod
    def compute(
        self,
        positions: Any,
        types: Any,
        cell: Any = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        atomic: bool = False,
        fparam: Any = None,
        aparam: Any = None,
    ) -> Result:
        """As `Potential.compute`."""
