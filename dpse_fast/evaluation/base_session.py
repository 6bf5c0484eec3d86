"""What evaluations one after another keep, whoever keeps the neighbour list."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

from ..planning import Planner
from .domain_warnings import Inform, Once


class Kept(ABC):
    """Base of `Session` and `ListedSession`.

    Parameters
    ----------
    inform : told of what lies beyond the model's domain
    keep_all : count all neighbours, also those beyond ``sel``
    profile : measure ``stage_seconds``
    warn_once : tell of each kind of trouble once

    Attributes
    ----------
    stage_seconds : seconds in each stage, when profiling: processor time of all
        threads, or time of the GPU
    """

    def __init__(
        self,
        planner: Planner,
        inform: Inform,
        *,
        keep_all: bool,
        profile: bool,
        warn_once: bool,
    ) -> None:
        self._planner, self._model = planner, planner.model
        self._tell: Inform = Once(inform) if warn_once else inform
        self._profile, self._truncate = profile, not keep_all
        self._lock = threading.Lock()

    @property
    @abstractmethod
    def stage_seconds(self) -> dict[str, float]: ...
