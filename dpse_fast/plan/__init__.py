"""From a `Model` to what the kernels run: tables, statistics, fitting nets."""

from .plan import DEFAULT_TOLERANCE, PRECISIONS, Plan, make_plan
from .planner import Planner
from .stored import StoredPlan

__all__ = [
    "DEFAULT_TOLERANCE",
    "PRECISIONS",
    "Plan",
    "Planner",
    "StoredPlan",
    "make_plan",
]
