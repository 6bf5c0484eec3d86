"""The parts of the energy on a block of atoms, there and back, with their buffers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..array_types import Doubles, Floats, Int32s, Int64s, Integers
from ..kernels._simd import lanes
from ..kernels.counters import BELOW_TABLE, N_TABLE_COUNTERS, OVER_TABLE
from ..kernels.cpu.environment import environments
from ..kernels.cpu.moments import moments
from ..kernels.cpu.pair_gradients import pair_gradients
from ..kernels.cpu.pair_potential import pair_potential_gradients, pair_potentials
from ..kernels.cpu.products import add_empty_slots, product_gradients, products
from ..kernels.cpu.radial import radial_pair_gradients, radial_sums
from ..kernels.cpu.table_places import find_places
from ..kernels.layout import (
    ENERGY,
    N_KEPT,
    N_SUMS,
    SHARE,
    WEIGHT,
    Neighbourhood,
    PairPotential,
    Pairs,
    Tally,
)
from .packed_plan import PackedPlan
from .pair_buffers import PairBuffers, TablePlaces
from .scratch import Scratch
from .shared_pairs import same_places


class DescriptorStage(ABC):
    """A descriptor of the atoms of a block, and its part of the forces.

    Parameters
    ----------
    k : which of the plan's descriptors
    size : centres of the largest block
    scratch : of the worker
    first : the stage of another model, which collects the same pairs for this one too

    Attributes
    ----------
    part : PackedDescriptor
    pairs : of the block, with the rows of this model's tables
    buffers : PairBuffers with dE_i/dd of the block after `backward`
    """

    pairs: Pairs

    def __init__(
        self,
        plan: PackedPlan,
        k: int,
        size: int,
        scratch: Scratch,
        first: DescriptorStage | None = None,
    ) -> None:
        self.part = plan.descriptors[k]
        self.places = {c: plan.place(k, c) for c in plan.species}
        self._scratch, self._first = scratch, first
        self._own_places: TablePlaces | None = None
        if first is None:
            n_types, n_groups = plan.model.n_types, self.part.environments.sel.size
            self.buffers = PairBuffers(
                size, n_types, n_groups, plan.dtype, plan.geometry_dtype
            )
        else:
            self.buffers = first.buffers
            if not same_places(self.part, first.part):
                self._own_places = TablePlaces(plan.dtype)

    def environment(
        self,
        hood: Neighbourhood,
        located: Doubles,
        rows: Int64s,
        truncate: bool,
        tally: Tally,
    ) -> None:
        """Collect the pairs of the block."""
        self.pairs = self.buffers.start(hood, rows)
        env = self.part.environments
        environments(hood, located, rows, env, truncate, self.pairs, tally)

    def take_pairs(self, species: int) -> None:
        """Take the pairs that the first model's stage has collected."""
        if self._first is None:
            return
        self.pairs = self._first.pairs
        if self._own_places is not None:
            self.pairs = self._own_places.of(self.pairs)
            find_places(self.pairs, species, self.part.environments)

    @abstractmethod
    def forward(self, species: int, n_atoms: int, inputs: Floats) -> None:
        """Write the net's inputs into the rows of inputs, flat."""

    @abstractmethod
    def backward(self, species: int, n_atoms: int, slopes: Floats) -> None:
        """dE by the inputs, laid out as these, to dE_i/dd of the pairs."""


class AngularStage(DescriptorStage):
    """For products: moments, their mixture and its products, and back."""

    def __init__(
        self,
        plan: PackedPlan,
        k: int,
        size: int,
        scratch: Scratch,
        first: DescriptorStage | None = None,
    ) -> None:
        super().__init__(plan, k, size, scratch, first)
        part, register = self.part, lanes(plan.dtype)
        n_moments = size * 4 * int(part.channels.total.max()) * register
        n_mixed = max(4 * size * empty.shape[1] for empty in part.empty.values())
        self._k, self._dtype = k, plan.dtype
        self._n_moments, self._n_mixed = n_moments + register, n_mixed + register

    def _array(self, name: str, size: int) -> Floats:
        """Of this descriptor; models of a committee use one after another."""
        return self._scratch.take(f"{name} {self._k}", size, self._dtype)

    @property
    def _moments(self) -> Floats:
        return self._array("moments", self._n_moments)

    @property
    def _slopes(self) -> Floats:
        return self._array("slopes", self._n_moments)

    def _mixed_of(self, species: int) -> tuple[Floats, Floats]:
        """z and dE/dz: of the moments themselves where nothing is mixed."""
        if self.part.mixes[species] is None:
            return self._moments, self._slopes
        return (
            self._array("mixed", self._n_mixed),
            self._array("mixed slopes", self._n_mixed),
        )

    def moments(self, species: int, n_atoms: int) -> Floats:
        """T of the last block, (B, 4, M), of a descriptor that is not rotated."""
        channels = self.part.products[species].registers * lanes(self._moments.dtype)
        z = self._moments[: n_atoms * 4 * channels].reshape(n_atoms, 4, channels)
        return z[..., : self.part.descriptor.width].copy()

    def forward(self, species: int, n_atoms: int, inputs: Floats) -> None:
        part, pairs = self.part, self.pairs
        moments(
            pairs,
            species,
            part.rows,
            part.channels,
            part.coefficients,
            self._moments,
        )
        mix, (z, _) = part.mixes[species], self._mixed_of(species)
        if mix is not None:
            mix.forward(4 * n_atoms, self._moments, z)
        empty = part.empty[species]
        if empty.any():
            add_empty_slots(pairs, part.environments.sel, empty, z)
        products(z, n_atoms, part.products[species], self.places[species], inputs)

    def backward(self, species: int, n_atoms: int, slopes: Floats) -> None:
        part, mix = self.part, self.part.mixes[species]
        z, z_slopes = self._mixed_of(species)
        form, place = part.products[species], self.places[species]
        product_gradients(z, slopes, n_atoms, form, place, z_slopes)
        if mix is not None:
            mix.backward(4 * n_atoms, z_slopes, self._slopes)
        pair_gradients(
            self.pairs,
            species,
            part.rows,
            part.channels,
            part.coefficients,
            self._slopes,
            self.buffers.gradients,
        )


