"""Tables and their certificate as a file keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from .accuracy import Accuracy
from .tables import Table

Tables = tuple[dict[tuple[int, int], Table], ...]


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """The tables of a model, made before.

    Parameters
    ----------
    tables : by descriptor, by (centre, neighbour)
    tolerance : eV/Å, that they were made for; 0 for converged tables
    accuracy : measured when they were made
    """

    tables: Tables
    tolerance: float
    accuracy: Accuracy

    def serves(self, tolerance: float) -> bool:
        """Whether the tables are as good as the tolerance (eV/Å) asks."""
        return self.tolerance <= tolerance
