"""A state of the whole process that several threads may ask for at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Undo = Callable[[], None]


class Held:
    """In force while anybody is inside: the first sets it, the last lifts it.

    Parameters
    ----------
    begin : sets the state; returns what lifts it

    Attributes
    ----------
    inside : how many are
    """

    def __init__(self, begin: Callable[[], Undo]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self.inside = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self.inside:
                self._undo = self._begin()
            self.inside += 1
        try:
            yield
        finally:
            with self._lock:
                self.inside -= 1
                if not self.inside:
                    self._undo()
