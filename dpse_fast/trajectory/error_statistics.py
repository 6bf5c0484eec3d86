"""Running errors of energies, forces and virials against a trajectory's labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import Labels

ENERGY = "energy_per_atom"
FORCES = "forces"
VIRIAL = "virial_per_atom"
UNITS = {ENERGY: "eV/atom", FORCES: "eV/Å", VIRIAL: "eV/atom"}


@dataclass
class ErrorSum:
    """Mean absolute, root mean square and largest error of values seen so far.

    Every component counts as one value.
    """

    count: int = 0
    absolute: float = 0.0
    squared: float = 0.0
    largest: float = 0.0

    def add(self, predicted: ArrayLike, reference: ArrayLike) -> None:
        error = np.abs(np.asarray(predicted) - np.asarray(reference)).reshape(-1)
        if not error.size:
            return
        self.count += error.size
        self.absolute += float(error.sum())
        self.squared += float(error @ error)
        self.largest = float(np.maximum(self.largest, error.max()))  # NaN stays

    def merge(self, other: ErrorSum) -> None:
        """Add the values that another sum has seen."""
        self.count += other.count
        self.absolute += other.absolute
        self.squared += other.squared
        self.largest = float(np.maximum(self.largest, other.largest))

    @property
    def mae(self) -> float:
        return self.absolute / self.count if self.count else 0.0

    @property
    def rmse(self) -> float:
        return math.sqrt(self.squared / self.count) if self.count else 0.0

    def summary(self) -> dict[str, float | int]:
        return {
            "mae": self.mae,
            "rmse": self.rmse,
            "max": self.largest,
            "values": self.count,
        }


@dataclass
class ErrorStatistics:
    """Errors of whole trajectories; what a frame has no label for is left out.

    Parameters
    ----------
    units : of each quantity, in the order in which they are shown
    """

    units: Mapping[str, str] = field(default_factory=lambda: UNITS)
    sums: dict[str, ErrorSum] = field(default_factory=dict)

    def add(self, errors: Mapping[str, ErrorSum]) -> None:
        """Take the errors of one frame in, or of others of the same quantities."""
        for name, of_frame in errors.items():
            self.sums.setdefault(name, ErrorSum()).merge(of_frame)

    def summary(self) -> dict[str, dict[str, float | int | str]]:
        """Statistics of each quantity that had labels."""
        return {
            name: {**self.sums[name].summary(), "unit": unit}
            for name, unit in self.units.items()
            if name in self.sums and self.sums[name].count
        }


def frame_errors(
    energy: float, forces: ArrayLike, virial: ArrayLike, labels: Labels
) -> dict[str, ErrorSum]:
    """The errors of one frame, of what it has labels for.

    Parameters
    ----------
    energy : eV
    forces : (N, 3) eV/Å
    virial : (3, 3) eV
    labels : of the same frame
    """
    n_atoms = max(len(np.asarray(forces)), 1)
    pairs: dict[str, tuple[Any, Any, int]] = {
        ENERGY: (energy, labels.energy, n_atoms),
        FORCES: (forces, labels.forces, 1),
        VIRIAL: (virial, labels.virial, n_atoms),
    }
    found = {}
    for name, (predicted, reference, divisor) in pairs.items():
        if reference is not None:
            found[name] = ErrorSum()
            found[name].add(
                np.asarray(predicted) / divisor, np.asarray(reference) / divisor
            )
    return found
