"""A plan as the kernels of a device read it, on the host."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..kernels.layout import PairPotential, Place
from ..plan import Plan
from ..plan.kernel_arrays import pair_potential
from .net_layers import padded_layers
from .packed_descriptor import PackedDescriptor
from .vectors import whole


class PackedPlan:
    """What a pipeline uploads; the twin of `dpse_fast.cpu.packed_plan.PackedPlan`.

    Attributes
    ----------
    model, dtype, geometry_dtype, species : as the plan's
    descriptors : one part for each of the model's
    fitting : the padded layers of each type's net
    pair_potential : the model's pair table for the plan's types, or None
    """

    def __init__(self, plan: Plan) -> None:
        self.model, self.species = plan.model, plan.species
        self.dtype, self.geometry_dtype = plan.dtype, plan.geometry_dtype
        parts = range(len(plan.forms))
        self.descriptors: tuple[PackedDescriptor, ...] = tuple(
            d.family.cuda_packed(plan, k) for k, d in enumerate(plan.model.descriptors)
        )
        self._strides = {c: whole(plan.n_inputs(c)) for c in plan.species}
        self._columns = {c: [plan.column(k, c) for k in parts] for c in plan.species}
        self.fitting = {
            c: padded_layers(plan.nets[c], self._strides[c]) for c in plan.species
        }
        table = plan.model.pair_table
        self.pair_potential = (
            None
            if table is None
            else restricted_potential(pair_potential(table), plan.species)
        )

    def place(self, k: int, species: int) -> Place:
        """Where descriptor k stands in the inputs of this type.

        Rows are whole vectors of four numbers.
        """
        return Place(self._strides[species], self._columns[species][k])

    @property
    def table_bytes(self) -> int:
        """Memory of tables."""
        return int(sum(part.coefficients.nbytes for part in self.descriptors))

    @property
    def n_bytes(self) -> int:
        """Memory of tables and fitting nets, these in one part (see `gemm`)."""
        item = self.dtype.itemsize
        layers = [layer for net in self.fitting.values() for layer in net]
        return self.table_bytes + sum(item * layer.weight.size for layer in layers)


def restricted_potential(
    potential: PairPotential, species: Sequence[int]
) -> PairPotential:
    """For the plan's types, with flat coefficients."""
    own = np.array(species)
    pairs = np.ix_(own, own)
    return potential._replace(
        coefficients=np.ascontiguousarray(potential.coefficients[pairs]).reshape(-1),
        excluded=np.ascontiguousarray(potential.excluded[pairs]),
        group=potential.group[own],
    )
