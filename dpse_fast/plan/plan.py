"""The plan of a model for one precision: what the kernels run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cpu.fitting_net import FittingNet
from ..errors import InputError
from ..kernels._simd import lanes, registers
from ..kernels.layout import PairPotential, Place, Switch
from ..model import Model, PairTable, SeE2A
from ..runtime.blas_threads import one_blas_thread
from .accuracy import Accuracy
from .descriptor_plan import DescriptorPlan, descriptor_plan
from .form import Form, input_order
from .tables import Table

Array = NDArray[np.floating]
Tables = tuple[Mapping[tuple[int, int], Table], ...]
Forms = tuple[Mapping[int, Form], ...]

# Of tables and nets, and of geometry and pair gradients.
PRECISIONS = {
    "double": (np.float64, np.float64),
    "mixed": (np.float32, np.float64),
    "single": (np.float32, np.float32),
}


@dataclass(frozen=True, eq=False)
class Plan:
    """What the kernels run.

    Parameters
    ----------
    model : Model
    precision : "double" (all float64), "mixed" (tables and nets float32) or "single"
        (geometry and pair gradients float32 too)
    descriptors : one part for each of the model's
    fitting : the compiled net of each type that the plan serves
    pair_potential : the kernels' form of the model's pair table, or None
    tolerance : eV/Å, asked for; 0 for converged tables
    certificate : the measured differences to the exact nets
    made : "at load", or where the tables were kept
    """

    model: Model
    precision: str
    descriptors: tuple[DescriptorPlan, ...]
    fitting: Mapping[int, FittingNet]
    pair_potential: PairPotential | None
    tolerance: float = 0.0
    certificate: Accuracy | None = None
    made: str = "at load"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of tables and nets."""
        return np.dtype(PRECISIONS[self.precision][0])

    @property
    def geometry_dtype(self) -> np.dtype[Any]:
        """Of pairs and their gradients."""
        return np.dtype(PRECISIONS[self.precision][1])

    def n_inputs(self, species: int) -> int:
        """Inputs of a type's fitting net: descriptors, then parameters."""
        return self._column(len(self.descriptors), species) + self.model.n_parameters

    def _column(self, k: int, species: int) -> int:
        return sum(part.n_inputs(species) for part in self.descriptors[:k])

    def place(self, k: int, species: int) -> Place:
        """Where descriptor k stands in the inputs of this type.

        Rows have a register to spare: kernels write whole ones.
        """
        stride = (registers(self.n_inputs(species), self.dtype) + 1) * lanes(self.dtype)
        return Place(stride, self._column(k, species))

    @property
    def widest(self) -> int:
        """The descriptor with the longest cutoff: it sees every pair."""
        return int(np.argmax([p.descriptor.rcut for p in self.descriptors]))

    @property
    def table_bytes(self) -> int:
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


def compile_plan(model: Model, precision: str, tables: Tables, forms: Forms) -> Plan:
    """Pack tables and forms of the types in ``forms`` for the kernels.

    Raises
    ------
    InputError
        For a precision that does not exist.
    """
    check_precision(precision)
    dtype = np.dtype(PRECISIONS[precision][0])
    nets = _Nets(model, forms, dtype)
    # On two threads of two busy cores water's first layers took 58 ms, on one 16 ms.
    with one_blas_thread():
        return Plan(
            model=model,
            precision=precision,
            descriptors=tuple(
                descriptor_plan(model, descriptor, part, form, dtype)
                for descriptor, part, form in zip(
                    model.descriptors, tables, forms, strict=True
                )
            ),
            fitting={t: nets.compiled(t) for t in forms[0]},
            pair_potential=_pair_potential(model),
        )


def check_precision(precision: str) -> None:
    """Raise an InputError for a precision that does not exist."""
    if not isinstance(precision, str) or precision not in PRECISIONS:
        raise InputError(
            f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}"
        )


def is_foldable(model: Model, species: int) -> bool:
    """Whether the first layer of a type's net is linear in its inputs."""
    return model.fitting[species].layers[0].skip == "none"


class _Nets:
    """The fitting nets for the forms; types with equal weights share them."""

    def __init__(self, model: Model, forms: Forms, dtype: np.dtype[Any]) -> None:
        self._model, self._forms, self._dtype = model, forms, dtype
        self._packed: dict[tuple[int, ...], Array] = {}
        self._first: dict[tuple[int, tuple[bytes, ...]], Array] = {}

    def compiled(self, species: int) -> FittingNet:
        model = self._model
        net = model.fitting[species]
        order = input_order(model.descriptors, model.n_parameters)
        if not is_foldable(model, species):
            return FittingNet(net, self._dtype, order, self._packed)
        forms = [form[species] for form in self._forms]
        weight = net.layers[0].weight
        key = (id(weight), tuple(form.key() for form in forms))
        if key not in self._first:
            self._first[key] = self._first_layer(weight, forms)
        return FittingNet(net, self._dtype, order, self._packed, self._first[key])

    def _first_layer(self, weight: Array, forms: list[Form]) -> Array:
        blocks, start = [], 0
        for descriptor, form in zip(self._model.descriptors, forms, strict=True):
            axis = descriptor.axis_neuron if isinstance(descriptor, SeE2A) else 1
            part = weight[start : start + descriptor.n_out]
            blocks.append(form.first_layer(part, axis))
            start += descriptor.n_out
        return np.concatenate([*blocks, weight[start:].astype(np.float64)])


def _pair_potential(model: Model) -> PairPotential | None:
    table: PairTable | None = model.pair_table
    if table is None:
        return None
    excluded = np.zeros((model.n_types, model.n_types), np.int32)
    for pair in table.excluded:
        excluded[pair] = 1
    return PairPotential(
        coefficients=table.coefficients.astype(np.float64),
        start=table.start,
        inverse_step=1.0 / table.step,
        end=table.end,
        switch_rcut=table.switch_rcut,
        switch=Switch(
            cutoff=table.inner + table.width,
            start=table.inner,
            inverse_width=1.0 / table.width,
            protection=0.0,
        ),
        inverse_alpha=1.0 / table.alpha,
        least_sum=table.least_sum,
        excluded=excluded,
        sel=np.array(table.sel, np.int64),
        group=np.array(table.slot_group, np.int32),
    )
