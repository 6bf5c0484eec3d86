"""From a model to a plan: table intervals, ranks and products for a tolerance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..inputs.structure import check_amount
from ..model import Model
from ..plan.accuracy import Accuracy
from ..plan.domain import trained_types
from ..plan.form import Forms
from ..plan.plan import PRECISIONS, Plan, StoredPlan, check_precision
from ..plan.tables import Tables
from ..runtime.blas_threads import one_blas_thread
from .cache import planned
from .forms import Candidate, FormSearch, full_forms
from .sampled import Sampled
from .tabulation import CONVERGED, Tabulation

DEFAULT_TOLERANCE = 1e-5  # eV/Å

# The force error where forms are chosen, in tolerances: the first that keeps the
# certificate within the tolerance; if none does, nothing is rotated.
SHARES = (0.33, 0.1, 0.03)
FINER = 1000.0  # times below the tolerance is the error of tables that count as exact

# Structures that forms are chosen on, and others that the certificate comes from.
CHOICE_SEEDS = (20181206,)
CERTIFICATE_SEEDS = tuple(range(1, 4))


def make_plan(
    model: Model,
    precision: str = "double",
    tolerance: float = DEFAULT_TOLERANCE,
    stored: StoredPlan | None = None,
    types: frozenset[int] | None = None,
) -> Plan:
    """Choose tables and forms for a force tolerance, and measure what they cost.

    Parameters
    ----------
    tolerance : eV/Å
        The largest force error due to tables, rotation and pruning on sampled
        structures of the types in training; 0 converges the tables and rotates nothing.
    stored : what was chosen for the model before
        Taken as it is if its tolerance is not above the one asked for.
    types : the types that the plan serves; None for all

    Raises
    ------
    InputError
        For a precision or tolerance that does not exist.
    """
    tolerance = check_options(precision, tolerance)
    if stored is None or not stored.serves(tolerance, precision):
        served = frozenset(range(model.n_types)) if types is None else types
        stored = planned(
            model,
            precision,
            tolerance,
            served,
            lambda: choose(model, tolerance, served, precision, (precision,)),
        )
    return Plan(
        model=model,
        precision=precision,
        tables=stored.tables,
        forms=stored.forms,
        tolerance=tolerance,
        certificate=stored.certificates[precision],
        made=stored.made,
    )


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
        plan = Plan(self._model, precision, tables, forms)
        return self._accuracy + self._others.measure(plan)


def check_options(precision: str, tolerance: float) -> float:
    """The tolerance, eV/Å.

    Raises
    ------
    InputError
        For a precision or tolerance that does not exist.
    """
    check_precision(precision)
    return check_amount(tolerance, "tol", "a force in eV/Å")
