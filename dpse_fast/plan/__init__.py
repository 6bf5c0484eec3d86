"""What is evaluated, made from a `Model`: tables, forms, fitting nets."""

from .plan import PRECISIONS, Plan, StoredPlan

__all__ = ["PRECISIONS", "Plan", "StoredPlan"]
