"""What one reading of a model file gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model import Model

if TYPE_CHECKING:
    from ..plan import StoredPlan


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model, and the plan that its file has beside it.

    Parameters
    ----------
    model : the model
    has_plan : the file has a plan; only our own kind can
    stored_plan : the plan; None without one, or if only the model was asked for
    """

    model: Model
    has_plan: bool = False
    stored_plan: StoredPlan | None = None
