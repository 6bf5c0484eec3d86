"""The plan of a model for one precision and one tolerance."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..aligned import aligned_zeros
from ..blas import one_blas_thread
from ..boundary import check_amount
from ..errors import AccuracyWarning, InputError
from ..fitting import FittingNet
from ..kernels._simd import lanes
from ..kernels.layout import Environments
from ..model import Model
from .accuracy import DEFAULT_SHORTEST, Accuracy, Reference
from .jets import RadialEmbedding, embedding_jet, switch_of
from .tables import Table, TableBuilder, first_edges

Array = NDArray[np.floating]
Pair = tuple[int, int]

PRECISIONS = {"double": np.float64, "mixed": np.float32}
DEFAULT_TOLERANCE = 1e-5  # eV/Å

EXACT = 3e-12  # of max|G|: what tol=0 converges the tables to
LOOSEST = 1e-6
CONVERGED = 1e-8  # eV/Å; a larger force error at tol=0 is said
SAFETY = 10.0  # the sampled force error stays this factor below the tolerance
SHORTEST = 0.1  # Å; tables start here
TRUSTED = 0.5  # Å, where the file states no trained minimum


@dataclass(frozen=True, eq=False)
class Plan:
    """What the kernels run.

    Parameters
    ----------
    model : Model
    precision : "double" (all float64) or "mixed" (tables and nets float32)
    tolerance : eV/Å, asked for; 0 for converged tables
    tables : by (centre, neighbour); pairs with the same function share one
    environments : the kernels' arrays; see `Environments`
    coefficients : (rows · registers · 6 · lanes,) of all tables
    padding : (T · T · M,) G(x0)·x0 of an empty slot, in the tables' precision
    n_registers : registers that hold the M channels of the embedding
    fitting : one compiled net a type
    accuracy : measured against the exact nets in float64 (the tables alone)
    """

    model: Model
    precision: str
    tolerance: float
    tables: Mapping[Pair, Table]
    environments: Environments
    coefficients: Array
    padding: Array
    n_registers: int
    fitting: tuple[FittingNet, ...]
    accuracy: Accuracy

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.coefficients.dtype

    @property
    def n_bytes(self) -> int:
        """Memory of tables and fitting nets."""
        nets = sum(layer.weight.nbytes for net in self.fitting for layer in net.layers)
        return int(self.coefficients.nbytes + nets)

    def summary(self) -> dict[str, Any]:
        """What was chosen and measured, ready for JSON."""
        names = self.model.type_map
        return {
            "precision": self.precision,
            "tolerance_ev_per_angstrom": self.tolerance,
            "table_force_error_ev_per_angstrom": self.accuracy.force,
            "table_energy_error_ev_per_atom": self.accuracy.energy,
            "sampled_environments": self.accuracy.n_environments,
            "tables": [
                {
                    "centre": names[c],
                    "neighbour": names[t],
                    "intervals": table.n_intervals,
                    "from_angstrom": table.shortest,
                    "to_angstrom": table.cutoff,
                    "relative_error": table.relative_error,
                }
                for (c, t), table in self.tables.items()
            ],
            "table_bytes": int(self.coefficients.nbytes),
            "bytes": self.n_bytes,
        }


def make_plan(
    model: Model, precision: str = "double", tolerance: float = DEFAULT_TOLERANCE
) -> Plan:
    """Tabulate a model to a force tolerance.

    Parameters
    ----------
    tolerance : eV/Å
        The largest force error due to tabulation on sampled environments
        (with a factor of `SAFETY` to spare); 0 converges the tables to 3e-12
        of the embedding's size.

    Raises
    ------
    InputError
        For a precision or tolerance that does not exist.
    """
    if not isinstance(precision, str) or precision not in PRECISIONS:
        raise InputError(
            f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
    tolerance = check_amount(tolerance, "tol", "a force in eV/Å")
    functions = _functions(model)
    with one_blas_thread():
        tables, accuracy = _tabulate(model, functions, tolerance)
    dtype = np.dtype(PRECISIONS[precision])
    n_registers = -(-model.descriptor.width // lanes(dtype))
    distinct = list(dict.fromkeys(tables.values()))
    channels = n_registers * lanes(dtype)
    padding = np.zeros((model.n_types, model.n_types, channels))
    padding[..., : model.descriptor.width] = _padding(model, functions)
    order = _input_order(model)
    return Plan(
        model=model,
        precision=precision,
        tolerance=tolerance,
        tables=tables,
        environments=_environments(model, tables, distinct),
        coefficients=_pack(distinct, n_registers, dtype),
        padding=padding.astype(dtype).ravel(),
        n_registers=n_registers,
        fitting=tuple(FittingNet(net, dtype, order) for net in model.fitting),
        accuracy=accuracy,
    )


def _functions(model: Model) -> dict[Pair, RadialEmbedding]:
    """The embedding of each pair that counts; equal functions are one object."""
    descriptor = model.descriptor
    switch = switch_of(descriptor)
    known: dict[tuple[int, float, float], RadialEmbedding] = {}
    found = {}
    for c in range(model.n_types):
        for t in range(model.n_types):
            net = descriptor.embedding[c][t]
            if net is None:
                continue
            mean = float(descriptor.davg[c, t, 0])
            scale = 1.0 / float(descriptor.dstd[c, t, 0])
            function = RadialEmbedding(net, switch, mean, scale)
            found[c, t] = known.setdefault((id(net), mean, scale), function)
    return found


def trusted_distance(model: Model) -> float:
    """Half the trained minimum, Å: closer pairs are reported."""
    return 0.5 * model.min_distance if model.min_distance else TRUSTED


def _tabulate(
    model: Model, functions: dict[Pair, RadialEmbedding], tolerance: float
) -> tuple[dict[Pair, Table], Accuracy]:
    switch = switch_of(model.descriptor)
    shortest = min(SHORTEST, 0.1 * switch.cutoff)
    typical = min(model.min_distance or DEFAULT_SHORTEST, 0.5 * switch.cutoff)
    edges = first_edges(shortest, switch.start, switch.cutoff)
    builders = {
        id(f): TableBuilder(f, edges, f.breakpoints(shortest), typical)
        for f in {id(f): f for f in functions.values()}.values()
    }
    order = np.arange(model.descriptor.n_out)
    nets = [FittingNet(net, np.float64, order) for net in model.fitting]
    reference = Reference(model, functions, nets, _padding(model, functions))
    relative = LOOSEST if tolerance else EXACT
    while True:
        built = {}
        for key, builder in builders.items():
            builder.refine(relative)
            built[key] = builder.table()
        tables = {pair: built[id(f)] for pair, f in functions.items()}
        accuracy = reference.measure(tables)
        wanted = tolerance / SAFETY or CONVERGED
        if accuracy.force <= wanted:
            break
        if relative <= EXACT:
            warnings.warn(
                f"tol: the tables reach a force error of {accuracy.force:.1e} eV/Å on "
                f"sampled environments, not {wanted:.1e}; the embedding is not smooth "
                "enough",
                AccuracyWarning,
                stacklevel=4,
            )
            break
        relative /= 10
    return tables, accuracy


def _padding(model: Model, functions: dict[Pair, RadialEmbedding]) -> Array:
    """G(x0)·x0 of an empty slot, x0 = −davg/dstd; zero for dropped pairs."""
    padding = np.zeros((model.n_types, model.n_types, model.descriptor.width))
    for (c, t), function in functions.items():
        empty = -function.mean * function.scale
        if empty:
            value = embedding_jet(function.embedding, np.array([empty]))[0][0]
            padding[c, t] = value * empty
    return padding


def _input_order(model: Model) -> NDArray[np.int64]:
    """The kernels form D[a, m]; the model's nets take D[m, a]."""
    descriptor = model.descriptor
    shape = (descriptor.width, descriptor.axis_neuron)
    return np.arange(descriptor.n_out).reshape(shape).T.ravel()


