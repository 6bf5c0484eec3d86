"""The plan of a model for one precision and one tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..blas import one_blas_thread
from ..boundary import check_amount
from ..errors import AccuracyWarning, InputError, warn
from ..fitting import FittingNet
from ..kernels._simd import lanes
from ..kernels.layout import PairPotential, Switch
from ..model import Descriptor, Model, PairTable, SeE2A
from .accuracy import Accuracy, Reference
from .descriptor_plan import (
    DescriptorPlan,
    descriptor_plan,
    functions_of,
    padding_of,
)
from .domain import shortest_bond
from .jets import RadialEmbedding, switch_of
from .stored import StoredPlan, Tables
from .tables import TableBuilder, first_edges

Array = NDArray[np.floating]

PRECISIONS = {"double": np.float64, "mixed": np.float32}
DEFAULT_TOLERANCE = 1e-5  # eV/Å

EXACT = 3e-12  # of max|G|: what tol=0 converges the tables to
LOOSEST = 1e-6
CONVERGED = 1e-8  # eV/Å; a larger force error at tol=0 is said
SAFETY = 10.0  # the sampled force error stays this factor below the tolerance
SHORTEST = 0.1  # Å; tables start here


@dataclass(frozen=True, eq=False)
class Plan:
    """What the kernels run.

    Parameters
    ----------
    model : Model
    precision : "double" (all float64) or "mixed" (tables and nets float32)
    tolerance : eV/Å, asked for; 0 for converged tables
    descriptors : one part for each of the model's
    fitting : the compiled net of each type that the plan serves
    pair_potential : the kernels' form of the model's pair table, or None
    accuracy : measured against the exact nets in float64 (the tables alone)
    from_file : the tables came with the model's file
    """

    model: Model
    precision: str
    tolerance: float
    descriptors: tuple[DescriptorPlan, ...]
    fitting: Mapping[int, FittingNet]
    pair_potential: PairPotential | None
    accuracy: Accuracy
    from_file: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(PRECISIONS[self.precision])

    @property
    def n_inputs(self) -> int:
        """Inputs of a fitting net: descriptors, then parameters."""
        return self.model.n_descriptor + self.model.n_parameters

    @property
    def stride(self) -> int:
        """Numbers from one atom's inputs to the next: kernels write whole registers."""
        width = lanes(self.dtype)
        return int(-(-self.n_inputs // width) * width + width)

    @property
    def widest(self) -> int:
        """The descriptor with the longest cutoff: it sees every pair."""
        return int(np.argmax([p.descriptor.rcut for p in self.descriptors]))

    @property
    def n_bytes(self) -> int:
        """Memory of tables and fitting nets."""
        weights = {
            id(layer.weight): layer.weight.nbytes
            for net in self.fitting.values()
            for layer in net.layers
        }
        tables = sum(part.coefficients.nbytes for part in self.descriptors)
        return int(tables) + int(sum(weights.values()))

    def summary(self) -> dict[str, Any]:
        """What was chosen and measured, ready for JSON."""
        return {
            "precision": self.precision,
            "tolerance_ev_per_angstrom": self.tolerance,
            "made": "from the file" if self.from_file else "at load",
            "certificate": self.accuracy.summary(),
            "tables": [
                entry for k, _ in enumerate(self.descriptors) for entry in self._rows(k)
            ],
            "table_bytes": sum(p.coefficients.nbytes for p in self.descriptors),
            "bytes": self.n_bytes,
        }

    def _rows(self, k: int) -> list[dict[str, Any]]:
        names = self.model.type_map
        hybrid = {"descriptor": k} if len(self.descriptors) > 1 else {}
        return [
            {
                **hybrid,
                "centre": names[c],
                "neighbour": names[t],
                "intervals": table.n_intervals,
                "from_angstrom": table.shortest,
                "to_angstrom": table.cutoff,
                "relative_error": table.relative_error,
            }
            for (c, t), table in self.descriptors[k].tables.items()
        ]


def make_plan(
    model: Model,
    precision: str = "double",
    tolerance: float = DEFAULT_TOLERANCE,
    stored: StoredPlan | None = None,
    types: frozenset[int] | None = None,
) -> Plan:
    """Tabulate a model to a force tolerance.

    Parameters
    ----------
    tolerance : eV/Å
        The largest force error due to tabulation on sampled environments
        (with a factor of `SAFETY` to spare); 0 converges the tables to 3e-12
        of the embedding's size.
    stored : tables that came with the model's file
        Taken as they are if their tolerance is not above the one asked for.
    types : the types that the plan serves; None for all

    Raises
    ------
    InputError
        For a precision or tolerance that does not exist.
    """
    tolerance = check_options(precision, tolerance)
    served = frozenset(range(model.n_types)) if types is None else types
    from_file = stored is not None and stored.serves(tolerance)
    if stored is not None and from_file:
        tables, accuracy = stored.tables, stored.accuracy
    else:
        with one_blas_thread():
            tables, accuracy = _tabulate(model, tolerance, served)
    dtype = np.dtype(PRECISIONS[precision])
    offsets = np.cumsum([0, *(d.n_out for d in model.descriptors)])
    order = _input_order(model)
    packed: dict[tuple[int, ...], Array] = {}
    return Plan(
        model=model,
        precision=precision,
        tolerance=tolerance,
        descriptors=tuple(
            descriptor_plan(model, descriptor, int(offset), part, dtype, served)
            for descriptor, offset, part in zip(
                model.descriptors, offsets, tables, strict=False
            )
        ),
        fitting={
            t: FittingNet(model.fitting[t], dtype, order, packed)
            for t in sorted(served)
        },
        pair_potential=_pair_potential(model),
        accuracy=accuracy,
        from_file=from_file,
    )


def check_options(precision: str, tolerance: float) -> float:
    """The tolerance, eV/Å.

    Raises
    ------
    InputError
        For a precision or tolerance that does not exist.
    """
    if not isinstance(precision, str) or precision not in PRECISIONS:
        raise InputError(
            f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
    return check_amount(tolerance, "tol", "a force in eV/Å")


def _tabulate(
    model: Model, tolerance: float, types: frozenset[int]
) -> tuple[Tables, Accuracy]:
    functions = [functions_of(descriptor, types) for descriptor in model.descriptors]
    builders: dict[int, TableBuilder] = {}
    for descriptor, pairs in zip(model.descriptors, functions, strict=True):
        for f in pairs.values():
            builders.setdefault(id(f), _builder(model, descriptor, f))
    order = np.arange(model.n_descriptor + model.n_parameters)
    packed: dict[tuple[int, ...], Array] = {}
    nets = {
        t: FittingNet(model.fitting[t], np.float64, order, packed)
        for t in sorted(types)
    }
    padding = [padding_of(descriptor, types) for descriptor in model.descriptors]
    reference = Reference(model, functions, nets, padding)
    relative = LOOSEST if tolerance else EXACT
    while True:
        built = {}
        for key, builder in builders.items():
            builder.refine(relative)
            built[key] = builder.table()
        tables = tuple(
            {pair: built[id(f)] for pair, f in pairs.items()} for pairs in functions
        )
        accuracy = reference.measure(tables)
        wanted = tolerance / SAFETY or CONVERGED
        if accuracy.force <= wanted:
            break
        if relative <= EXACT:
            warn(
                f"tol: the tables reach a force error of {accuracy.force:.1e} eV/Å on "
                f"sampled environments, not {wanted:.1e}; the embedding is not smooth "
                "enough",
                AccuracyWarning,
            )
            break
        relative /= 10
    return tables, accuracy


def _builder(
    model: Model, descriptor: Descriptor, function: RadialEmbedding
) -> TableBuilder:
    switch = switch_of(descriptor)
    shortest = min(SHORTEST, 0.1 * switch.cutoff)
    typical = shortest_bond(model, switch.cutoff)
    edges = first_edges(shortest, switch.start, switch.cutoff)
    return TableBuilder(function, edges, function.breakpoints(shortest), typical)


def _input_order(model: Model) -> NDArray[np.int64]:
    """The kernels form D[a, m] of an SeE2A; the model's nets take D[m, a]."""
    parts: list[NDArray[np.int64]] = []
    start = 0
    for descriptor in model.descriptors:
        part = np.arange(start, start + descriptor.n_out)
        if isinstance(descriptor, SeE2A):
            shape = (descriptor.width, descriptor.axis_neuron)
            part = part.reshape(shape).T.ravel()
        parts.append(part)
        start += descriptor.n_out
    return np.concatenate([*parts, np.arange(start, start + model.n_parameters)])


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
