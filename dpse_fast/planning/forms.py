"""Which form each descriptor of each centre type takes: found by measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..model import Model
from ..plan.domain import shortest_bond, trained_types
from ..plan.form import Form, Forms, full_form
from ..plan.nets import is_foldable
from ..plan.plan import Plan
from ..plan.tables import Table, Tables
from .cost import Costs
from .rotation import CentreRotation, Rotated
from .sampled import Sampled
from .tabulation import Tabulation

LEAST_CUT, MOST_CUT = 1e-13, 1e-3  # of the largest singular value
CUT_STEPS = 8
TABLE_SHARE = 0.2  # of the target that the tables may use
RANK_SHARE = 0.6  # and with the ranks; products may use the rest
PRUNING_STEPS = 7
LEAST_IMPORTANCE, MOST_IMPORTANCE = 1e-9, 1e-2  # of the largest product's


def full_forms(model: Model, tabulation: Tabulation, types: frozenset[int]) -> Forms:
    """Every descriptor as it is in the file, its symmetric part once."""
    return tuple(
        {c: full_form(d, is_foldable(model, c), empty[c]) for c in sorted(types)}
        for d, empty in zip(model.descriptors, tabulation.empty, strict=True)
    )


class Candidate(NamedTuple):
    """Tables and forms that were tried."""

    tables: Tables
    forms: Forms


class FormSearch:
    """Ranks and products for a force error on sampled structures.

    Centres of a type that training did not see stay as they are in the file.

    Parameters
    ----------
    levels : tables, from coarse to those that count as exact
    sampled : structures and the reference's results
    dtype : of the plan's tables: its registers decide what is less work
    """

    def __init__(
        self,
        model: Model,
        tabulation: Tabulation,
        levels: Sequence[Tables],
        types: frozenset[int],
        sampled: Sampled,
        dtype: np.dtype[Any],
    ) -> None:
        self._model, self._levels, self._sampled = model, levels, sampled
        self._tables = levels[-1]
        self._types = sorted(types)
        trained = sorted(trained_types(model, types))
        self._costs = Costs(model, trained, dtype)
        self._full = full_forms(model, tabulation, types)
        rotations = {
            (k, c): self._rotation(tabulation, k, c)
            for k, part in enumerate(self._tables)
            for c in trained
            if model.descriptors[k].family.sensitivity is not None
            and is_foldable(model, c)
            and any(pair[0] == c for pair in part)
        }
        self._rotations = {k: r for k, r in rotations.items() if not r.is_zero}

    def _rotation(self, tabulation: Tabulation, k: int, c: int) -> CentreRotation:
        model, descriptor = self._model, self._model.descriptors[k]
        start = sum(d.n_out for d in model.descriptors[:k])
        weight = model.fitting[c].layers[0].weight[start : start + descriptor.n_out]
        assert descriptor.family.sensitivity is not None
        return CentreRotation(
            descriptor,
            c,
            {t: f for (a, t), f in tabulation.functions[k].items() if a == c},
            self._costs.neighbours,
            shortest_bond(model, descriptor.rcut),
            {t: self._tables[k][c, t].origins for a, t in self._tables[k] if a == c},
            descriptor.family.sensitivity(self._sampled, descriptor, k, c, weight),
            weight,
            tabulation.empty[k][c],
        )

    def find(self, target: float) -> Candidate:
        """The cheapest forms whose force error is at most the target, eV/Å."""
        self._tables = self._coarsest(TABLE_SHARE * target)
        found = self._candidate({}, 0.0)
        rotated: dict[tuple[int, int], Rotated] = {}
        low, high = np.log([LEAST_CUT, MOST_CUT])
        for _ in range(CUT_STEPS):
            middle = 0.5 * (low + high)
            tried = {key: r.at(np.exp(middle)) for key, r in self._rotations.items()}
            other = self._candidate(tried, 0.0)
            if self._error(other) <= RANK_SHARE * target:
                found, rotated, low = other, tried, middle
            else:
                high = middle
        return self._pruned(rotated, found, target)

    def _coarsest(self, target: float) -> Tables:
        """The coarsest tables whose force error is at most the target, eV/Å."""
        low, high = 0, len(self._levels) - 1
        while low < high:
            middle = (low + high) // 2
            self._tables = self._levels[middle]
            if self._error(self._candidate({}, 0.0)) <= target:
                high = middle
            else:
                low = middle + 1
        return self._levels[low]

    def _pruned(
        self,
        rotated: Mapping[tuple[int, int], Rotated],
        found: Candidate,
        target: float,
    ) -> Candidate:
        largest = max(
            (r.importance.max(initial=0.0) for r in rotated.values()), default=0.0
        )
        if not largest:
            return found
        low, high = np.log([LEAST_IMPORTANCE, MOST_IMPORTANCE])
        for _ in range(PRUNING_STEPS):
            middle = 0.5 * (low + high)
            other = self._candidate(rotated, float(np.exp(middle)) * largest)
            if self._error(other) <= target:
                found, low = other, middle
            else:
                high = middle
        return found

    def _error(self, candidate: Candidate) -> float:
        plan = Plan(self._model, "double", candidate.tables, candidate.forms)
        return self._sampled.measure(plan).force

    def _candidate(
        self, rotated: Mapping[tuple[int, int], Rotated], threshold: float
    ) -> Candidate:
        """Rotated where that is less work, else as in the file."""
        tables: list[dict[tuple[int, int], Table]] = [{} for _ in self._tables]
        forms: list[dict[int, Form]] = [{} for _ in self._tables]
        for k, part in enumerate(self._tables):
            for c in self._types:
                own = {t: table for (a, t), table in part.items() if a == c}
                form, chosen = self._full[k][c], own
                if (k, c) in rotated:
                    turned = rotated[k, c]
                    other = turned.pruned(threshold) if threshold else turned.form
                    turned_tables = {
                        t: table.turned(turned.tables[t]) for t, table in own.items()
                    }
                    costs = self._costs.of
                    less = costs(c, other, turned_tables).weighed
                    if less < costs(c, form, own).weighed:
                        form, chosen = other, turned_tables
                forms[k][c] = form
                tables[k] |= {(c, t): table for t, table in chosen.items()}
        return Candidate(tuple(tables), tuple(forms))
