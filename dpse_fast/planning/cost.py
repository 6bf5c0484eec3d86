"""What a form of a descriptor costs: the ground on which a plan chooses.

Counts per atom and step, energy and forces. The rates are the share of a core's
floating-point peak that the stages reach; measured on an AVX-512 Xeon with water
(25-50-100, axis 16, 240³), docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..kernels._simd import lanes, registers
from ..model import Model
from ..plan.form import Form
from ..plan.neighbour_counts import neighbours_of
from ..plan.tables import Table

# Per number of a pair's table row: value and slope of a quintic twice, four sums, and
# the way back. Per pair: the sums across a register and the geometry.
FLOPS_PER_TABLE_NUMBER = 58
FLOPS_PER_PAIR = 250
FLOPS_PER_PRODUCT = 24
TABLE_RATE, PRODUCT_RATE, GEMM_RATE = 0.45, 0.25, 0.75
# Of an L2 cache; tables and weights beyond it are fetched from further away.
L2_BYTES = 2**21
FAR_PENALTY = 1.25


@dataclass(frozen=True)
class Cost:
    """Work per atom and step.

    Parameters
    ----------
    tables, mixing, products, fitting : floating-point operations
    table_bytes, weight_bytes : of memory that blocks go through
    """

    tables: float
    mixing: float
    products: float
    fitting: float
    table_bytes: int
    weight_bytes: int

    @property
    def flops(self) -> float:
        return self.tables + self.mixing + self.products + self.fitting

    @property
    def weighed(self) -> float:
        """Operations at the full rate that would take as long."""
        far = FAR_PENALTY if self.table_bytes > L2_BYTES else 1.0
        return (
            self.tables / TABLE_RATE * far
            + self.products / PRODUCT_RATE
            + (self.mixing + self.fitting) / GEMM_RATE
        )


class Costs:
    """The costs of forms of a model's descriptors.

    Parameters
    ----------
    model : Model
    species : the types that count
    dtype : of tables and nets
    """

    def __init__(self, model: Model, species: Sequence[int], dtype: Any) -> None:
        self._model, self._dtype = model, np.dtype(dtype)
        self.neighbours = neighbours_of(model, species)

    def of(self, species: int, form: Form, tables: Mapping[int, Table]) -> Cost:
        """Of a descriptor of one centre type, with its fitting net.

        Parameters
        ----------
        tables : of each neighbour type
        """
        shapes = {t: (table.origins.size, table.width) for t, table in tables.items()}
        return self._of(species, form, shapes)

    def unrotated(self, species: int, full: Form, tables: Mapping[int, Table]) -> Cost:
        """Of the form ``full``, with as many table rows as these have."""
        width = full.n_channels
        shapes = {t: (table.origins.size, width) for t, table in tables.items()}
        return self._of(species, full, shapes)

    def _of(
        self, species: int, form: Form, shapes: Mapping[int, tuple[int, int]]
    ) -> Cost:
        whole = {
            t: registers(channels, self._dtype) * lanes(self._dtype)
            for t, (_, channels) in shapes.items()
        }
        work = sum(
            float(self.neighbours[t]) * (FLOPS_PER_TABLE_NUMBER * n + FLOPS_PER_PAIR)
            for t, n in whole.items()
        )
        mixing = 0.0
        if form.mix is not None:
            mixing = 16.0 * sum(whole.values()) * form.n_channels
        layers = [form.n_inputs, *self._model.fitting[species].widths]
        weights = sum(a * b for a, b in pairwise(layers))
        return Cost(
            tables=work,
            mixing=mixing,
            products=float(FLOPS_PER_PRODUCT * form.n_inputs),
            fitting=4.0 * weights,
            table_bytes=sum(
                6 * self._dtype.itemsize * n * shapes[t][0] for t, n in whole.items()
            ),
            weight_bytes=self._dtype.itemsize * weights,
        )
