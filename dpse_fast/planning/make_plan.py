"""From a model to a plan: one that is stored or cached, or a new one."""

from __future__ import annotations

from ..inputs.structure import check_amount
from ..model import Model
from ..plan.plan import Plan, StoredPlan, check_precision
from .cache import planned

DEFAULT_TOLERANCE = 1e-5  # eV/Å


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

        def chosen() -> StoredPlan:
            # Most starts do without: the file or the cache has a plan.
            from .choose_plan import choose

            return choose(model, tolerance, served, precision, (precision,))

        stored = planned(model, precision, tolerance, served, chosen)
    return Plan(
        model=model,
        precision=precision,
        tables=stored.tables,
        forms=stored.forms,
        tolerance=tolerance,
        certificate=stored.certificates[precision],
        made=stored.made,
        is_reduced=stored.tolerance > 0.0,
    )


def check_options(precision: str, tolerance: float) -> float:
    """The tolerance, eV/Å.

    Raises
    ------
    InputError
        For a precision or tolerance that does not exist.
    """
    check_precision(precision)
    return check_amount(tolerance, "tol", "a force in eV/Å")
