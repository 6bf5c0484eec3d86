"""Warnings of a whole run, counted, and shown once at its end."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Self

import click

from ..errors import (
    AccuracyWarning,
    NonFiniteWarning,
    NumberedTypesWarning,
    SelOverflowWarning,
    ShortDistanceWarning,
    UnseenTypesWarning,
)

COUNTED = (
    AccuracyWarning,
    NonFiniteWarning,
    NumberedTypesWarning,
    SelOverflowWarning,
    ShortDistanceWarning,
    UnseenTypesWarning,
)


class WarningSummary(AbstractContextManager["WarningSummary"]):
    """Collects the warnings of a block.

    Of each kind of this package's warnings, and of each text of other user
    warnings, the first is kept with the frame it came from, and the number.
    """

    def __init__(self) -> None:
        self.where = ""
        self._found: dict[tuple[str, str], list[Any]] = {}
        self._new: list[list[Any]] = []
        self._muted = False
        self._guard = warnings.catch_warnings()

    def __enter__(self) -> Self:
        self._guard.__enter__()
        warnings.simplefilter("ignore")
        for category in (UserWarning, RuntimeWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = self._take
        return self

    def _take(
        self, message: Warning | str, category: type[Warning], *_: Any, **__: Any
    ) -> None:
        text = " ".join(str(message).split())
        counted = any(issubclass(category, c) for c in COUNTED)
        self.add(category.__name__, text, self.where, counted)

    def add(self, category: str, text: str, where: str, counted: bool) -> None:
        """Count a warning.

        Parameters
        ----------
        category : name of its class
        where : the frame that it came from
        counted : the texts of all of the class count as one
        """
        if self._muted:
            return
        key = (category, "" if counted else text)
        entry = self._found.setdefault(key, [text, where, 0])
        entry[2] += 1
        self._new.append([category, text, where, counted])

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Inside, warnings are dropped."""
        self._muted = True
        try:
            yield
        finally:
            self._muted = False

    def take_new(self) -> list[list[Any]]:
        """The arguments of `add` for what came since the last call."""
        found, self._new = self._new, []
        return found

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._guard.__exit__(kind, error, traceback)
        for entry in self.entries():
            where = f"{entry['where']}: " if entry["where"] else ""
            if entry["message"].startswith(where):
                where = ""
            more = f" ({entry['count']} times)" if entry["count"] > 1 else ""
            click.echo(f"Warning: {where}{entry['message']}{more}", err=True)

    def entries(self) -> list[dict[str, Any]]:
        """Category, first message, where it was, and how often."""
        return [
            {"category": category, "message": text, "where": where, "count": count}
            for (category, _), (text, where, count) in self._found.items()
        ]
