"""What the kernels run, compiled from a `Model`: tables, forms, fitting nets."""

from .plan import PRECISIONS, Plan, compile_plan
from .stored import StoredPlan

__all__ = ["PRECISIONS", "Plan", "StoredPlan", "compile_plan"]
