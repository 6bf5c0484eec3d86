"""What an evaluation gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SelOverflow:
    """Atoms with more neighbours of a type than the model's ``sel``.

    Parameters
    ----------
    n_atoms : how many
    types : neighbour type → atoms with too many neighbours of it
    """

    n_atoms: int
    types: dict[str, int]

    def __str__(self) -> str:
        each = ", ".join(f"{n} of {name}" for name, n in self.types.items())
        return f"{self.n_atoms} atoms have more neighbours than sel ({each})"


@dataclass(frozen=True, eq=False)
class Result:
    """What `Potential.compute` gives.

    Parameters
    ----------
    energy : eV
    forces : (N, 3) eV/Å
    virial : (3, 3) eV
        -Σ dE/dd ⊗ d as deepmd-kit's: -dE/dstrain; the stress is -virial/volume.
    atomic_energies : (N,) eV, or None
    atomic_virials : (N, 3, 3) eV, or None
        Each pair's part on its neighbour atom, as deepmd-kit's.
    sel_overflow : SelOverflow, or None where no atom has too many neighbours
    short_pairs : pairs closer than half the shortest trained distance, or 0.5 Å
    """

    energy: float
    forces: Floats
    virial: Floats
    atomic_energies: Floats | None
    atomic_virials: Floats | None
    sel_overflow: SelOverflow | None
    short_pairs: int
