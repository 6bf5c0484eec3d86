"""From a `Model` to what the kernels run: tables, statistics, fitting nets."""

from .plan import DEFAULT_TOLERANCE, PRECISIONS, Plan, make_plan

__all__ = ["DEFAULT_TOLERANCE", "PRECISIONS", "Plan", "make_plan"]
