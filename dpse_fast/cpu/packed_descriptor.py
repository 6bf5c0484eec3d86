"""A descriptor's tables and forms as the kernels of the processors read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..array_types import Floats
from ..kernels._simd import lanes, registers
from ..kernels.layout import Channels, EnvironmentRows, Environments, Products
from ..model import Descriptor
from ..plan import Plan
from ..plan.form import Form
from ..plan.kernel_arrays import distinct_tables, environment_rows, environments
from ..plan.pair_functions import Pair
from ..plan.tables import Table
from .aligned import aligned_zeros
from .mixture import Mixture


@dataclass(frozen=True, eq=False)
class PackedDescriptor:
    """One descriptor in one precision.

    Parameters
    ----------
    descriptor : of the model
    environments, rows : the kernels' arrays; see `Environments`, `EnvironmentRows`
    channels : where the moments of each pair are
    coefficients : (registers · 6 · lanes,) of all tables, divided by N
    mixes : by centre type, from the tables' moments to z, or None where these are z
    empty : by centre type, (G, K) what an empty slot adds to z, divided by N
    products : by centre type, the kernels' arrays of its form
    """

    descriptor: Descriptor
    environments: Environments
    rows: EnvironmentRows
    channels: Channels
    coefficients: Floats
    mixes: Mapping[int, Mixture | None]
    empty: Mapping[int, Floats]
    products: Mapping[int, Products]


def packed_descriptor(plan: Plan, k: int) -> PackedDescriptor:
    """Pack the tables and forms of the plan's descriptor k."""
    descriptor, dtype = plan.model.descriptors[k], plan.dtype
    tables, forms = plan.tables[k], plan.forms[k]
    packed = _PackedTables(distinct_tables(tables), dtype)
    channels = packed.channels(descriptor, tables, forms)
    scale = 1.0 / descriptor.normalisation
    return PackedDescriptor(
        descriptor=descriptor,
        environments=environments(
            plan.model,
            descriptor,
            tables,
            packed.first_register[:-1],
            np.array(packed.registers, np.int64),
            plan.certified,
        ),
        rows=environment_rows(descriptor),
        channels=channels,
        coefficients=packed.coefficients(scale),
        mixes={
            c: None if f.mix is None else packed.mix(c, f, tables, channels)
            for c, f in forms.items()
        },
        empty={c: _widened(f.empty * scale, dtype) for c, f in forms.items()},
        products={
            c: Products(f.starts, f.ends, registers(f.n_channels, dtype))
            for c, f in forms.items()
        },
    )


class _PackedTables:
    """The distinct tables of a descriptor, in whole registers, one after another."""

    def __init__(self, distinct: Sequence[Table], dtype: np.dtype[Any]) -> None:
        self.distinct, self.dtype, self.width = distinct, dtype, lanes(dtype)
        self.registers = [registers(table.width, dtype) for table in distinct]
        self.rows = np.array([table.origins.size for table in distinct], np.int64)
        sizes = self.rows * np.array(self.registers, np.int64)
        self.first_register = np.concatenate([[0], np.cumsum(sizes)])

    def index(self, table: Table) -> int:
        return next(k for k, d in enumerate(self.distinct) if d is table)

    def coefficients(self, scale: float) -> Floats:
        """``[row, register, power, lane]`` of each table."""
        size = int(self.first_register[-1]) * 6 * self.width
        packed = aligned_zeros(size, self.dtype)
        for k, (table, n) in enumerate(zip(self.distinct, self.registers, strict=True)):
            start, stop = self.first_register[k : k + 2] * 6 * self.width
            shape = (self.rows[k], 6, n, self.width)
            full = np.zeros((self.rows[k], 6, n * self.width))
            full[..., : table.width] = table.coefficients * scale
            parts = full.reshape(shape).transpose(0, 2, 1, 3)
            packed[start:stop] = parts.reshape(-1)
        return packed

    def channels(
        self,
        descriptor: Descriptor,
        tables: Mapping[Pair, Table],
        forms: Mapping[int, Form],
    ) -> Channels:
        """Neighbour types side by side where they are mixed, else on one place."""
        n = descriptor.n_types
        found = Channels(*(np.zeros(shape, np.int64) for shape in ((n, n), (n, n), n)))
        for c, form in forms.items():
            total = 0
            for t in range(n):
                if (c, t) not in tables:
                    continue
                count = self.registers[self.index(tables[c, t])]
                found.start[c, t] = total if form.mix is not None else 0
                found.count[c, t] = count
                total = total + count if form.mix is not None else count
            found.total[c] = total or registers(form.n_channels, self.dtype)
        return found

    def mix(
        self,
        centre: int,
        form: Form,
        tables: Mapping[Pair, Table],
        channels: Channels,
    ) -> Mixture:
        """The form's matrix in the kernels' places."""
        assert form.mix is not None
        columns = registers(form.n_channels, self.dtype) * self.width
        full = np.zeros((channels.total[centre] * self.width, columns))
        row = 0
        for t in range(channels.count.shape[0]):
            if (centre, t) in tables:
                width = tables[centre, t].width
                at = channels.start[centre, t] * self.width
                full[at : at + width, : form.n_channels] = form.mix[row : row + width]
                row += width
        return Mixture(full.astype(self.dtype))


def _widened(values: Floats, dtype: np.dtype[Any]) -> Floats:
    """Zeros behind each row, up to whole registers."""
    n_rows, n = values.shape
    wide = np.zeros((n_rows, registers(n, dtype) * lanes(dtype)), dtype)
    wide[:, :n] = values
    return wide
