"""The buffers of one worker: grown on demand, reused block after block."""

from __future__ import annotations

import numpy as np

from ..array_types import Floats, Int32s, Int64s
from ..kernels.counters import N_COUNTERS
from ..kernels.cpu.forces import list_gradients
from ..kernels.layout import Neighbourhood, Tally
from ..results import AtomCounts
from .aligned import aligned_zeros, own_lines
from .packed_plan import PackedPlan
from .stages import (
    DescriptorStage,
    PairBuffers,
    PairPotentialStage,
    descriptor_stages,
)


def atom_counts(plan: PackedPlan, n_rows: int) -> AtomCounts:
    """Zeros for rows of a list; none are counted where there are no rows."""

    def zeros(*shape: int) -> Int32s:
        return np.zeros((n_rows, *shape), np.int32)

    return AtomCounts(
        excess=[zeros(part.environments.sel.size) for part in plan.descriptors],
        close=[zeros() for _ in plan.descriptors],
        short=[zeros() for _ in plan.descriptors],
        unseen=zeros(plan.model.n_types),
        over_table=zeros(),
        unreduced=zeros(),
    )


class Workspace:
    """Buffers for blocks of at most ``size`` atoms, and a worker's counts.

    Attributes
    ----------
    slot : (n_all,) int32, all 0 between blocks; see `Touched`
    tallies : by descriptor, see `Tally`
    over : (size,) int32, 1 for the block's atoms with more neighbours than sel
    n_over : atoms with more neighbours than sel, of a descriptor or the pair table
    """

    def __init__(self, plan: PackedPlan, size: int) -> None:
        self.size, self._plan = size, plan
        self.stages: list[DescriptorStage] = descriptor_stages(plan, size)
        self.pair_potential = (
            PairPotentialStage(plan, size) if plan.pair_potential else None
        )
        widest = max(plan.place(0, c).stride for c in plan.species)
        self.inputs = aligned_zeros(size * widest, plan.dtype)
        self._shapes = {
            c: (plan.place(0, c).stride, plan.n_inputs(c)) for c in plan.species
        }
        self.fitting = {t: net.buffers(size) for t, net in plan.fitting.items()}
        self.slot = np.zeros(0, np.int32)
        self.n_over = 0
        self.over = np.zeros(size, np.int32)
        n = plan.model.n_types
        self._nobody = np.zeros((0, n), np.int32)
        self._counts = [
            (
                own_lines(N_COUNTERS + part.environments.sel.size, np.int64),
                own_lines(n * n, np.int64).reshape(n, n),
            )
            for part in plan.descriptors
        ]
        self.tallies: list[Tally] = []

    @property
    def pair_buffers(self) -> list[PairBuffers]:
        """Of every part of the energy."""
        parts = [stage.buffers for stage in self.stages]
        return [*parts, *([self.pair_potential.buffers] if self.pair_potential else [])]

    def start(self, n_all: int, atoms: AtomCounts, left_out: Int32s) -> None:
        """Forget the counts of the last evaluation.

        Parameters
        ----------
        left_out : (n_rows,) where centres are marked that the plan does not serve;
            (0,): it serves all
        """
        if len(self.slot) != n_all:
            self.slot = np.zeros(n_all, np.int32)
        for total in (array for pair in self._counts for array in pair):
            total.fill(0)
        self.n_over, self.left_out = 0, left_out
        if self.pair_potential is not None:
            self.pair_potential.start(atoms.over_table)
        self.tallies = []
        for k, (counters, seen) in enumerate(self._counts):
            # The widest descriptor sees every pair of types.
            widest = k == self._plan.widest
            self.tallies.append(
                Tally(
                    counters=counters,
                    seen=seen,
                    over=self.over,
                    excess=atoms.excess[k],
                    close=atoms.close[k],
                    short=atoms.short[k],
                    unseen=atoms.unseen if widest else self._nobody,
                    left_out=left_out,
                )
            )

    def begin_block(self, species: int, n_atoms: int) -> tuple[Floats, Floats]:
        """The fitting nets' inputs: flat, and as (B, n_inputs) rows."""
        self.over[:n_atoms] = 0
        stride, n_inputs = self._shapes[species]
        flat = self.inputs[: n_atoms * stride]
        return flat, flat.reshape(n_atoms, stride)[:, :n_inputs]

    def count_overflow(self, n_atoms: int) -> None:
        """Add the block's atoms with too many neighbours to `n_over`."""
        self.n_over += int(np.count_nonzero(self.over[:n_atoms]))

    def list_gradients(self, hood: Neighbourhood, rows: Int64s, listed: Floats) -> None:
        """Add the pair gradients of the last block, of these rows, to (n_list, 3)."""
        for part in self.pair_buffers:
            list_gradients(hood, rows, part.pairs, part.gradients, listed)
