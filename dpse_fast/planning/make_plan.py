"""From a model to a plan: table intervals, ranks and products for a tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..blas import one_blas_thread
from ..boundary import check_amount
from ..model import Model
from ..plan.cost import Choice
from ..plan.plan import PRECISIONS, Plan, check_precision, compile_plan
from ..plan.stored import StoredPlan
from .forms import FormSearch, full_forms
from .sampled import Sampled
from .tabulation import Tabulation

DEFAULT_TOLERANCE = 1e-5  # eV/Å

SAFETY = 3.0  # the force error on sampled structures is this much below the tolerance
FINER = 1000.0  # and that of the tables that count as exact so much

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
        structures; 0 converges the tables and rotates nothing.
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
        stored, choices = choose(model, tolerance, served, precision, (precision,))
        made = "at load"
    else:
        choices, made = (), "before"
    plan = compile_plan(model, precision, stored.tables, stored.forms)
    return replace(
        plan,
        tolerance=tolerance,
        certificate=stored.certificates[precision],
        choices=choices,
        made=made,
    )


def choose(
    model: Model,
    tolerance: float,
    types: frozenset[int],
    precision: str,
    certified: Sequence[str],
) -> tuple[StoredPlan, tuple[Choice, ...]]:
    """Tables and forms for a precision, with certificates of several.

    Parameters
    ----------
    certified : precisions whose differences to the exact nets are measured
    """
    with one_blas_thread():
        tabulation = Tabulation(model, types)
        full = full_forms(model, tabulation, types)
        if not tolerance:
            tables, accuracy = tabulation.converged()
            forms, choices = full, ()
            reference = compile_plan(model, "double", tables, full)
        else:
            levels, accuracy = tabulation.levels(tolerance / FINER)
            reference = compile_plan(model, "double", levels[-1], full)
        if tolerance:
            sampled = Sampled(model, sorted(types), reference, CHOICE_SEEDS)
            dtype = np.dtype(PRECISIONS[precision][0])
            search = FormSearch(model, tabulation, levels, types, sampled, dtype)
            found = search.find(tolerance / SAFETY)
            tables, forms, choices = found.tables, found.forms, found.choices
        others = Sampled(model, sorted(types), reference, CERTIFICATE_SEEDS)
        certificates = {}
        for name in certified:
            if name == "double" and not tolerance:
                certificates[name] = accuracy
                continue
            plan = compile_plan(model, name, tables, forms)
            certificates[name] = accuracy + others.measure(plan)
    return StoredPlan(tables, forms, tolerance, certificates), choices


def check_options(precision: str, tolerance: float) -> float:
    """The tolerance, eV/Å.

    Raises
    ------
    InputError
        For a precision or tolerance that does not exist.
    """
    check_precision(precision)
    return check_amount(tolerance, "tol", "a force in eV/Å")
