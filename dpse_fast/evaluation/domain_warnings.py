"""Telling what lies beyond a model's domain, over and over or once."""

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

Inform = Callable[[Report], None]


def informer(
    model: Model, sel_overflow: str, tell: Callable[[str], None] | None
) -> Inform:
    """Warns, or raises, about what a structure asks beyond the model's domain.

    Parameters
    ----------
    sel_overflow : see `dpse_fast.load`
    tell : called with the text of each warning; None: Python's warnings
    """

    def inform(report: Report) -> None:
        overflow = report.sel_overflow
        if overflow and sel_overflow == "error":
            raise InputError(
                f"positions: {overflow}; sel_overflow='truncate' keeps the nearest, "
                "'all' counts all"
            )
        if overflow and sel_overflow == "warn":
            text = f"{overflow}; the nearest are kept, as deepmd-kit does"
            say(text, SelOverflowWarning)
        for text, kind in _troubles(model, report):
            say(text, kind)

    def say(text: str, kind: type[Warning]) -> None:
        if tell is None:
            warn(text, kind)
        else:
            tell(text)

    return inform


def _troubles(model: Model, report: Report) -> Iterator[tuple[str, type[Warning]]]:
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


class Once:
    """Passes each kind of trouble on the first time that it is met."""

    def __init__(self, inform: Inform) -> None:
        self._inform, self._told = inform, Report()

    def __call__(self, report: Report) -> None:
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
