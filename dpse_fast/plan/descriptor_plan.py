"""What the kernels need of one descriptor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..aligned import aligned_zeros
from ..kernels._simd import lanes
from ..kernels.layout import Environments
from ..model import Descriptor, Embedding, Model, SeE2R
from .domain import trained_distance, trusted_distance, unseen_pairs
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
    offset : column of its first number in the fitting net's inputs
    tables : by (centre, neighbour); pairs with the same function share one
    environments : the kernels' arrays; see `Environments`
    coefficients : (rows · registers · 6 · lanes,) of all tables
    padding : (T · G · M,) what an empty slot adds, in the tables' precision
    n_registers : registers that hold the M channels of the embedding
    """

    descriptor: Descriptor
    offset: int
    tables: Mapping[Pair, Table]
    environments: Environments
    coefficients: Array
    padding: Array
    n_registers: int

    @property
    def scale(self) -> float:
        """1/N."""
        return 1.0 / self.descriptor.normalisation


def descriptor_plan(
    model: Model,
    descriptor: Descriptor,
    offset: int,
    tables: Mapping[Pair, Table],
    dtype: np.dtype[Any],
    types: frozenset[int],
) -> DescriptorPlan:
    """Pack the tables of a descriptor for the kernels."""
    n_registers = -(-descriptor.width // lanes(dtype))
    distinct = list(dict.fromkeys(tables.values()))
    channels = n_registers * lanes(dtype)
    empty = np.zeros((descriptor.n_types, len(descriptor.sel), channels))
    empty[..., : descriptor.width] = padding_of(descriptor, types)
    return DescriptorPlan(
        descriptor=descriptor,
        offset=offset,
        tables=tables,
        environments=_environments(model, descriptor, tables, distinct),
        coefficients=_pack(distinct, n_registers, dtype),
        padding=empty.astype(dtype).ravel(),
        n_registers=n_registers,
    )


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


def _environments(
    model: Model,
    descriptor: Descriptor,
    tables: Mapping[Pair, Table],
    distinct: list[Table],
) -> Environments:
    n = descriptor.n_types
    table_of = np.full((n, n), -1, np.int32)
    slots = np.zeros((n, n), np.int32)
    masked = frozenset() if isinstance(descriptor, SeE2R) else descriptor.excluded
    for pair, table in tables.items():
        slots[pair] = pair not in model.emptied
        if pair not in model.emptied | masked:
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
    angular = descriptor.dstd[..., -1]
    return Environments(
        switch=switch_of(descriptor),
        trusted=trusted_distance(model),
        trained=trained_distance(model),
        sel=np.array(descriptor.sel, np.int64),
        list_size=descriptor.list_size,
        group=np.array(descriptor.slot_group, np.int32),
        table_of=table_of,
        competes=np.ones((n, n), np.int32) if descriptor.mixed else slots,
        slots=slots,
        unseen=unseen_pairs(model),
        mean=descriptor.davg[..., 0].astype(np.float64),
        radial=1.0 / descriptor.dstd[..., 0].astype(np.float64),
        angular=1.0 / angular.astype(np.float64),
        shortest=np.array([table.shortest for table in distinct]),
        cells_per_length=np.array(cells_per_length),
        first_cell=np.array(first_cell, np.int64),
        cells=np.concatenate([np.zeros(0), *cells]).astype(np.int32),
        origins=np.concatenate([np.zeros(0), *origins]),
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