class RadialStage(DescriptorStage):
    """For sums: sums of the embedding, and back."""

    def forward(self, species: int, n_atoms: int, inputs: Floats) -> None:
        part = self.part
        radial_sums(
            self.pairs,
            species,
            part.channels,
            part.environments.sel,
            part.empty[species],
            part.coefficients,
            self.places[species],
            inputs,
        )

    def backward(self, species: int, n_atoms: int, slopes: Floats) -> None:
        part = self.part
        radial_pair_gradients(
            self.pairs,
            species,
            part.channels,
            part.coefficients,
            self.places[species],
            slopes,
            self.buffers.gradients,
        )


def descriptor_stages(
    plan: PackedPlan,
    size: int,
    scratch: Scratch,
    first: Sequence[DescriptorStage] | None = None,
) -> list[DescriptorStage]:
    """A stage for each descriptor, for blocks of at most ``size`` atoms.

    Parameters
    ----------
    first : the stages of another model with the same pairs, which collect them
    """
    return [
        part.descriptor.family.cpu_stage(
            plan, k, size, scratch, None if first is None else first[k]
        )
        for k, part in enumerate(plan.descriptors)
    ]


class PairPotentialStage:
    """The pair table, and the switch between it and the fitting net's energy.

    Attributes
    ----------
    below_table : 1 + an atom with a neighbour below the table's range, or 0
    n_over : atoms with more neighbours than the table's sel
    """

    def __init__(self, plan: PackedPlan, size: int) -> None:
        assert plan.pair_potential is not None
        assert plan.model.pair_table is not None
        self._potential: PairPotential = plan.pair_potential
        self._bias: Floats = plan.model.pair_table.bias
        self._sums = np.zeros((size, N_SUMS))
        self.buffers = PairBuffers(size, 1, 0, np.float64, np.float64)
        self._kept = np.empty((N_KEPT, 0))
        self._counters = np.zeros(N_TABLE_COUNTERS, np.int64)
        self.start(np.zeros(0, np.int32))

    def start(self, over_table: Integers) -> None:
        """Forget what was met in the last evaluation.

        Parameters
        ----------
        over_table : (n_rows,) 1 where an atom has more neighbours than the table's
            sel, modified by each block; or (0,)
        """
        self._counters.fill(0)
        self._over_table = over_table

    @property
    def below_table(self) -> int:
        return int(self._counters[BELOW_TABLE])

    @property
    def n_over(self) -> int:
        return int(self._counters[OVER_TABLE])

    def environment(
        self,
        hood: Neighbourhood,
        located: Doubles,
        rows: Int64s,
        truncate: bool,
        over: Int32s,
        left_out: Int32s,
    ) -> Floats:
        """1 − w of the block's atoms: the share of the fitting net's energy.

        Atoms with more neighbours than `sel` are marked in over (B,); those marked in
        left_out (n_rows,) get no pairs.
        """
        pairs = self.buffers.start(hood, rows)
        if self._kept.shape[1] < self.buffers.capacity:
            self._kept = np.empty((N_KEPT, self.buffers.capacity))
        sums = self._sums[: len(rows)]
        pair_potentials(
            hood,
            located,
            rows,
            self._potential,
            truncate,
            pairs,
            self._kept,
            sums,
            self._counters,
            over,
            self._over_table,
            left_out,
        )
        return np.asarray(sums[:, SHARE])

    def energies(self, species: int, deep: Any) -> Doubles:
        """Switched energies (B,) eV; leaves the gradients in the buffers."""
        sums = self._sums[: len(deep)]
        excess = sums[:, ENERGY] + float(self._bias[species]) - deep
        pair_potential_gradients(
            self.buffers.pairs, self._kept, sums, excess, self.buffers.gradients
        )
        return np.asarray(deep + sums[:, WEIGHT] * excess)
