"""The random structures as ASE sees them."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from random_model import Structure


def as_atoms(structure: Structure, symbols: tuple[str, ...] = ("O", "H")) -> Atoms:
    return Atoms(
        np.array(symbols)[structure.types].tolist(),
        structure.positions,
        cell=structure.cell,
        pbc=structure.pbc,
    )
