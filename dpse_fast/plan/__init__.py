"""From a `Model` to what the kernels run: tables, statistics, fitting nets."""

from .plan import DEFAULT_TOLERANCE, PRECISIONS, Plan, make_plan
from .stored import StoredPlan

__all__ = ["DEFAULT_TOLERANCE", "PRECISIONS", "Plan", "StoredPlan", "make_plan"]
