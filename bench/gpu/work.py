"""What a step of a plan takes on a GPU, counted: operations and bytes an atom.

Counts are of the kernels in `kernels.cuda` as they are written: least bytes of memory
for arrays that are larger than the caches, so that no kernel can be faster than its
counts at the ceilings of a device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dpse_fast.cuda.packed_descriptor import PackedDescriptor
from dpse_fast.cuda.packed_plan import PackedPlan
from dpse_fast.cuda.vectors import whole
from dpse_fast.plan import Plan

from .instructions import SM_90, Instructions, Table
from .surroundings import Surroundings

GEOMETRY_FLOPS = 45  # of a pair's row of R from its difference; 70 with the slopes
SLOPE_FLOPS = 25
LISTED_FLOPS, PAIR_FLOPS = 9, 20  # differences and squares; root, row of the table
FORCE_FLOPS = 30  # of a listed pair: two sums of forces, nine of the virial
# A line of cells is 1/8 of the reach longer than its chord; nine lines at most.
CANDIDATES = 3.2  # for each listed neighbour
SORTING_BYTES = 512  # two sorts of 8-byte keys with 8-byte places, a byte a pass
FOLLOWING_BYTES = 24 + 24 + 8 + 24 + 8 + 24 + 32 + 8  # moved how far, and where to


@dataclass(frozen=True)
class Part:
    """One kernel or matrix product, an atom and step.

    Parameters
    ----------
    memory : bytes to and from memory, once each
    gathered : how many of them in no order
    cached : bytes of loads that a cache serves
    footprint : bytes that these loads go over, of all atoms
    float32, float64 : operations outside matrix products
    product : operations of matrix products
    instructions : of warps; 0 where nobody has counted them
    """

    name: str
    memory: float = 0.0
    gathered: float = 0.0
    cached: float = 0.0
    footprint: float = 0.0
    float32: float = 0.0
    float64: float = 0.0
    product: float = 0.0
    instructions: float = 0.0

    def times(self, factor: float) -> Part:
        """So many of it."""
        numbers = {
            key: factor * value
            for key, value in vars(self).items()
            if key not in ("name", "footprint")
        }
        return Part(self.name, footprint=self.footprint, **numbers)

    def plus(self, other: Part) -> Part:
        """Both, under this name."""
        numbers = {
            key: value + getattr(other, key)
            for key, value in vars(self).items()
            if key not in ("name", "footprint")
        }
        most = max(self.footprint, other.footprint)
        return Part(self.name, footprint=most, **numbers)


@dataclass(frozen=True)
class Counting:
    """How a plan is run.

    Parameters
    ----------
    gemm : see `dpse_fast.load`; float64 nets are multiplied in float64
    interval : steps from one neighbour list to the next
    deterministic : forces by reverse pairs, not by atomic additions
    instructions : of warps, as far as they are counted
    """

    gemm: str = "float32"
    interval: float = 10.0
    deterministic: bool = True
    instructions: Instructions = SM_90


def product_kind(plan: Plan, gemm: str) -> str:
    """Of the numbers that matrices are multiplied in."""
    if plan.dtype == np.float64:
        return "float64"
    return "float32" if gemm == "float32" else "tf32"


def work_of(
    plan: Plan, around: Surroundings, counting: Counting | None = None
) -> dict[str, list[Part]]:
    """Parts of each stage, for a mean atom.

    Parameters
    ----------
    around : of the plan's types, in the plan's numbers
    """
    counting = counting or Counting()
    packed = PackedPlan(plan)
    found: dict[str, dict[str, Part]] = {}
    for p, c in enumerate(plan.species):
        for stage, parts in _of_centre(plan, packed, p, c, around, counting).items():
            for part in parts:
                mine = part.times(float(around.share[p]))
                kept = found.setdefault(stage, {})
                kept[part.name] = (
                    kept[part.name].plus(mine) if part.name in kept else mine
                )
    return {stage: list(parts.values()) for stage, parts in found.items()}


def _of_centre(
    plan: Plan,
    packed: PackedPlan,
    p: int,
    c: int,
    around: Surroundings,
    counting: Counting,
) -> dict[str, list[Part]]:
    listed = float(around.listed[p].sum())
    pairs = float(around.pairs[p].sum())
    parts: dict[str, list[Part]] = {
        "neighbours": _neighbours(around, p, counting),
        "environment": [],
        "moments": [],
        "fitting": _fitting(plan, c, counting.gemm),
        "gradients": [],
        "forces": [_forces(plan, pairs, listed, counting)],
    }
    for k, part in enumerate(packed.descriptors):
        # Shorter cutoffs of a hybrid's other descriptors see fewer pairs.
        inside = (part.descriptor.rcut / plan.model.rcut) ** 3
        own = _Descriptor(
            *(plan, k, part, p, c),
            *(inside * around.pairs[p], listed, counting),
        )
        parts["environment"].append(own.environment())
        parts["moments"] += own.forward()
        parts["gradients"] += own.backward()
    return parts


def _neighbours(around: Surroundings, p: int, counting: Counting) -> list[Part]:
    listed = float(around.listed[p].sum())
    candidates = CANDIDATES * listed
    # A pair is looked for in its other atom's segment of this type.
    segments = float((around.listed[p] * around.listed[:, p]).sum())
    reverse = counting.deterministic
    build = Part(
        "build",
        memory=SORTING_BYTES
        + 2 * 32
        + 8 * listed
        + 56
        + (2 * listed if reverse else 0),
        cached=2 * 32 * candidates + 4 * segments * reverse,
        float64=2 * LISTED_FLOPS * candidates,
        instructions=counting.instructions.building.of(
            candidates,
            listed if reverse else 0.0,
            segments / max(listed, 1.0),
            len(around.share),
        ),
    )
    return [build.times(1 / counting.interval), Part("follow", memory=FOLLOWING_BYTES)]


def _forces(plan: Plan, pairs: float, listed: float, counting: Counting) -> Part:
    vector = 3 * plan.geometry_dtype.itemsize
    if not counting.deterministic:
        return Part(
            "scatter",
            memory=(4 + vector) * listed + 32 + 48,
            # Sums of neighbours close by stay in L2.
            cached=(32 + 4) * listed + 24 * pairs,
            float64=FORCE_FLOPS * listed,
        )
    return Part(
        "gather",
        memory=(4 + 2) * listed + vector * (listed + pairs) + 32 + 48,
        gathered=vector * pairs,
        cached=(32 + 4 + 8) * listed,
        float64=FORCE_FLOPS * listed,
        instructions=counting.instructions.gather.of(listed, 1),
    )


def _fitting(plan: Plan, c: int, gemm: str) -> list[Part]:
    """Products, and the passes between them; see `dpse_fast.cuda.fitting_net`."""
    item = plan.dtype.itemsize
    copies = 3 if product_kind(plan, gemm) == "tf32" and gemm == "tf32x3" else 1
    *hidden, _ = plan.nets[c].layers
    widths = [whole(plan.n_inputs(c)), *(whole(layer.n_out) for layer in hidden)]
    numbers = passes = operations = elements = 0.0
    if copies > 1:
        passes += (1 + copies) * widths[0]
    for k, layer in enumerate(hidden):
        n_in, n_out, last = widths[k], widths[k + 1], k == len(hidden) - 1
        skips = layer.skip != "none"
        keeps = not last and (
            layer.activation != "tanh" or skips or layer.idt is not None
        )
        operations += copies * 4 * n_in * n_out
        # There and back; a skip's gradient is added to.
        numbers += copies * (n_in + n_out) + n_out + n_in + (n_in if skips else 0)
        passes += n_out * (1 + skips * copies + copies + keeps)
        passes += 0 if last else n_out * (1 + (1 if keeps else copies) + copies)
        elements += n_out
    name = "float32" if item == 4 else "float64"
    between = Part("between", memory=item * passes, **{name: 40 * elements})
    return [Part("products", memory=item * numbers, product=operations), between]


class _Descriptor:
    """One descriptor's part in the stages, of a centre type."""

    def __init__(
        self,
        plan: Plan,
        k: int,
        part: PackedDescriptor,
        p: int,
        c: int,
        pairs: Any,
        listed: float,
        counting: Counting,
    ) -> None:
        species, tables = plan.species, plan.tables[k]
        self.item = plan.dtype.itemsize
        self.wide = plan.geometry_dtype.itemsize
        self.listed, self.counting = listed, counting
        counted = [float(pairs[q]) for q, t in enumerate(species)]
        with_table = [(c, t) in tables for t in species]
        self.pairs = float(np.compress(with_table, counted).sum())
        self.n_types, self.form = len(species), plan.forms[k][c]
        self.angular = part.descriptor.family.has_products
        self.streams = part.streams
        self.components = 4 if self.angular else 1
        self.channels = int(part.channels.total[p])
        self.mixed = self.angular and self.form.mix is not None
        self.columns = whole(self.form.n_channels) if self.mixed else self.channels
        own = {id(t): t for pair, t in tables.items() if pair[0] == c}
        rows = sum(table.origins.size for table in own.values())
        self.row_bytes = 6 * self.streams.width * self.item
        self.footprint = float(rows * self.row_bytes)
        self.split = 3 if counting.gemm == "tf32x3" and self.item == 4 else 1

    def _part(self, name: str, table: float, geometry: float, **more: float) -> Part:
        """A kernel over the pairs, with operations of the tables and of geometry."""
        kinds = {"float32": 0.0, "float64": 0.0}
        kinds["float32" if self.item == 4 else "float64"] += table
        kinds["float32" if self.wide == 4 else "float64"] += geometry
        cached = self.pairs * self.row_bytes
        return Part(name, cached=cached, footprint=self.footprint, **kinds, **more)

    @property
    def _pair_bytes(self) -> int:
        return 3 * self.wide + self.item + 4

    def environment(self) -> Part:
        return Part(
            "environment",
            memory=4 * self.listed
            + (2 + self._pair_bytes) * self.pairs
            + 12 * self.n_types
            + 32,
            cached=(32 + 4) * self.listed + 20 * self.pairs,
            float64=LISTED_FLOPS * self.listed + PAIR_FLOPS * self.pairs,
            instructions=self.counting.instructions.environment.of(
                self.listed, self.n_types
            ),
        )

    def forward(self) -> list[Part]:
        numbers = self.components * self.channels
        counts = self.counting.instructions.moments
        found = [
            self._part(
                "moments" if self.angular else "radial sums",
                self.pairs * self.streams.width * (10 + 2 * self.components),
                self.pairs * GEOMETRY_FLOPS,
                memory=self.pairs * self._pair_bytes + self.item * numbers,
                instructions=self._instructions(counts),
            )
        ]
        if self.mixed:
            found.append(self._mixture("mixture"))
        if self.angular:
            n = self.form.n_inputs
            memory = self.item * (4 * self.columns + n)
            found.append(Part("products", memory=memory, **self._flops(7 * n)))
        return found

    def backward(self) -> list[Part]:
        found = []
        counts = self.counting.instructions.pair_gradients
        if self.angular:
            n = self.form.n_inputs
            memory = self.item * (8 * self.columns + n)
            found.append(
                Part("product gradients", memory=memory, **self._flops(16 * n))
            )
        if self.mixed:
            found.append(self._mixture("mixture back"))
        vector = 3 * self.wide
        # Gradients are zeroed, then added to.
        moved = self.pairs * (self._pair_bytes + 2 + 2 * vector) + self.listed * vector
        found.append(
            self._part(
                "pair gradients",
                self.pairs * self.streams.width * (35 if self.angular else 20),
                self.pairs * (GEOMETRY_FLOPS + SLOPE_FLOPS),
                memory=moved + self.item * self.components * self.channels,
                instructions=self._instructions(counts),
            )
        )
        return found

    def _instructions(self, counts: Mapping[int, Table]) -> float:
        if not self.angular:
            return 0.0
        return counts[self.item].of(self.pairs, self.n_types, self.streams)

    def _flops(self, operations: float) -> dict[str, float]:
        return {"float32" if self.item == 4 else "float64": operations}

    def _mixture(self, name: str) -> Part:
        """Four rows of moments times a matrix; split in parts first with tf32x3."""
        one, other = 4.0 * self.channels, 4.0 * self.columns
        left, right = (other, one) if name.endswith("back") else (one, other)
        numbers = left + right
        if self.split > 1:
            numbers = left + 2 * self.split * left + right
        product = self.split * 2.0 * 4 * self.channels * self.columns
        return Part(name, memory=self.item * numbers, product=product)
