"""Warnings, or errors, about what lies beyond a model's domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..array_types import Integers
from ..errors import (
    AtomError,
    InputError,
    NonFiniteWarning,
    SelOverflowWarning,
    ShortDistanceWarning,
    UnseenTypesWarning,
    warn,
)
from ..model import Model
from ..plan.domain import trusted_distance
from ..results import AtomReport, Report


class Atoms(NamedTuple):
    """What the rows of a report's atoms are for the caller."""

    number: Callable[[int], int]  # of the atom behind a row
    name: Callable[[int], str]  # of the atom with that number


class DomainWarnings:
    """Warns, or raises, about what a report tells.

    Parameters
    ----------
    sel_overflow : see `dpse_fast.load`
    inform : called with the text of each warning; None: Python's warnings
    once : give each kind of warning only the first time
    given : kinds that were given before; modified
    prefix : of each text
    """

    def __init__(
        self,
        model: Model,
        sel_overflow: str,
        inform: Callable[[str], None] | None,
        once: bool,
        given: set[type[Warning]] | None = None,
        prefix: str = "",
    ) -> None:
        self._model, self._sel_overflow = model, sel_overflow
        self._inform, self._once = inform, once
        self._given = set() if given is None else given
        self._prefix = prefix

    def has_news(self, report: Report) -> bool:
        """Whether the report would raise, or give a warning for the first time."""
        return self._refuses(report) or any(
            self._is_news(k) for _, k in self._all(report)
        )

    def __call__(self, report: Report, atoms: Atoms | None = None) -> None:
        """Raises an InputError for more neighbours than ``sel`` if that is an error.

        Parameters
        ----------
        atoms : one of which is named, if the report has them; None: none is
        """
        if self._refuses(report):
            before = f"positions: {self._prefix}{report.sel_overflow}"
            after = "; sel_overflow='truncate' keeps the nearest, 'all' counts all"
            atom = _one(report, atoms, SelOverflowWarning)
            if atom is None:
                raise InputError(before + after)
            number, name = atom
            raise AtomError(f"{before}, one is", number, after, name)
        for text, kind in self._all(report):
            if self._is_news(kind):
                self._given.add(kind)
                atom = _one(report, atoms, kind)
                self._warn(text if atom is None else f"{text}; one is {atom[1]}", kind)

    def _refuses(self, report: Report) -> bool:
        return bool(report.sel_overflow) and self._sel_overflow == "error"

    def _is_news(self, kind: type[Warning]) -> bool:
        return not self._once or kind not in self._given

    def _all(self, report: Report) -> Iterator[tuple[str, type[Warning]]]:
        overflow = report.sel_overflow
        if overflow and self._sel_overflow == "warn":
            text = f"{overflow}; the nearest are kept, as deepmd-kit does"
            yield text, SelOverflowWarning
        yield from _warnings(self._model, report)

    def _warn(self, text: str, kind: type[Warning]) -> None:
        text = self._prefix + text
        if self._inform is None:
            warn(text, kind)
        else:
            self._inform(text)


class CommitteeWarnings:
    """The same of several models: of one by name where it differs from the first.

    Parameters
    ----------
    models : Model
    sel_overflow, inform, once : see `DomainWarnings`
    """

    def __init__(
        self,
        models: Sequence[Model],
        sel_overflow: str,
        inform: Callable[[str], None] | None,
        once: bool,
    ) -> None:
        given: set[type[Warning]] = set()
        self._of_models = [
            DomainWarnings(
                model, sel_overflow, inform, once, given, f"models[{k}]: " if k else ""
            )
            for k, model in enumerate(models)
        ]

    def has_news(self, reports: Sequence[Report | None]) -> bool:
        """Whether a report would raise, or give a warning for the first time."""
        return any(one.has_news(report) for one, report in self._own(reports))

    def __call__(
        self, reports: Sequence[Report | None], atoms: Atoms | None = None
    ) -> None:
        """See `DomainWarnings`.

        Parameters
        ----------
        reports : by model; None: it was not evaluated
        """
        for one, report in self._own(reports):
            one(report, atoms)

    def _own(
        self, reports: Sequence[Report | None]
    ) -> Iterator[tuple[DomainWarnings, Report]]:
        """The first report, and those that say something else."""
        first = next(report for report in reports if report is not None)
        for one, report in zip(self._of_models, reports, strict=True):
            if report is None:
                continue
            if report is first or report.summary() != first.summary():
                yield one, report


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


def _one(
    report: Report, atoms: Atoms | None, kind: type[Warning]
) -> tuple[int, str] | None:
    """Number and name of the first atom that a kind of warning is about, if known."""
    if atoms is None or report.atoms is None:
        return None
    met = np.zeros(len(report.atoms.non_finite), bool)
    for values in _of_kind(report.atoms, kind):
        met |= values > 0
    if not met.any():
        return None
    number = atoms.number(int(np.argmax(met)))
    return number, atoms.name(number)


def _of_kind(report: AtomReport, kind: type[Warning]) -> list[Integers]:
    """What there is of it at each atom."""
    if kind is SelOverflowWarning:
        return [*report.sel_excess.values(), report.counts.over_table]
    if kind is ShortDistanceWarning:
        return list(report.counts.short)
    if kind is UnseenTypesWarning:
        return [report.unseen_neighbours]
    return [report.non_finite.astype(np.int64)]
