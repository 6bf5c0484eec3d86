"""What sessions have in common, whoever keeps the neighbour list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..array_types import Int32s, Integers
from ..errors import InputError
from ..inputs.parameters import check_parameters
from ..inputs.plain_numbers import shown
from ..inputs.structure import check_flag
from ..model import Model
from ..plan import Plan
from ..runtime.forks import ProcessLock
from .backend import Backend, Evaluator, Member, PlanSource, Request
from .domain_warnings import CommitteeWarnings


@dataclass(frozen=True)
class SessionOptions:
    """Options of a session.

    Parameters
    ----------
    sel_overflow : see `dpse_fast.load`
    profile : measure ``stage_seconds``
    warn_once : give each kind of warning once in the session
    inform : called with the text of each warning; None: Python's warnings
    """

    sel_overflow: str = "warn"
    profile: bool = False
    warn_once: bool = True
    inform: Callable[[str], None] | None = None


class Uncopied:
    """Keeps memory and locks of its process: two would share what only one may use."""

    def __reduce__(self) -> NoReturn:
        kind = type(self).__name__
        raise TypeError(
            f"a {kind} keeps memory of its process and cannot be copied or pickled; "
            "copy the potential and make a new one from it"
        )


class BaseSession(Uncopied, ABC):
    """A backend and plans, with what is kept from call to call.

    Parameters
    ----------
    plans : of one potential, or of each model of a committee: the first model's types
        are those of the caller, and every other one has all of them

    Attributes
    ----------
    stage_seconds : seconds in each stage, when profiling: processor time of all
        threads, or time of the GPU
    """

    def __init__(
        self, backend: Backend, plans: Sequence[PlanSource], options: SessionOptions
    ) -> None:
        check_flag(options.profile, "profile")
        if options.inform is not None and not callable(options.inform):
            raise InputError(
                f"inform: expected a function of a text, got {shown(options.inform)}"
            )
        self._backend, self._plans, self._options = backend, plans, options
        self._models = tuple(source.model for source in plans)
        self._model = self._models[0]
        self._types = [own_types(self._model, model) for model in self._models]
        self._warnings = CommitteeWarnings(
            self._models, options.sel_overflow, options.inform, options.warn_once
        )
        self._lock = ProcessLock()
        self._half_done = False
        self._evaluator: Evaluator | None = None
        self._earlier_seconds: Counter[str] = Counter()

    @property
    def stage_seconds(self) -> dict[str, float]:
        seconds = Counter(self._earlier_seconds)
        if self._evaluator:
            seconds.update(self._evaluator.stage_seconds)
        return dict(seconds)

    def _members(self, present: Callable[[], Integers]) -> tuple[Member, ...]:
        """The plans that serve these of the caller's types."""

        def plan_of(source: PlanSource, types: Int32s | None) -> Plan:
            return source.plan_for(
                lambda: present() if types is None else types[present()]
            )

        return tuple(
            Member(plan_of(source, types), types)
            for source, types in zip(self._plans, self._types, strict=True)
        )

    def _evaluator_for(self, members: tuple[Member, ...]) -> Evaluator:
        """The one of these plans; a new one where another type of atoms was met."""
        plans = [id(member.plan) for member in members]
        last = self._evaluator
        if last is None or [id(member.plan) for member in last.members] != plans:
            self._drop_evaluator()
            self._evaluator = self._backend.evaluator(members, self._options.profile)
        assert self._evaluator is not None
        return self._evaluator

    def _drop_evaluator(self) -> None:
        """Gives its memory back; what it measured is kept."""
        self._earlier_seconds = Counter(self.stage_seconds)
        self._evaluator = None
        self._forget_lists()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Drops what a thread left half done that a fork did not take along."""
        if self._half_done:
            self._drop_evaluator()
        self._half_done = True
        try:
            yield
        finally:
            self._half_done = False

    @abstractmethod
    def _forget_lists(self) -> None:
        """Called where the evaluator is new: its lists follow the plan's types."""

    @property
    def truncate(self) -> bool:
        """Whether only the nearest ``sel`` neighbours of each type are kept."""
        return self._options.sel_overflow != "all"

    def _requests(
        self,
        fparam: Any,
        aparam: Any,
        n_atoms: int,
        n_frames: int | None = None,
        **wanted: bool,
    ) -> list[Request]:
        """What to evaluate, with checked parameters, by model.

        Parameters
        ----------
        n_atoms : N, or rows of a caller's list
        n_frames : rows that may have frame parameters of their own; None: one frame
        """
        on_host = self._backend.on_host
        frame, atoms = on_host(fparam, "fparam"), on_host(aparam, "aparam")
        return [
            Request(
                truncate=self.truncate,
                frame=check_parameters(frame, model.fparam, "fparam", n_frames),
                atoms=check_parameters(atoms, model.aparam, "aparam", n_atoms),
                **wanted,
            )
            for model in self._models
        ]

    @contextmanager
    def _in_memory(self, n: Callable[[], int]) -> Iterator[None]:
        """Gives the memory back, and says what is too large, where it is short."""
        try:
            yield
        except self._backend.out_of_memory as error:
            self._drop_evaluator()
            raise self._backend.no_memory(n()) from error


def own_types(first: Model, model: Model) -> Int32s | None:
    """The model's numbers of the first one's types; see `Member`."""
    if model.type_map[: first.n_types] == first.type_map:
        return None
    numbers = [model.type_map.index(name) for name in first.type_map]
    return np.array([*numbers, -1], np.int32)


def present_types(types: Integers) -> Integers:
    """Those that exist for the model, each once."""
    found: Integers = np.unique(types)
    return found[found >= 0]
