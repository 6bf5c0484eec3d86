"""The parts of the energy on a block of atoms, there and back, with their buffers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .aligned import aligned_zeros
from .kernels._simd import lanes
from .kernels.cpu.descriptors import descriptors, moment_gradients
from .kernels.cpu.environment import environments
from .kernels.cpu.forces import scatter_atomic_virials, scatter_forces
from .kernels.cpu.moments import moments, pair_gradients
from .kernels.cpu.pair_potential import (
    ENERGY,
    N_SUMS,
    WEIGHT,
    pair_potential_gradients,
    pair_potentials,
)
from .kernels.cpu.radial import radial_descriptors, radial_pair_gradients
from .kernels.layout import (
    N_GEOMETRY,
    Neighbourhood,
    PairPotential,
    Pairs,
    Place,
    Tally,
)
from .model import SeE2A
from .plan import Plan
from .plan.descriptor_plan import DescriptorPlan

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]


class PairBuffers:
    """The pairs of a block and their gradients: grown on demand."""

    def __init__(self, size: int, n_groups: int) -> None:
        self._size, self._n_groups = size, n_groups
        self._resize(0)

    def _resize(self, n_pairs: int) -> None:
        self._all = Pairs(
            first=np.zeros(self._size + 1, np.int64),
            neighbours=np.empty(n_pairs, np.int32),
            table_rows=np.empty(n_pairs, np.int32),
            geometry=np.empty((n_pairs, N_GEOMETRY)),
            counts=np.zeros((self._size, self._n_groups), np.int32),
        )
        self.gradients = np.empty((n_pairs, 3))

    def start(self, hood: Neighbourhood, rows: Ints) -> Pairs:
        """Room for a block of these rows of a list; kept as `pairs`."""
        n_listed = int((hood.first[rows + 1] - hood.first[rows]).sum())
        if n_listed > len(self.gradients):
            self._resize(n_listed + n_listed // 4)
        n = len(rows)
        self.pairs = self._all._replace(
            first=self._all.first[: n + 1], counts=self._all.counts[:n]
        )
        return self.pairs

    def scatter(
        self,
        hood: Neighbourhood,
        rows: Ints,
        forces: Floats,
        virial: Floats,
        atomic_virials: Floats,
    ) -> None:
        """Add the gradients of the block to the sums; per atom if there is room."""
        scatter_forces(hood, rows, self.pairs, self.gradients, forces, virial)
        if len(atomic_virials):
            scatter_atomic_virials(self.pairs, self.gradients, atomic_virials)


class DescriptorStage(Protocol):
    """A descriptor of the atoms of a block, and its part of the forces.

    Attributes
    ----------
    part : DescriptorPlan
    buffers : PairBuffers with dE_i/dd of the block after `backward`
    """

    part: DescriptorPlan
    buffers: PairBuffers

    def environment(
        self, hood: Neighbourhood, rows: Ints, truncate: bool, tally: Tally
    ) -> None:
        """Collect the pairs of the block."""

    def forward(self, species: int, n_atoms: int, inputs: Floats) -> None:
        """Write D into the rows of inputs, flat."""

    def backward(self, n_atoms: int, slopes: Floats) -> None:
        """dE/dD, laid out as the inputs, to dE_i/dd of the pairs."""


class _Stage:
    def __init__(self, part: DescriptorPlan, stride: int, size: int) -> None:
        self.part = part
        self.place = Place(stride, part.offset)
        self.buffers = PairBuffers(size, part.environments.sel.size)

    def environment(
        self, hood: Neighbourhood, rows: Ints, truncate: bool, tally: Tally
    ) -> None:
        pairs = self.buffers.start(hood, rows)
        environments(hood, rows, self.part.environments, truncate, pairs, tally)


class AngularStage(_Stage):
    """`SeE2A`: moments, their products, and back."""

    def __init__(self, part: DescriptorPlan, stride: int, size: int) -> None:
        super().__init__(part, stride, size)
        assert isinstance(part.descriptor, SeE2A)
        dtype = part.coefficients.dtype
        n_moments = size * 4 * part.n_registers * lanes(dtype)
        self._moments = aligned_zeros(n_moments, dtype)
        self._slopes = aligned_zeros(n_moments, dtype)
        shape = (part.descriptor.axis_neuron, part.descriptor.width)
        self._shape = (*shape, part.n_registers, self.place)

    def forward(self, species: int, n_atoms: int, inputs: Floats) -> None:
        part = self.part
        moments(
            self.buffers.pairs,
            part.environments.sel,
            species,
            part.coefficients,
            part.padding,
            part.scale,
            part.n_registers,
            self._moments,
        )
        descriptors(self._moments, n_atoms, *self._shape, inputs)

    def backward(self, n_atoms: int, slopes: Floats) -> None:
        part = self.part
        moment_gradients(self._moments, slopes, n_atoms, *self._shape, self._slopes)
        pair_gradients(
            self.buffers.pairs,
            part.coefficients,
            part.scale,
            part.n_registers,
            self._slopes,
            self.buffers.gradients,
        )


class RadialStage(_Stage):
    """`SeE2R`: sums of the embedding, and back."""

    def forward(self, species: int, n_atoms: int, inputs: Floats) -> None:
        part = self.part
        radial_descriptors(
            self.buffers.pairs,
            part.environments.sel,
            species,
            part.coefficients,
            part.padding,
            part.scale,
            part.n_registers,
            self.place,
            inputs,
        )

    def backward(self, n_atoms: int, slopes: Floats) -> None:
        part = self.part
        radial_pair_gradients(
            self.buffers.pairs,
            part.coefficients,
            part.scale,
            part.n_registers,
            self.place,
            slopes,
            self.buffers.gradients,
        )


def descriptor_stages(plan: Plan, size: int) -> list[DescriptorStage]:
    """A stage for each descriptor, for blocks of at most ``size`` atoms."""
    return [
        (AngularStage if isinstance(part.descriptor, SeE2A) else RadialStage)(
            part, plan.stride, size
        )
        for part in plan.descriptors
    ]


class PairPotentialStage:
    """The pair table, and the switch between it and the fitting net's energy.

    Attributes
    ----------
    below_table : 1 + an atom with a neighbour below the table's range, or 0
    n_over : atoms with more neighbours than the table's sel
    """

    def __init__(self, plan: Plan, size: int) -> None:
        assert plan.pair_potential is not None
        assert plan.model.pair_table is not None
        self._potential: PairPotential = plan.pair_potential
        self._bias: Floats = plan.model.pair_table.bias
        self._sums = np.zeros((size, N_SUMS))
        self.buffers = PairBuffers(size, 0)
        self.start()

    def start(self) -> None:
        """Forget what was met in the last evaluation."""
        self.below_table = self.n_over = 0

    def environment(
        self,
        hood: Neighbourhood,
        rows: Ints,
        truncate: bool,
        over: NDArray[np.int32],
    ) -> Floats:
        """1 − w of the block's atoms: the share of the fitting net's energy.

        Atoms with more neighbours than `sel` are marked in over (B,).
        """
        pairs = self.buffers.start(hood, rows)
        sums = self._sums[: len(rows)]
        below, n_over = pair_potentials(
            hood, rows, self._potential, truncate, pairs, sums, over
        )
        self.below_table = max(self.below_table, int(below))
        self.n_over += int(n_over)
        return np.asarray(1.0 - sums[:, WEIGHT])

    def energies(self, species: int, deep: Any) -> Doubles:
        """Switched energies (B,) eV; leaves the gradients in the buffers."""
        sums = self._sums[: len(deep)]
        excess = sums[:, ENERGY] + float(self._bias[species]) - deep
        pair_potential_gradients(
            self.buffers.pairs, sums, excess, self.buffers.gradients
        )
        return np.asarray(deep + sums[:, WEIGHT] * excess)
