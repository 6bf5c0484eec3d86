"""The pair table on the device, and the switch to it from the fitting nets' energy."""

from __future__ import annotations

import numpy as np

from ..kernels.cuda.layout import Batch, BatchPairs, FullList, PairGradients
from ..kernels.cuda.pair_potential import pair_potentials, take_over
from ..kernels.layout import N_KEPT, N_SUMS, SHARE, PairPotential
from .batches import Cut
from .device import Array, Device
from .packed_plan import PackedPlan


class DevicePairPotential:
    """The pair table of rows on a device.

    Attributes
    ----------
    counters : (N_TABLE_COUNTERS,) int64, added to; to be given before a batch
    over_table : (n,) int32 of rows, 1 where one has more neighbours than the table's
        sel, modified; or (0,)
    left_out : (n,) int32 of rows, 1 for those that get no pairs; or (0,)
    shares : (n,) float64, 1 − w of rows: the share of the fitting nets' energy
    row_bytes, listed_bytes : of a batch's row and listed neighbour, in `reserve`
    """

    listed_bytes = 2 + 8 * (3 + N_KEPT)

    def __init__(self, device: Device, plan: PackedPlan) -> None:
        assert plan.pair_potential is not None
        assert plan.model.pair_table is not None
        self._device, self._n_types = device, len(plan.species)
        self._bias = [float(plan.model.pair_table.bias[c]) for c in plan.species]
        self._potential: PairPotential = device.upload_all(plan.pair_potential)
        self.row_bytes = 4 * self._n_types
        self._nothing = device.empty(0, np.int32)
        self.counters = self.over_table = self.left_out = self._nothing
        self.prepare(0)
        self.reserve(0, 0)

    def prepare(self, n: int) -> None:
        """Room for n rows."""
        self._sums = self._device.empty(N_SUMS * n, np.float64)
        self.shares = self._device.part(self._sums, SHARE * n, n)

    def reserve(self, n_rows: int, n_listed: int) -> None:
        """Room for a batch of so many rows and listed neighbours."""
        make, nothing = self._device.empty, self._nothing
        self._room = {
            "met": make(n_rows * self._n_types, np.int32),
            "slots": make(n_listed, np.uint16),
            "coefficients": nothing,
            "offsets": nothing,
            "differences": make(3 * n_listed, np.float64),
            "counts": nothing,
        }
        self._kept = make(N_KEPT * n_listed, np.float64)

    def environment(
        self, hood: FullList, located: Array, cut: Cut, truncate: bool, over: Array
    ) -> None:
        """Find the table's energies and `shares` of a batch.

        Parameters
        ----------
        over : (n,) int32 of rows, 1 where one has more neighbours than the table's sel
        """
        self._pairs = BatchPairs(hood.first, cut.begin, cut.n_rows, **self._room)
        self._device.launch(
            pair_potentials,
            cut.n_rows,
            hood,
            located,
            Batch(cut.begin, cut.n_rows),
            self._potential,
            truncate,
            self._pairs,
            self._kept,
            self._sums,
            self.counters,
            over,
            self.over_table,
            self.left_out,
        )

    def take_over(self, cut: Cut, energies: Array, gradients: PairGradients) -> None:
        """Switch a batch's energies, and add what that adds to its gradients.

        Parameters
        ----------
        energies : (n,) float64 of rows, eV: of the nets, with their biases
        """
        self._device.launch(
            take_over,
            cut.n_rows,
            self._pairs,
            self._n_types,
            self._kept,
            self._sums,
            self._bias[cut.species],
            energies,
            gradients,
        )
