"""Evaluations one after another, with the list and the buffers of the last."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from .boundary import check_amount
from .planning import Planner
from .results import Report, Result

Inform = Callable[[Report], None]

DEFAULT_SKIN = 1.0  # Å
COINCIDENT_ATOMS = (
    "another atom, or an image, lies on atom {}; expected distinct positions"
)
BELOW_TABLE = (
    "atom {} has a neighbour closer than the pair table of the model starts; expected "
    "distances inside the table"
)


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
        self._inform, self._profile = inform, profile
        self._truncate = not keep_all
        self._warn_once, self._told = warn_once, Report()
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

    def _tell(self, report: Report) -> None:
        """Warn of what was not warned of before."""
        if not self._warn_once:
            self._inform(report)
            return
        old = self._told
        self._inform(
            Report(
                sel_overflow=None if old.sel_overflow else report.sel_overflow,
                short_pairs=0 if old.short_pairs else report.short_pairs,
                unseen_pairs={} if old.unseen_pairs else report.unseen_pairs,
                non_finite_atoms=0 if old.non_finite_atoms else report.non_finite_atoms,
            )
        )
        self._told = Report(
            sel_overflow=old.sel_overflow or report.sel_overflow,
            short_pairs=old.short_pairs or report.short_pairs,
            unseen_pairs=old.unseen_pairs or report.unseen_pairs,
            non_finite_atoms=old.non_finite_atoms or report.non_finite_atoms,
        )
