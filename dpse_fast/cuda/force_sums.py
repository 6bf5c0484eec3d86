"""Forces, virials and their sums, tile by tile, and results in the caller's order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..kernels.cuda.forces import N_VIRIAL, make_gather_forces, make_scatter_forces
from ..kernels.cuda.incoming import make_gather_incoming
from ..kernels.cuda.layout import FullList, Incoming, PairGradients, Tile
from ..kernels.cuda.sums import PER_SUM, hand_over, sum_parts
from .device import Array, Device
from .warps import warps

MARGIN = 1e-6  # Å, by which the distances of a pair and its reverse may differ
ENERGY, VIRIAL, N_TOTALS = 0, 1, 1 + N_VIRIAL  # places in `ForceSums.totals`


class Outputs(NamedTuple):
    """Results by the caller's atoms, on the device and flat."""

    forces: Array  # (3 · N,) float64 eV/Å
    energies: Array  # (N,) float64 eV, or (0,); of the caller's rows if it has such
    virials: Array  # (9 · N,) float64 eV, or (0,)


def rows_per_warp(n: int) -> int:
    """Rows whose virial is one part: few where only many warps fill a GPU."""
    return min(max(n // 16384, 1), 8)


def bytes_per_atom(atomic: bool) -> int:
    """Of a `ForceSums`, outputs aside, at most."""
    n_virials = 2 if atomic else 1
    return 8 * (4 + int(N_VIRIAL) * n_virials)


class ForceSums:
    """Sums of an evaluation, of rows as the list has them.

    Parameters
    ----------
    n_types : P
    cutoff : Å, pairs from here on have no gradient
    deterministic : by reverse pairs, bitwise the same in every run with the same tiles;
        False: by atomic additions

    Attributes
    ----------
    forces : (3 · m,) float64 eV/Å, of rows and, if there are such, of ghosts
    virials : (9 · m,) float64 eV, each pair's on its neighbour; or (0,)
    totals : (N_TOTALS,) float64 eV: the energy, and the virial by rows
    n_non_finite : (1,) int64, rows with an energy or a force that is NaN or infinite
    """

    def __init__(
        self, device: Device, n_types: int, cutoff: float, deterministic: bool = True
    ) -> None:
        self._device, self._n_types = device, n_types
        self._limit = (cutoff + MARGIN) ** 2
        self._deterministic = deterministic
        self._buffers: dict[str, Array] = {}
        self.totals = device.zeros(N_TOTALS, np.float64)
        self.n_non_finite = device.zeros(1, np.int64)
        self._none = device.empty(0, np.int32)

    def start(self, n: int, atomic: bool, n_places: int | None = None) -> None:
        """Forget the sums of the last evaluation.

        Parameters
        ----------
        n : rows
        atomic : virials of atoms too
        n_places : m, rows and ghosts that forces are wanted of; None: rows
        """
        self._n, self._atomic = n, atomic
        m = n if n_places is None else n_places
        self._per_warp = rows_per_warp(m)
        self._n_parts = -(-m // self._per_warp)
        self.forces = self._room("forces", 3 * m)
        self.virials = self._room("virials", N_VIRIAL * m if atomic else 0)
        self._parts = self._room("parts", N_VIRIAL * self._n_parts)
        for sums in (self.forces, self.virials, self._parts, self.n_non_finite):
            if sums.size:
                self._device.fill(sums, 0)

    def _room(self, name: str, size: int) -> Array:
        """A buffer that grows, with a little to spare."""
        if name not in self._buffers or self._buffers[name].size < size:
            self._buffers.pop(name, None)
            room = size + size // 32
            self._buffers[name] = self._device.empty(room, np.float64)
        return self._device.view(self._buffers[name], size)

    def add(
        self,
        hood: FullList,
        located: Array,
        tile: Tile,
        gradients: PairGradients,
        incoming: Incoming | None = None,
    ) -> None:
        """Add what a tile's pair gradients exert on all rows and ghosts.

        Parameters
        ----------
        incoming : if the list has no reverse pairs, but is to be summed in fixed order
        """
        pairs = (hood, self._n_types, located)
        sums = (self._per_warp, self.forces, self._parts, self.virials)
        launch, n_rows = self._device.launch, tile.end - tile.begin
        if incoming is not None:
            kernel, n_warps = make_gather_incoming(self._atomic), self._n_parts
            launch(kernel, n_warps, *pairs, incoming, tile, gradients, *sums)
        elif self._deterministic:
            kernel, n_warps = make_gather_forces(self._atomic), self._n_parts
            launch(kernel, n_warps, *pairs, self._limit, tile, gradients, *sums)
        else:
            kernel, n_warps = (
                make_scatter_forces(self._atomic),
                -(-n_rows // self._per_warp),
            )
            launch(kernel, n_warps, *pairs, tile, gradients, *sums)

    def total(self, energies: Array) -> None:
        """Sum energies (n,) float64 eV, and the virial, into `totals`."""
        self._sum(energies, self._n, 1, ENERGY)
        self._sum(self._parts, self._n_parts, N_VIRIAL, VIRIAL)

    def _sum(self, values: Array, n: int, width: int, place: int) -> None:
        while n > PER_SUM:
            n_parts = -(-n // PER_SUM)
            sums = self._room(f"{width} {n}", width * n_parts)
            self._device.launch(sum_parts, width * n_parts, values, n, width, sums, 0)
            values, n = sums, n_parts
        self._device.launch(sum_parts, width, values, n, width, self.totals, place)

    def outputs(
        self, n_atoms: int, all_count: bool = True, n_energies: int | None = None
    ) -> Outputs:
        """Room for the results of the caller's atoms.

        Parameters
        ----------
        n_atoms : N
        all_count : False: some have no row, and get zeros
        n_energies : None: one for each atom
        """
        n_virials = N_VIRIAL * n_atoms if self._atomic else 0
        n_energies = n_atoms if n_energies is None else n_energies
        make: Any = self._device.empty if all_count else self._device.zeros
        return Outputs(
            forces=make(3 * n_atoms, np.float64),
            energies=make(n_energies if self._atomic else 0, np.float64),
            virials=make(n_virials, np.float64),
        )

    def hand_over(
        self,
        order: Array,
        energies: Array,
        outputs: Outputs,
        real: Array | None = None,
        rows: Array | None = None,
    ) -> None:
        """Bring the results into the caller's order, and count those not finite.

        Parameters
        ----------
        order : (m,) int32, the atom of each row and ghost
        energies : (n,) float64 eV, of rows
        outputs : written where there is a row
        real : (m,) int32, the caller's number of each atom; None: the same
        rows : (n,) int32, where in the outputs an energy belongs; None: to its atom
        """
        self._device.launch(
            hand_over,
            warps(order.size),
            order,
            self._none if real is None else real,
            self._none if rows is None else rows,
            energies,
            self.forces,
            self.virials,
            outputs.energies,
            outputs.forces,
            outputs.virials,
            self.n_non_finite,
        )
