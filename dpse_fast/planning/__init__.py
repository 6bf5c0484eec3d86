"""How a model's plan is chosen: by tolerance, precision and measured differences."""

from .make_plan import DEFAULT_TOLERANCE, make_plan
from .planner import Planner

__all__ = ["DEFAULT_TOLERANCE", "Planner", "make_plan"]
