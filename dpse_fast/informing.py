"""Telling what lies beyond a model's domain, over and over or once."""

from __future__ import annotations

from collections.abc import Callable

from .results import Report

Inform = Callable[[Report], None]


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
