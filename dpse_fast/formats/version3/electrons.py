"""Electrons of the elements in their ground state, as type embeddings take them."""

from __future__ import annotations

import numpy as np
from ase.data import atomic_numbers

from ...array_types import Doubles
from ...errors import ModelFileError

# In the order of the vector, then in the order of filling.
_SUBSHELLS = (
    "1s", "2s", "2p", "3s", "3p", "3d", "4s", "4p", "4d", "4f",
    "5s", "5p", "5d", "5f", "6s", "6p", "6d", "7s", "7p",
)  # fmt: skip
_FILLING = (
    "1s", "2s", "2p", "3s", "3p", "4s", "3d", "4p", "5s", "4d",
    "5p", "6s", "4f", "5d", "6p", "7s", "5f", "6d", "7p",
)  # fmt: skip
_CAPACITY = {"s": 2, "p": 6, "d": 10, "f": 14}
# Ground states that do not follow that order (NIST Atomic Spectra Database); Lr, Ds
# and Rg, where sources differ, are as in deepmd-kit's table.
_EXCEPTIONS = {
    "Cr": "3d5 4s1", "Cu": "3d10 4s1", "Nb": "4d4 5s1", "Mo": "4d5 5s1",
    "Ru": "4d7 5s1", "Rh": "4d8 5s1", "Pd": "4d10 5s0", "Ag": "4d10 5s1",
    "La": "4f0 5d1", "Ce": "4f1 5d1", "Gd": "4f7 5d1", "Pt": "5d9 6s1",
    "Au": "5d10 6s1", "Ac": "5f0 6d1", "Th": "5f0 6d2", "Pa": "5f2 6d1",
    "U": "5f3 6d1", "Np": "5f4 6d1", "Cm": "5f7 6d1", "Ds": "6d9 7s1",
    "Rg": "6d10 7s1",
}  # fmt: skip


def electron_vector(symbol: str) -> Doubles:
    """The 118 numbers of an element: ±1/√118 by filled and empty spin states.

    Orbitals of a subshell are filled by pairs first, then by single electrons; an
    empty one gives (−, −), a single electron (−, +), a pair (+, +).

    Raises
    ------
    ModelFileError
        If there is no such element.
    """
    number = atomic_numbers.get(symbol, 0)
    if not 1 <= number <= 118:
        raise ModelFileError(
            f"{symbol[:20]!a} is no element, which a type embedding from electron "
            "configurations needs"
        )
    counts = _occupation(symbol, number)
    states: list[int] = []
    for subshell in _SUBSHELLS:
        orbitals = _CAPACITY[subshell[1]] // 2
        pairs = max(0, counts.get(subshell, 0) - orbitals)
        singles = counts.get(subshell, 0) - 2 * pairs
        states += [1, 1] * pairs + [-1, 1] * singles
        states += [-1, -1] * (orbitals - pairs - singles)
    return np.array(states, np.float64) / float(np.sqrt(len(states)))


def _occupation(symbol: str, number: int) -> dict[str, int]:
    counts, left = {}, number
    for subshell in _FILLING:
        counts[subshell] = min(left, _CAPACITY[subshell[1]])
        left -= counts[subshell]
    for item in _EXCEPTIONS.get(symbol, "").split():
        counts[item[:2]] = int(item[2:])
    return counts
