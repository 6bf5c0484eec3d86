"""What an evaluation counts of what lies beyond the model's domain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..array_types import Int32s, Int64s, Integers
from ..kernels.counters import CLOSE_PAIRS, COINCIDENT, N_COUNTERS, SHORT_PAIRS
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


def with_unreduced(domain: Domain, found: Domain, rows: Int64s) -> Domain:
    """With what rows have counted that the reduced plan left out.

    Parameters
    ----------
    domain : in which these rows have counted nothing
    found : of these rows alone, numbered from 0; the unreduced plan's
    rows : (m,) of the list
    """

    def renumbered(named: int) -> int:
        """1 + a row, or 0."""
        return int(rows[named - 1]) + 1 if named else 0

    def of_atoms(values: Integers, own: Integers) -> Integers:
        whole = values.copy()
        if len(whole):
            whole[rows] = own
        return whole

    counters = []
    for before, own in zip(domain.counters, found.counters, strict=True):
        total = before + own
        coincident = renumbered(int(own[COINCIDENT]))
        total[COINCIDENT] = max(before[COINCIDENT], coincident)
        counters.append(total)
    old, new = domain.atoms, found.atoms
    marked: Int32s = np.ones(len(new.unreduced), np.int32)
    atoms = AtomCounts(
        excess=list(map(of_atoms, old.excess, new.excess)),
        close=list(map(of_atoms, old.close, new.close)),
        short=list(map(of_atoms, old.short, new.short)),
        unseen=of_atoms(old.unseen, new.unseen),
        over_table=of_atoms(old.over_table, new.over_table),
        unreduced=of_atoms(old.unreduced, marked),
    )
    return Domain(
        counters=counters,
        seen=domain.seen + found.seen,
        n_over=domain.n_over + found.n_over,
        n_over_table=domain.n_over_table + found.n_over_table,
        n_unreduced=domain.n_unreduced + len(rows),
        below_table=max(domain.below_table, renumbered(found.below_table)),
        atoms=atoms,
    )


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
