"""Tables, forms and certificates as a file keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .accuracy import Accuracy
from .plan import Forms, Tables


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """What was chosen for a model before.

    Parameters
    ----------
    tables : by descriptor, by (centre, neighbour)
    forms : by descriptor, by centre
    tolerance : eV/Å, that they were made for; 0 for converged tables
    certificates : by precision, measured when they were made
    made : "at load", or where they were kept
    reached : the tables are as accurate as the tolerance asks; else a warning was given
    """

    tables: Tables
    forms: Forms
    tolerance: float
    certificates: Mapping[str, Accuracy]
    made: str = "at load"
    reached: bool = True

    def serves(self, tolerance: float, precision: str) -> bool:
        """Whether the plan is as good as the tolerance (eV/Å) asks."""
        return self.tolerance <= tolerance and precision in self.certificates