def _environments(
    model: Model, tables: dict[Pair, Table], distinct: list[Table]
) -> Environments:
    descriptor = model.descriptor
    n = model.n_types
    table_of = np.full((n, n), -1, np.int32)
    slots = np.zeros((n, n), np.int32)
    for pair, table in tables.items():
        slots[pair] = 1
        if pair not in descriptor.excluded:
            table_of[pair] = next(k for k, d in enumerate(distinct) if d is table)
    origins: list[Array] = []
    cells: list[Array] = []
    first_cell, cells_per_length = [], []
    first_row = 0
    for table in distinct:
        rows, per_length = table.cells()
        first_cell.append(sum(c.size for c in cells))
        cells_per_length.append(per_length)
        cells.append(rows + first_row)
        origins.extend((table.origins, np.array([np.inf])))
        first_row += table.origins.size + 1
    return Environments(
        switch=switch_of(descriptor),
        trusted=trusted_distance(model),
        sel=np.array(descriptor.sel, np.int64),
        table_of=table_of,
        slots=slots,
        mean=descriptor.davg[..., 0].astype(np.float64),
        radial=1.0 / descriptor.dstd[..., 0].astype(np.float64),
        angular=1.0 / descriptor.dstd[..., 1].astype(np.float64),
        shortest=np.array([table.shortest for table in distinct]),
        cells_per_length=np.array(cells_per_length),
        first_cell=np.array(first_cell, np.int64),
        cells=np.concatenate(cells).astype(np.int32),
        origins=np.concatenate(origins),
    )


def _pack(distinct: list[Table], n_registers: int, dtype: np.dtype[Any]) -> Array:
    """All tables' coefficients as ``[row, register, power, lane]``."""
    width = lanes(dtype)
    n_rows = sum(table.origins.size for table in distinct)
    packed = aligned_zeros(n_rows * n_registers * 6 * width, dtype)
    view = packed.reshape(n_rows, n_registers, 6, width)
    row = 0
    for table in distinct:
        n, _, channels = table.coefficients.shape
        full = np.zeros((n, 6, n_registers * width))
        full[..., :channels] = table.coefficients
        parts = full.reshape(n, 6, n_registers, width).transpose(0, 2, 1, 3)
        view[row : row + n] = parts
        row += n
    return packed
