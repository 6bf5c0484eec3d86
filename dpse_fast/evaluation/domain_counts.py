"""What an evaluation counts of what lies beyond the model's domain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..array_types import Int64s, Integers
from ..kernels.counters import CLOSE_PAIRS, N_COUNTERS, SHORT_PAIRS
from ..results import AtomCounts


class Domain(NamedTuple):
    """What was met beyond the model's domain, as counted by the kernels."""

    counters: list[Int64s]  # by descriptor, see kernels.counters
    seen: Int64s  # (T, T) pairs within the longest cutoff
    n_over: int  # atoms with more neighbours than sel
    n_over_table: int  # atoms with more neighbours than the pair table's sel
    n_unreduced: int  # atoms evaluated with the unreduced plan
    below_table: int  # 1 + an atom with a neighbour below the pair table, or 0
    atoms: AtomCounts  # of the list's rows; of no rows unless asked for


def domain_of_atoms(atoms: AtomCounts, types: Integers) -> Domain:
    """What an evaluation of these atoms alone would count.

    Parameters
    ----------
    types : (N,) of the atoms

    Returns
    -------
    With only those pairs seen that the training data lack.
    """
    counters = []
    over = atoms.over_table > 0
    for excess, close, short in zip(
        atoms.excess, atoms.close, atoms.short, strict=True
    ):
        total = np.zeros(N_COUNTERS + excess.shape[1], np.int64)
        total[CLOSE_PAIRS], total[SHORT_PAIRS] = close.sum(), short.sum()
        total[N_COUNTERS:] = np.count_nonzero(excess, axis=0)
        counters.append(total)
        over = over | excess.any(axis=1)
    n_types = atoms.unseen.shape[1]
    seen = np.zeros((n_types, n_types), np.int64)
    np.add.at(seen, types, atoms.unseen)
    return Domain(
        counters=counters,
        seen=seen,
        n_over=int(np.count_nonzero(over)),
        n_over_table=int(np.count_nonzero(atoms.over_table)),
        n_unreduced=int(np.count_nonzero(atoms.unreduced)),
        below_table=0,
        atoms=atoms,
    )
