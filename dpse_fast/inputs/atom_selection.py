"""Checks of arguments that choose atoms, or have a vector for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array_types import Doubles, Int64s
from ..errors import InputError
from .arrays import array_of
from .structure import floats

LARGEST = 1e100  # whose squares are finite


def check_selection(value: Any, n_atoms: int) -> Int64s:
    """Indices (n,) of some of the N atoms, in the caller's order; None: of all.

    Raises
    ------
    InputError
        Unless they are distinct indices of atoms, at least one.
    """
    if value is None:
        return np.arange(n_atoms)
    expected = f"indices of some of the {n_atoms} atoms, each once"
    given = array_of(value, "atoms", expected)
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iu":
        raise InputError(
            f"atoms: expected {expected}, as integers (n,), got dtype {given.dtype} "
            f"and shape {given.shape}"
        )
    outside = (given < 0) | (given >= n_atoms)
    if outside.any():
        place = int(np.argmax(outside))
        raise InputError(
            f"atoms: expected indices from 0 to {n_atoms - 1}, got {given[place]} at "
            f"place {place}"
        )
    atoms = given.astype(np.int64)
    counts = np.bincount(atoms)
    if counts.max() > 1:
        raise InputError(
            f"atoms: expected {expected}, got {int(np.argmax(counts > 1))} several "
            "times"
        )
    return atoms


def check_vector(value: Any, n_atoms: int) -> Doubles:
    """A vector (N, 3) of finite numbers, a row for each atom.

    Raises
    ------
    InputError
        If it is not.
    """
    expected = f"an array ({n_atoms}, 3), a row for each atom"
    vector = floats(value, "vector", expected)
    if vector.shape != (n_atoms, 3):
        raise InputError(f"vector: expected shape ({n_atoms}, 3), got {vector.shape}")
    if not (np.abs(vector) < LARGEST).all():
        raise InputError(
            f"vector: expected finite numbers below {LARGEST:g}, got "
            f"{np.abs(vector).max()}"
        )
    return vector
