"""The errors that deepmd-kit's ``dp test`` states, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles, Integers
from . import Frame
from .error_statistics import ErrorSum

FORCE = "eV/Å"
UNITS = {
    "energy": "eV",
    "energy_per_atom": "eV",
    "force": FORCE,
    "virial": "eV",
    "virial_per_atom": "eV",
    "stress": "eV/Å³",
}


def units_with(type_map: Sequence[str]) -> dict[str, str]:
    """The units of all quantities, forces on the atoms of each type among them."""
    units: dict[str, str] = {}
    for name, unit in UNITS.items():
        units[name] = unit
        if name == "force":
            units |= {force_on(one): unit for one in type_map}
    return units


def force_on(name: str) -> str:
    """The quantity: forces on the atoms of a type."""
    return f"force ({name})"


def labelled_errors(
    frame: Frame, energy: float, forces: Doubles, virial: Doubles
) -> dict[str, ErrorSum]:
    """The errors of one frame, of what it has labels for.

    Parameters
    ----------
    energy : eV
    forces : (N, 3) eV/Å
    virial : (3, 3) eV
        It has labels only in frames that are periodic in three dimensions.
    """
    labels, n = frame.labels, max(frame.n_atoms, 1)
    found: dict[str, ErrorSum] = {}
    if labels.energy is not None:
        found["energy"] = _sum(energy - labels.energy)
        found["energy_per_atom"] = _sum((energy - labels.energy) / n)
    if labels.forces is not None:
        found["force"] = _sum(forces - labels.forces)
    if labels.virial is not None:
        error = virial - labels.virial
        found["virial"] = _sum(error)
        found["virial_per_atom"] = _sum(error / n)
        if frame.volume:
            found["stress"] = _sum(error / frame.volume)
    return found


def force_errors_by_type(
    frame: Frame, forces: Doubles, types: Integers, type_map: Sequence[str]
) -> dict[str, ErrorSum]:
    """The errors of the forces on the atoms of each type; none without labels.

    Parameters
    ----------
    forces : (N, 3) eV/Å
    types : (N,) indices into the type map
    """
    if frame.labels.forces is None:
        return {}
    error = forces - frame.labels.forces
    return {
        force_on(type_map[t]): _sum(error[types == t])
        for t in np.unique(types[types >= 0]).tolist()
    }


def _sum(errors: ArrayLike) -> ErrorSum:
    found = ErrorSum()
    found.add(errors, 0.0)
    return found
