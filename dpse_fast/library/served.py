"""A potential that C calls, with what it keeps from call to call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..array_types import Doubles, Int64s
from ..committee import Committee
from ..errors import InputError, atom_name
from ..evaluation.committee_session import CommitteeListedSession, CommitteeSession
from ..evaluation.listed_session import ListedResult
from ..potential import Potential
from ..results import Result
from ..runtime.forks import ProcessLock
from .caller_list import ListSizes


class Served:
    """A potential, or a committee of several, with its sessions.

    Parameters
    ----------
    skin : Å, of the own neighbour list

    Attributes
    ----------
    n_models : of a committee; else 1
    last_list : of the last call that brought one; None: there was none, or it was
        refused
    ids : what messages call the first atoms
    """

    def __init__(self, potential: Potential | Committee, skin: float) -> None:
        self.potential = potential
        self.n_models = len(potential) if isinstance(potential, Committee) else 1
        self.last_list: ListSizes | None = None
        self.ids: Int64s = np.empty(0, np.int64)
        self._said: list[str] = []
        self._session = potential.session(skin, inform=self._said.append)
        self._listed = potential.listed_session(inform=self._said.append)
        self._lock = ProcessLock()

    @property
    def committee(self) -> Committee:
        """What a committee alone has.

        Raises
        ------
        InputError
            If it is one model.
        """
        if isinstance(self.potential, Committee):
            return self.potential
        raise InputError("potential: expected a committee, got one model")

    def results(self, n_models: int | None, *given: Any, **more: Any) -> list[Result]:
        """Of a structure, see `Potential.compute`.

        Parameters
        ----------
        n_models : all models; None: the driver alone
        """
        if not isinstance(self._session, CommitteeSession):
            return [self._session.compute(*given, **more)]
        deviation = n_models is not None or self.committee.driver == "mean"
        found = self._session.compute(*given, deviation=deviation, **more)
        if n_models is None:
            return [found]
        assert found.members is not None
        return list(found.members)

    def listed_results(
        self,
        n_models: int | None,
        positions: Doubles,
        forces: list[Doubles | None],
        **more: Any,
    ) -> list[ListedResult]:
        """With a caller's list, see `ListedSession.compute`.

        Parameters
        ----------
        n_models : so many of the models, from the first on; None: the driver alone
        forces : of each result, the array that its forces are added into
        """
        session, first = self._listed, forces[0]
        if not isinstance(session, CommitteeListedSession):
            return [session.compute(positions, forces=first, **more)]
        if n_models is not None:
            found = session.members(n_models, positions, forces=first, **more)
            added = [first, *[None] * (n_models - 1)]
        else:
            mean = self.committee.driver == "mean"
            added = [None if mean else first]
            found = [
                session.compute(positions, forces=added[0], deviation=mean, **more)
            ]
        for place, done, one in zip(forces, added, found, strict=True):
            if place is not None and done is None:
                place += one.forces
        return found

    def atom_name(self, atom: int) -> str:
        """What the caller calls the atom in a row of positions."""
        return f"atom ID {self.ids[atom]}" if atom < len(self.ids) else atom_name(atom)

    @contextmanager
    def telling(self, say: Callable[[str], None]) -> Iterator[None]:
        """Alone with the potential; what it warns of is said."""
        with self._lock.lock:
            try:
                yield
            finally:
                for text in self._said:
                    say(text)
                self._said.clear()
