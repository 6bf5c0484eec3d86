"""What a form of a descriptor costs: the ground on which a plan chooses.

Counts per atom and step, energy and forces. The rates are the share of a core's
floating-point peak that the stages reach; measured on an AVX-512 Xeon with water
(25-50-100, axis 16, 240³), docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .form import Form

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


@dataclass(frozen=True)
class Choice:
    """What was chosen for a descriptor of a centre type, and what it saves.

    Parameters
    ----------
    descriptor, species : which
    ranks : channels of the table of each neighbour type, by its number
    form : what was chosen
    width : channels of the embedding
    cost, full_cost : of it, and of the descriptor as it is
    """

    descriptor: int
    species: int
    ranks: dict[int, int]
    form: Form
    width: int
    cost: Cost
    full_cost: Cost

    def summary(self, type_map: tuple[str, ...]) -> dict[str, Any]:
        """Ready for JSON."""
        rotated = self.cost is not self.full_cost
        return {
            "descriptor": self.descriptor,
            "centre": type_map[self.species],
            "chosen": "rotated" if rotated else "as in the file, symmetric part once",
            "because": "less work at the same tolerance"
            if rotated
            else "no rotation within the tolerance is less work",
            "embedding_channels": self.width,
            "table_channels": {type_map[t]: n for t, n in self.ranks.items()},
            "mixed_channels": self.form.n_channels,
            "inputs": self.form.n_inputs,
            "flops_per_atom": round(self.cost.flops),
            "flops_per_atom_unrotated": round(self.full_cost.flops),
            "table_bytes": self.cost.table_bytes,
            "weight_bytes": self.cost.weight_bytes,
        }


def cost_of(
    form: Form,
    tables: Sequence[tuple[int, int, float]],
    widths: Sequence[int],
    lanes: int,
) -> Cost:
    """The cost of one descriptor of one centre type with its fitting net.

    Parameters
    ----------
    tables : of each neighbour type: rows, channels, neighbours of an atom
    widths : of the fitting net's layers
    lanes : numbers in a register
    """
    item = 64 // lanes
    whole = [-(-channels // lanes) * lanes for _, channels, _ in tables]
    counts = [count for _, _, count in tables]
    work = sum(
        count * (FLOPS_PER_TABLE_NUMBER * n + FLOPS_PER_PAIR)
        for n, count in zip(whole, counts, strict=True)
    )
    mixing = 0.0
    if form.mix is not None:
        mixing = 16.0 * sum(whole) * form.n_channels
    layers = [form.n_inputs, *widths]
    weights = sum(a * b for a, b in zip(layers, layers[1:], strict=False))
    return Cost(
        tables=work,
        mixing=mixing,
        products=float(FLOPS_PER_PRODUCT * form.n_inputs),
        fitting=4.0 * weights,
        table_bytes=sum(
            6 * item * n * rows for n, (rows, _, _) in zip(whole, tables, strict=True)
        ),
        weight_bytes=item * weights,
    )
