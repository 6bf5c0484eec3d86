"""A potential that C calls, with what it keeps from call to call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from ..array_types import Int64s
from ..errors import atom_name
from ..potential import Potential
from ..runtime.forks import ProcessLock
from .caller_list import ListSizes


class Served:
    """A potential with its sessions.

    Parameters
    ----------
    skin : Å, of the own neighbour list

    Attributes
    ----------
    last_list : of the last call that brought one; None: there was none, or it was
        refused
    ids : what messages call the first atoms
    """

    def __init__(self, potential: Potential, skin: float) -> None:
        self.potential = potential
        self.last_list: ListSizes | None = None
        self.ids: Int64s = np.empty(0, np.int64)
        self._said: list[str] = []
        self.session = potential.session(skin, inform=self._said.append)
        self.listed_session = potential.listed_session(inform=self._said.append)
        self._lock = ProcessLock()

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
