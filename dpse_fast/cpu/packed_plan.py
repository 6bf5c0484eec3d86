"""A plan as the kernels of the processors read it, packed once."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ..kernels._simd import lanes, registers
from ..kernels.layout import Place
from ..plan import Plan
from ..plan.kernel_arrays import pair_potential
from ..runtime.forks import ProcessLock
from .fitting_net import FittingNet
from .packed_descriptor import PackedDescriptor
from .shared_weights import Packed


class PackedPlan:
    """What the stages run; it does not keep the plan that it was made of.

    Attributes
    ----------
    model, dtype, geometry_dtype, species, widest, unseen : as the plan's
    descriptors : one part for each of the model's
    fitting : the compiled net of each type that the plan serves
    pair_potential : the model's pair table, or None
    """

    def __init__(self, plan: Plan) -> None:
        self.model, self.species, self.widest = plan.model, plan.species, plan.widest
        self.dtype, self.geometry_dtype = plan.dtype, plan.geometry_dtype
        self.unseen = plan.unseen
        parts = range(len(plan.forms))
        self.descriptors: tuple[PackedDescriptor, ...] = tuple(
            d.family.cpu_packed(plan, k) for k, d in enumerate(plan.model.descriptors)
        )
        shared: Packed = {}
        self.fitting = {
            c: FittingNet(net, plan.dtype, shared) for c, net in plan.nets.items()
        }
        table = plan.model.pair_table
        self.pair_potential = None if table is None else pair_potential(table)
        self._n_inputs = {c: plan.n_inputs(c) for c in plan.species}
        self._columns = {c: [plan.column(k, c) for k in parts] for c in plan.species}

    def n_inputs(self, species: int) -> int:
        """Inputs of a type's fitting net: descriptors, then parameters."""
        return self._n_inputs[species]

    def place(self, k: int, species: int) -> Place:
        """Where descriptor k stands in the inputs of this type.

        Rows have a register to spare: kernels write whole ones.
        """
        stride = (registers(self.n_inputs(species), self.dtype) + 1) * lanes(self.dtype)
        return Place(stride, self._columns[species][k])

    @property
    def table_bytes(self) -> int:
        """Memory of tables."""
        return int(sum(part.coefficients.nbytes for part in self.descriptors))

    @property
    def n_bytes(self) -> int:
        """Memory of tables and fitting nets."""
        weights = {
            id(layer.weight): layer.weight.nbytes
            for net in self.fitting.values()
            for layer in net.layers
        }
        return self.table_bytes + int(sum(weights.values()))


_packed: WeakKeyDictionary[Plan, PackedPlan] = WeakKeyDictionary()
_lock = ProcessLock()


def packed(plan: Plan) -> PackedPlan:
    """The plan packed, the same for all who ask while the plan lives."""
    with _lock.lock:
        found = _packed.get(plan)
        if found is None:
            found = _packed[plan] = PackedPlan(plan)
        return found
