"""What the kernels of every device read of a descriptor and of the pair table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..array_types import Floats, Integers
from ..kernels.layout import EnvironmentRows, Environments, PairPotential, Switch
from ..model import Descriptor, Model, PairTable
from .domain import trained_distance, trusted_distance, unseen_pairs
from .jets import switch_of
from .pair_functions import Pair
from .tables import Table

UNLIMITED = 2**40  # neighbours: more than any list has


def distinct_tables(tables: Mapping[Pair, Table]) -> list[Table]:
    """Every table once, in the order in which kernels number them."""
    return list(dict.fromkeys(tables.values()))


def environment_rows(descriptor: Descriptor) -> EnvironmentRows:
    """See `EnvironmentRows`, in float64."""
    return EnvironmentRows(
        switch=switch_of(descriptor),
        mean=descriptor.davg[..., 0].astype(np.float64),
        radial=1.0 / descriptor.dstd[..., 0].astype(np.float64),
        angular=1.0 / descriptor.dstd[..., -1].astype(np.float64),
    )


def environments(
    model: Model,
    descriptor: Descriptor,
    tables: Mapping[Pair, Table],
    first_register: Integers,
    registers: Integers,
    certified: float,
) -> Environments:
    """See `Environments`.

    Parameters
    ----------
    tables : of the pairs of types that are served
    first_register, registers : (n_tables,) int64
        Where a device put each of the `distinct_tables`, and the size of its rows.
    certified : Å, of the plan
    """
    n, distinct = descriptor.n_types, distinct_tables(tables)
    number = {id(table): k for k, table in enumerate(distinct)}
    table_of = np.full((n, n), -1, np.int32)
    slots = np.zeros((n, n), np.int32)
    for pair, table in tables.items():
        slots[pair] = pair not in model.emptied
        if pair not in model.emptied | descriptor.adding_nothing:
            table_of[pair] = number[id(table)]
    origins: list[Floats] = []
    cells: list[Floats] = []
    first_cell, cells_per_length, first_rows = [], [], []
    first_row = 0
    for table in distinct:
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
        certified=certified,
        sel=np.array(descriptor.sel, np.int64) + descriptor.keeps_all * UNLIMITED,
        list_size=descriptor.list_size,
        group=np.array(descriptor.slot_group, np.int32),
        table_of=table_of,
        competes=np.ones((n, n), np.int32) if descriptor.mixed else slots,
        slots=slots,
        unseen=unseen_pairs(model),
        first_row=np.array(first_rows, np.int64),
        first_register=first_register,
        registers=registers,
        shortest=np.array([table.shortest for table in distinct]),
        cells_per_length=np.array(cells_per_length),
        first_cell=np.array(first_cell, np.int64),
        cells=np.concatenate([np.zeros(0), *cells]).astype(np.int32),
        one_edge=np.array([np.diff(c[1:]).max() <= 1 for c in cells], np.int32),
        origins=np.concatenate([np.zeros(0), *origins]),
    )


def pair_potential(table: PairTable) -> PairPotential:
    """See `PairPotential`."""
    n = len(table.coefficients)
    excluded = np.zeros((n, n), np.int32)
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
