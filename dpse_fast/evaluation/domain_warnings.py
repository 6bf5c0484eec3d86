"""Warnings, or errors, about what lies beyond a model's domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import (
    InputError,
    NonFiniteWarning,
    SelOverflowWarning,
    ShortDistanceWarning,
    UnseenTypesWarning,
    warn,
)
from ..model import Model
from ..plan.domain import trusted_distance
from ..results import Report


class DomainWarnings:
    """Warns, or raises, about what a report tells.

    Parameters
    ----------
    sel_overflow : see `dpse_fast.load`
    inform : called with the text of each warning; None: Python's warnings
    once : give each kind of warning only the first time
    """

    def __init__(
        self,
        model: Model,
        sel_overflow: str,
        inform: Callable[[str], None] | None,
        once: bool,
    ) -> None:
        self._model, self._sel_overflow = model, sel_overflow
        self._inform, self._once = inform, once
        self._given: set[type[Warning]] = set()

    def __call__(self, report: Report) -> None:
        """Raises an InputError for more neighbours than ``sel`` if that is an error."""
        overflow = report.sel_overflow
        if overflow and self._sel_overflow == "error":
            raise InputError(
                f"positions: {overflow}; sel_overflow='truncate' keeps the nearest, "
                "'all' counts all"
            )
        if overflow and self._sel_overflow == "warn":
            text = f"{overflow}; the nearest are kept, as deepmd-kit does"
            self._warn(text, SelOverflowWarning)
        for text, kind in _warnings(self._model, report):
            self._warn(text, kind)

    def _warn(self, text: str, kind: type[Warning]) -> None:
        if self._once and kind in self._given:
            return
        self._given.add(kind)
        if self._inform is None:
            warn(text, kind)
        else:
            self._inform(text)


def _warnings(model: Model, report: Report) -> Iterator[tuple[str, type[Warning]]]:
    if report.short_pairs:
        yield (
            f"{report.short_pairs} pairs closer than {trusted_distance(model):.2f} Å, "
            "far below the distances of any training data: energy and forces mean "
            "little",
            ShortDistanceWarning,
        )
    if report.unseen_pairs:
        pairs = ", ".join(f"{c}-{t}" for c, t in report.unseen_pairs)
        yield (
            f"pairs of types that the model was not trained on: {pairs}; energy and "
            "forces mean little",
            UnseenTypesWarning,
        )
    if report.non_finite_atoms:
        yield (
            f"{report.non_finite_atoms} atoms have an energy or a force that is NaN or "
            "infinite",
            NonFiniteWarning,
        )
