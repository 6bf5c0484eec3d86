"""The counts of an evaluation, one array on the device, read at one stroke."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..array_types import Int64s
from ..evaluation.domain_counts import Domain
from ..kernels.counters import BELOW_TABLE, N_COUNTERS, N_TABLE_COUNTERS, OVER_TABLE
from ..plan import Plan
from ..results import AtomCounts
from .device import Array, Device


class CountsRead(NamedTuple):
    """`Counts` on the host."""

    n_non_finite: int
    n_over_table: int
    below_table: int  # 1 + a row with a neighbour below the pair table, or 0
    counters: list[Int64s]  # by descriptor, see kernels.counters
    seen: list[Int64s]  # by descriptor, (P, P)

    def domain(self, plan: Plan, n_over: int, atoms: AtomCounts) -> Domain:
        """In the types of the model.

        Parameters
        ----------
        n_over : rows with more neighbours than sel
        atoms : whose ``unseen`` are (n, P) in the types of the plan
        """
        own, n_types = list(plan.species), plan.model.n_types
        seen = np.zeros((n_types, n_types), np.int64)
        seen[np.ix_(own, own)] = self.seen[plan.widest]
        unseen = np.zeros((len(atoms.unseen), n_types), np.int32)
        unseen[:, own] = atoms.unseen
        return Domain(
            counters=self.counters,
            seen=seen,
            n_over=n_over,
            n_over_table=self.n_over_table,
            n_unreduced=0,
            below_table=self.below_table,
            atoms=atoms._replace(unseen=unseen),
        )


class Counts:
    """Parts of one array of int64.

    Parameters
    ----------
    n_groups : G of each descriptor
    n_types : P

    Attributes
    ----------
    whole : all of it
    n_non_finite : (1,)
    of_table : (N_TABLE_COUNTERS,)
    counters, seen : by descriptor, (N_COUNTERS + G,) and (P, P)
    """

    def __init__(self, device: Device, n_groups: Sequence[int], n_types: int) -> None:
        self._device, self._n_types = device, n_types
        sizes = [1, N_TABLE_COUNTERS]
        for groups in n_groups:
            sizes += [N_COUNTERS + groups, n_types * n_types]
        self._bounds = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        self.whole = device.empty(self._bounds[-1], np.int64)
        self.n_non_finite, self.of_table = self._part(0), self._part(1)
        parts = [self._part(k) for k in range(2, len(sizes))]
        self.counters = parts[::2]
        square = (n_types, n_types)
        self.seen = [device.view(part, square) for part in parts[1::2]]

    def _part(self, k: int) -> Array:
        begin, end = self._bounds[k : k + 2]
        return self._device.part(self.whole, begin, end - begin)

    def read(self) -> CountsRead:
        """All counts, once all that was launched before has run."""
        whole = self._device.download(self.whole)
        parts = np.split(whole, self._bounds[1:-1])
        square = (self._n_types, self._n_types)
        return CountsRead(
            n_non_finite=int(parts[0][0]),
            n_over_table=int(parts[1][OVER_TABLE]),
            below_table=int(parts[1][BELOW_TABLE]),
            counters=parts[2::2],
            seen=[part.reshape(square) for part in parts[3::2]],
        )
