"""Table intervals, ranks and products for a tolerance, chosen by measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..model import Model
from ..plan.accuracy import Accuracy
from ..plan.domain import trained_types
from ..plan.form import Forms
from ..plan.plan import PRECISIONS, Plan, StoredPlan
from ..plan.tables import Tables
from ..runtime.blas_threads import one_blas_thread
from .forms import Candidate, FormSearch, full_forms
from .sampled import Sampled
from .tabulation import CONVERGED, Tabulation

# The force error where forms are chosen, in tolerances: the first that keeps the
# certificate within the tolerance; if none does, nothing is rotated.
SHARES = (0.33, 0.27, 0.2, 0.1, 0.03)
# The certificate is so many times the largest differences on sampled structures, of
# the plan and of rounding: other structures differ more.
MARGIN, ROUNDING_MARGIN = 3.0, 6.0
LEAST = 0.2  # of the tolerance: no force certificate is below
FINER = 1000.0  # times below the tolerance is the error of tables that count as exact

# Structures that forms are chosen on, and others that the certificate comes from.
CHOICE_SEEDS = (20181206,)
CERTIFICATE_SEEDS = tuple(range(1, 4))


def choose(
    model: Model,
    tolerance: float,
    types: frozenset[int],
    precision: str,
    certified: Sequence[str],
) -> StoredPlan:
    """Tables and forms for a precision, with certificates of several.

    Parameters
    ----------
    certified : precisions whose differences to the exact nets are measured
    """
    with one_blas_thread():
        return _Choosing(model, tolerance, types).plan(precision, certified)


class _Choosing:
    def __init__(self, model: Model, tolerance: float, types: frozenset[int]) -> None:
        self._model, self._tolerance, self._types = model, tolerance, types
        self._tabulation = Tabulation(model, types)
        self._full = full_forms(model, self._tabulation, types)
        limit = tolerance / FINER if tolerance else CONVERGED
        if tolerance:
            self._levels, self._accuracy = self._tabulation.levels(limit)
        else:
            tables, self._accuracy = self._tabulation.converged()
            self._levels = [tables]
        self._reached = self._accuracy.force <= limit
        self._reference = Plan(model, "double", self._levels[-1], self._full)
        self._others = self._sampled(CERTIFICATE_SEEDS)

    def _sampled(self, seeds: Sequence[int]) -> Sampled:
        trained = sorted(trained_types(self._model, self._types))
        return Sampled(self._model, trained, self._reference, seeds)

    def plan(self, precision: str, certified: Sequence[str]) -> StoredPlan:
        tables, forms = self._chosen(precision)
        return StoredPlan(
            tables,
            forms,
            self._tolerance,
            {name: self._certificate(name, tables, forms) for name in certified},
            reached=self._reached,
        )

    def _chosen(self, precision: str) -> Candidate:
        exact = Candidate(self._levels[-1], self._full)
        if not self._tolerance:
            return exact
        search = FormSearch(
            self._model,
            self._tabulation,
            self._levels,
            self._types,
            self._sampled(CHOICE_SEEDS),
            np.dtype(PRECISIONS[precision][0]),
        )
        for share in SHARES:
            found = search.find(share * self._tolerance)
            if self._certificate("double", *found).force <= self._tolerance:
                return found
        return exact

    def _certificate(self, precision: str, tables: Tables, forms: Forms) -> Accuracy:
        if precision == "double" and not self._tolerance:
            return self._accuracy
        plan = Plan(self._model, "double", tables, forms)
        found = self._others.measure(plan)
        certificate = self._accuracy + found.with_margin(MARGIN)
        least = max(certificate.force, LEAST * self._tolerance)
        certificate = replace(certificate, force=least)
        if precision == "double":
            return certificate
        rounding = self._others.rounding(replace(plan, precision=precision))
        return certificate + rounding.with_margin(ROUNDING_MARGIN)
