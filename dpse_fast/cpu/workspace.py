"""The buffers of one worker: grown on demand, reused block after block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..array_types import Doubles, Floats, Int32s, Int64s
from ..evaluation.domain_counts import Domain
from ..kernels.counters import COINCIDENT, N_COUNTERS
from ..kernels.layout import Neighbourhood, Tally
from ..results import AtomCounts
from .aligned import own_lines
from .packed_plan import PackedPlan
from .pair_buffers import PairGradients
from .scratch import Scratch
from .stages import DescriptorStage, PairPotentialStage, descriptor_stages


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


class MemberBuffers:
    """What a worker needs for one model of a committee.

    Parameters
    ----------
    size : atoms of the largest block
    scratch : of the worker
    first : of the first model, whose stages collect the pairs of all

    Attributes
    ----------
    pair_potential : the stage of the model's pair table, or None
    """

    def __init__(
        self,
        plan: PackedPlan,
        size: int,
        scratch: Scratch,
        first: MemberBuffers | None = None,
    ) -> None:
        self.plan = plan
        others = None if first is None else first.stages
        self.stages: list[DescriptorStage] = descriptor_stages(
            plan, size, scratch, others
        )
        self.pair_potential = (
            PairPotentialStage(plan, size) if plan.pair_potential else None
        )
        widest = max(plan.place(0, c).stride for c in plan.species)
        self._scratch, self._n_inputs = scratch, size * widest
        self._shapes = {
            c: (plan.place(0, c).stride, plan.n_inputs(c)) for c in plan.species
        }
        self.fitting = {t: n.buffers(size, scratch) for t, n in plan.fitting.items()}

    def inputs(self, species: int, n_atoms: int) -> tuple[Floats, Floats]:
        """Room for the fitting nets' inputs: flat, and as (B, n_inputs) rows."""
        stride, n_inputs = self._shapes[species]
        room = self._scratch.take("inputs", self._n_inputs, self.plan.dtype)
        flat = room[: n_atoms * stride]
        return flat, flat.reshape(n_atoms, stride)[:, :n_inputs]

    @property
    def gradients(self) -> list[PairGradients]:
        """Of the last block, of every part of the energy."""
        parts = [stage.buffers.found for stage in self.stages]
        table = self.pair_potential
        return parts if table is None else [*parts, table.buffers.found]


class Workspace:
    """Buffers for blocks of at most ``size`` atoms, and a worker's counts.

    Parameters
    ----------
    plans : of models that find the same pairs; see `same_pairs`

    Attributes
    ----------
    members : by model
    slot : (n_all,) int32, all 0 between blocks; see `Touched`
    tallies : by descriptor, see `Tally`
    over : (size,) int32, 1 for the block's atoms with more neighbours than sel
    n_over : atoms with more neighbours than sel, of a descriptor or the pair table
    """

    def __init__(self, plans: Sequence[PackedPlan], size: int) -> None:
        self.size, self._plan = size, plans[0]
        scratch = Scratch()
        self.members = [MemberBuffers(plans[0], size, scratch)]
        for plan in plans[1:]:
            self.members.append(MemberBuffers(plan, size, scratch, self.members[0]))
        self.slot = np.zeros(0, np.int32)
        self.n_over = 0
        self.over = np.zeros(size, np.int32)
        n = self._plan.model.n_types
        self._nobody = np.zeros((0, n), np.int32)
        self._counts = [
            (
                own_lines(N_COUNTERS + part.environments.sel.size, np.int64),
                own_lines(n * n, np.int64).reshape(n, n),
            )
            for part in self._plan.descriptors
        ]
        self.tallies: list[Tally] = []

    @property
    def pair_potential(self) -> PairPotentialStage | None:
        """Of a model that is alone: it shares no pairs."""
        return self.members[0].pair_potential

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

    def find_pairs(
        self, hood: Neighbourhood, located: Doubles, rows: Int64s, truncate: bool
    ) -> Any:
        """Collect the pairs of a block for all models, and count what is beyond.

        Parameters
        ----------
        located : (n_all · 4,) see `locate`
        rows : (B,) of the list
        truncate : keep the nearest ``sel`` neighbours of each type

        Returns
        -------
        the share of the fitting net's energy, (B,) or 1.0
        """
        n, first = len(rows), self.members[0]
        self.over[:n] = 0
        share: Any = 1.0
        for stage, tally in zip(first.stages, self.tallies, strict=True):
            stage.environment(hood, located, rows, truncate, tally)
        if first.pair_potential is not None:
            share = first.pair_potential.environment(
                hood, located, rows, truncate, self.over, self.left_out
            )
        self.n_over += int(np.count_nonzero(self.over[:n]))
        return share


def domain_of(
    workspaces: Sequence[Workspace],
    atoms: AtomCounts,
    n_unreduced: int,
    widest: int,
) -> Domain:
    """What workers have counted together.

    Parameters
    ----------
    atoms : that they have counted into
    n_unreduced : atoms evaluated with the unreduced plans
    widest : the descriptor that sees every pair
    """
    counters = []
    for tallies in zip(*(w.tallies for w in workspaces), strict=True):
        total = np.sum([t.counters for t in tallies], axis=0)
        total[COINCIDENT] = max(t.counters[COINCIDENT] for t in tallies)
        counters.append(total)
    return Domain(
        counters=counters,
        seen=np.sum([w.tallies[widest].seen for w in workspaces], axis=0),
        n_over=sum(w.n_over for w in workspaces),
        n_over_table=sum(
            w.pair_potential.n_over if w.pair_potential else 0 for w in workspaces
        ),
        n_unreduced=n_unreduced,
        below_table=max(
            w.pair_potential.below_table if w.pair_potential else 0 for w in workspaces
        ),
        atoms=atoms,
    )
