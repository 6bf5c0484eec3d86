"""How far two evaluations of the same structures are apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .results import Result


@dataclass
class Agreement:
    """Differences of energy, forces and virial, gathered structure by structure."""

    n_structures: int = 0
    _found: dict[str, list[Any]] = field(
        default_factory=lambda: {"energy": [], "force": [], "virial": []}
    )

    def add(self, one: Result, other: Result) -> None:
        """Compare two results of one structure."""
        n = len(one.forces)
        self.n_structures += 1
        self._found["energy"].append(np.atleast_1d((one.energy - other.energy) / n))
        self._found["force"].append((one.forces - other.forces).ravel())
        self._found["virial"].append((one.virial - other.virial).ravel() / n)

    def summary(self) -> dict[str, Any]:
        """Largest and root mean square differences, ready for JSON."""
        units = {"energy": "ev_per_atom", "force": "ev_per_angstrom"}
        found: dict[str, Any] = {"structures": self.n_structures}
        for name, parts in self._found.items():
            values = np.concatenate(parts) if parts else np.zeros(1)
            unit = units.get(name, "ev_per_atom")
            found[f"{name}_max_{unit}"] = float(np.abs(values).max())
            found[f"{name}_rms_{unit}"] = float(np.sqrt(np.mean(values**2)))
        return found


def lines(summary: dict[str, Any], against: str) -> Iterable[str]:
    """The differences for people."""
    yield (
        f"{summary['structures']} structures against {against}: energy "
        f"{summary['energy_max_ev_per_atom']:.1e} eV/atom, forces "
        f"{summary['force_max_ev_per_angstrom']:.1e} eV/Å, virial "
        f"{summary['virial_max_ev_per_atom']:.1e} eV/atom at most"
    )
