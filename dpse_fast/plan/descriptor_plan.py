"""What the kernels need of one descriptor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cpu.aligned import aligned_zeros
from ..cpu.mixture import Mixture
from ..kernels._simd import lanes, registers
from ..kernels.layout import Channels, EnvironmentRows, Environments, Products
from ..model import Descriptor, Embedding, Model, SeE2R
from .domain import trained_distance, trusted_distance, unseen_pairs
from .form import Form
from .jets import RadialEmbedding, empty_channels, switch_of
from .tables import Table

Array = NDArray[np.floating]
Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class DescriptorPlan:
    """One descriptor in one precision.

    Parameters
    ----------
    descriptor : SeE2A or SeE2R
    tables : by (centre, neighbour); pairs with the same function share one
    forms : by centre type, how it enters the fitting net
    environments, rows : the kernels' arrays; see `Environments`, `EnvironmentRows`
    channels : where the moments of each pair are
    coefficients : (registers · 6 · lanes,) of all tables, divided by N
    mixes : by centre type, from the tables' moments to z, or None where these are z
    empty : by centre type, (G, K) what an empty slot adds to z, divided by N
    products : by centre type, the kernels' arrays of its form
    """

    descriptor: Descriptor
    tables: Mapping[Pair, Table]
    forms: Mapping[int, Form]
    environments: Environments
    rows: EnvironmentRows
    channels: Channels
    coefficients: Array
    mixes: Mapping[int, Mixture | None]
    empty: Mapping[int, Array]
    products: Mapping[int, Products]

    def n_inputs(self, species: int) -> int:
        """Inputs of the fitting net of this type that come from here."""
        return self.forms[species].n_inputs


def descriptor_plan(
    model: Model,
    descriptor: Descriptor,
    tables: Mapping[Pair, Table],
    forms: Mapping[int, Form],
    dtype: np.dtype[Any],
) -> DescriptorPlan:
    """Pack the tables and forms of a descriptor for the kernels."""
    distinct = list(dict.fromkeys(tables.values()))
    packed = _Packing(distinct, dtype)
    channels = packed.channels(descriptor, tables, forms)
    scale = 1.0 / descriptor.normalisation
    return DescriptorPlan(
        descriptor=descriptor,
        tables=tables,
        forms=forms,
        environments=_environments(model, descriptor, tables, packed),
        rows=_environment_rows(descriptor),
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


class _Packing:
    """The distinct tables of a descriptor, in whole registers, one after another."""

    def __init__(self, distinct: Sequence[Table], dtype: np.dtype[Any]) -> None:
        self.distinct, self.dtype, self.width = distinct, dtype, lanes(dtype)
        self.registers = [registers(table.width, dtype) for table in distinct]
        self.rows = np.array([table.origins.size for table in distinct], np.int64)
        sizes = self.rows * np.array(self.registers, np.int64)
        self.first_register = np.concatenate([[0], np.cumsum(sizes)])

    def index(self, table: Table) -> int:
        return next(k for k, d in enumerate(self.distinct) if d is table)

    def coefficients(self, scale: float) -> Array:
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


def _widened(values: Array, dtype: np.dtype[Any]) -> Array:
    """Zeros behind each row, up to whole registers."""
    n_rows, n = values.shape
    wide = np.zeros((n_rows, registers(n, dtype) * lanes(dtype)), dtype)
    wide[:, :n] = values
    return wide


def functions_of(
    descriptor: Descriptor, types: frozenset[int]
) -> dict[Pair, RadialEmbedding]:
    """The embedding of each pair of these types that counts.

    Equal functions are one object.
    """
    switch = switch_of(descriptor)
    known: dict[tuple[int, float, float], RadialEmbedding] = {}
    found = {}
    for c in sorted(types):
        for t in sorted(types):
            net = descriptor.embedding[c][t]
            if net is None:
                continue
            mean = float(descriptor.davg[c, t, 0])
            scale = 1.0 / float(descriptor.dstd[c, t, 0])
            if isinstance(descriptor, SeE2R) and (c, t) in descriptor.excluded:
                mean = scale = 0.0
            start = descriptor.rcut_smth
            function = RadialEmbedding(net, switch, mean, scale, start)
            found[c, t] = known.setdefault((id(net), mean, scale), function)
    return found


def padding_of(descriptor: Descriptor, types: frozenset[int]) -> Array:
    """What an empty slot adds to the sum, (T, G, M) by centre and group of slots.

    The centres are of these types; an absent neighbour type leaves its slots empty.

    G(x0)·x0 with x0 = −davg/dstd, or G(x0) for SeE2R; nothing where the pair is
    dropped.
    """
    n, groups = descriptor.n_types, descriptor.slot_group
    padding = np.zeros((n, len(descriptor.sel), descriptor.width))
    for c in sorted(types):
        for g in range(len(descriptor.sel)):
            t = groups.index(g)
            embedding: Embedding | None = descriptor.embedding[c][t]
            if descriptor.padding and (descriptor.mixed or embedding is not None):
                embedding = descriptor.padding[c]
            if embedding is None:
                continue
            x = -float(descriptor.davg[c, t, 0]) / float(descriptor.dstd[c, t, 0])
            weight = 1.0 if isinstance(descriptor, SeE2R) else x
            if weight:
                padding[c, g] = empty_channels(embedding, x) * weight
    return padding


def _environment_rows(descriptor: Descriptor) -> EnvironmentRows:
    return EnvironmentRows(
        switch=switch_of(descriptor),
        mean=descriptor.davg[..., 0].astype(np.float64),
        radial=1.0 / descriptor.dstd[..., 0].astype(np.float64),
        angular=1.0 / descriptor.dstd[..., -1].astype(np.float64),
    )


def _environments(
    model: Model,
    descriptor: Descriptor,
    tables: Mapping[Pair, Table],
    packed: _Packing,
) -> Environments:
    n = descriptor.n_types
    table_of = np.full((n, n), -1, np.int32)
    slots = np.zeros((n, n), np.int32)
    masked = frozenset() if isinstance(descriptor, SeE2R) else descriptor.excluded
    for pair, table in tables.items():
        slots[pair] = pair not in model.emptied
        if pair not in model.emptied | masked:
            table_of[pair] = packed.index(table)
    origins: list[Array] = []
    cells: list[Array] = []
    first_cell, cells_per_length, first_rows = [], [], []
    first_row = 0
    for table in packed.distinct:
        rows, per_length = table.cells()
        first_rows.append(first_row)
        first_cell.append(sum(c.size for c in cells))
        cells_per_length.append(per_length)
        cells.append(rows + first_row)
        origins.extend((table.origins, np.array([np.inf])))
        first_row += table.origins.size + 1
    return Environments(
        cutoff=switch_of(descriptor).cutoff,
        trusted=trusted_distance(model),
        trained=trained_distance(model),
        sel=np.array(descriptor.sel, np.int64),
        list_size=descriptor.list_size,
        group=np.array(descriptor.slot_group, np.int32),
        table_of=table_of,
        competes=np.ones((n, n), np.int32) if descriptor.mixed else slots,
        slots=slots,
        unseen=unseen_pairs(model),
        first_row=np.array(first_rows, np.int64),
        first_register=packed.first_register[:-1],
        registers=np.array(packed.registers, np.int64),
        shortest=np.array([table.shortest for table in packed.distinct]),
        cells_per_length=np.array(cells_per_length),
        first_cell=np.array(first_cell, np.int64),
        cells=np.concatenate([np.zeros(0), *cells]).astype(np.int32),
        origins=np.concatenate([np.zeros(0), *origins]),
    )
