"""The buffers of one worker: grown on demand, reused block after block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .aligned import aligned_zeros
from .kernels._simd import lanes
from .kernels.cpu.environment import N_COUNTERS
from .kernels.layout import N_GEOMETRY, Pairs
from .plan import Plan

Floats = NDArray[np.floating]


class Workspace:
    """Buffers for blocks of at most ``size`` atoms, and a worker's sums.

    Attributes
    ----------
    forces : (n_all, 3) eV/Å; virial (3, 3) eV; atomic_virials (n_all, 3, 3) eV
        Sums over the blocks that this worker did.
    counters : int64, see `kernels.cpu.environment`
    """

    def __init__(self, plan: Plan, size: int) -> None:
        descriptor, dtype = plan.model.descriptor, plan.dtype
        self.size = size
        self.n_types = plan.model.n_types
        n_moments = size * 4 * plan.n_registers * lanes(dtype)
        self.moments = aligned_zeros(n_moments, dtype)
        self.moment_slopes = aligned_zeros(n_moments, dtype)
        self.n_out = descriptor.n_out
        self.tail = lanes(dtype)
        self.descriptors = aligned_zeros(size * self.n_out + self.tail, dtype)
        self.fitting = [net.buffers(size) for net in plan.fitting]
        self.forces = np.zeros((0, 3))
        self.virial = np.zeros((3, 3))
        self.atomic_virials = np.zeros((0, 3, 3))
        self.counters = np.zeros(N_COUNTERS + self.n_types, np.int64)
        self._resize(0)

    def _resize(self, n_pairs: int) -> None:
        self.pairs = Pairs(
            first=np.zeros(self.size + 1, np.int64),
            neighbours=np.empty(n_pairs, np.int32),
            table_rows=np.empty(n_pairs, np.int32),
            geometry=np.empty((n_pairs, N_GEOMETRY)),
            counts=np.zeros((self.size, self.n_types), np.int32),
        )
        self.gradients = np.empty((n_pairs, 3))

    def start(self, n_all: int, atomic: bool) -> None:
        """Forget the sums of the last evaluation."""
        if len(self.forces) != n_all:
            self.forces = np.zeros((n_all, 3))
        n_virials = n_all if atomic else 0
        if len(self.atomic_virials) != n_virials:
            self.atomic_virials = np.zeros((n_virials, 3, 3))
        for total in (self.forces, self.virial, self.atomic_virials, self.counters):
            total.fill(0)

    def pairs_of(self, n_atoms: int, n_pairs: int) -> Pairs:
        """Room for a block of n_atoms with at most n_pairs pairs."""
        if n_pairs > len(self.gradients):
            self._resize(n_pairs + n_pairs // 4)
        return self.pairs._replace(
            first=self.pairs.first[: n_atoms + 1], counts=self.pairs.counts[:n_atoms]
        )

    def descriptors_of(self, n_atoms: int) -> tuple[Floats, Floats]:
        """D of a block: flat with the tail that kernels touch, and as (B, n_out)."""
        size = n_atoms * self.n_out
        flat = self.descriptors[: size + self.tail]
        return flat, flat[:size].reshape(n_atoms, self.n_out)
