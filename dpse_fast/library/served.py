"""A potential that C calls, with what it keeps from call to call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..evaluation.listed_session import ListedSession
from ..evaluation.session import Session
from ..potential import Potential
from ..runtime.cached_property import cached_property


class Served:
    """A potential with its sessions, made when they are first used.

    Parameters
    ----------
    skin : Å, of the own neighbour list
    """

    def __init__(self, potential: Potential, skin: float) -> None:
        self.potential, self._skin = potential, skin
        self._lock = threading.Lock()
        self._said: list[str] = []
        potential.session(skin)  # refuses a skin that cannot be

    @cached_property
    def session(self) -> Session:
        return self.potential.session(self._skin, inform=self._said.append)

    @cached_property
    def listed_session(self) -> ListedSession:
        return self.potential.listed_session(inform=self._said.append)

    @contextmanager
    def telling(self, say: Callable[[str], None]) -> Iterator[None]:
        """Alone with the potential; what it warns of is said."""
        with self._lock:
            try:
                yield
            finally:
                for text in self._said:
                    say(text)
                self._said.clear()
