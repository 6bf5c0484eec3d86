"""Evaluations one after another, with the list and the buffers of the last."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from .boundary import check_amount
from .informing import Inform, Once
from .planning import Planner
from .results import Result

DEFAULT_SKIN = 1.0  # Å


class Session(ABC):
    """Computes step after step, keeping the neighbour list and all buffers.

    Made by `Potential.session`. The list is rebuilt when an atom has moved by
    half the skin, or when the cell, the types or the number of atoms change.

    Attributes
    ----------
    list_builds : how often the neighbour list was built
    stage_seconds : seconds in each stage, when profiling: processor time of all
        threads, or time of the GPU
    """

    def __init__(
        self,
        planner: Planner,
        inform: Inform,
        *,
        keep_all: bool,
        skin: float,
        profile: bool,
        warn_once: bool,
    ) -> None:
        self._skin = check_amount(skin, "skin", "a length in Å")
        self._planner, self._model = planner, planner.model
        self._tell: Inform = Once(inform) if warn_once else inform
        self._profile, self._truncate = profile, not keep_all
        self._lock = threading.Lock()

    @property
    @abstractmethod
    def list_builds(self) -> int: ...

    @property
    @abstractmethod
    def stage_seconds(self) -> dict[str, float]: ...

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
