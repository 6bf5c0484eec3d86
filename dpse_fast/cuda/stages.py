"""The parts of the energy on a batch of rows, there and back, with their buffers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from ..kernels.cuda.environment import environments, keep_nearest
from ..kernels.cuda.layout import Batch, BatchPairs, FullList, PairGradients
from ..kernels.cuda.moments import moments_kernel
from ..kernels.cuda.pair_gradients import pair_gradients_kernel
from ..kernels.cuda.products import (
    add_empty_slots,
    product_gradients_kernel,
    products,
)
from ..kernels.cuda.radial import radial_pair_gradients_kernel, radial_sums_kernel
from ..kernels.layout import EnvironmentRows, Environments, Tally
from .batches import Cut
from .device import Array, Device
from .packed_plan import PackedPlan


class DeviceStage(ABC):
    """A descriptor on the device, and its part of the forces.

    Parameters
    ----------
    k : which of the plan's descriptors

    Attributes
    ----------
    environments : the kernels' arrays, on the device
    n_groups : of slots
    """

    def __init__(self, device: Device, plan: PackedPlan, k: int) -> None:
        part = plan.descriptors[k]
        self.device, self.dtype = device, plan.dtype
        self.geometry_dtype, self.n_types = plan.geometry_dtype, len(plan.species)
        self.environments: Environments = device.upload_all(part.environments)
        self.n_groups = part.environments.sel.size
        self._places = [plan.place(k, c) for c in plan.species]
        self._table = device.upload(part.coefficients)

    def reserve(self, n_rows: int, n_listed: int) -> None:
        """Room for a batch of so many rows and listed neighbours."""
        device = self.device
        self._room = {
            "met": device.empty(n_rows * self.n_types, np.int32),
            "slots": device.empty(n_listed, np.uint16),
            "coefficients": device.empty(n_listed, np.int32),
            "offsets": device.empty(n_listed, self.dtype),
            "differences": device.empty(3 * n_listed, self.geometry_dtype),
            "counts": device.empty(n_rows * self.n_groups, np.int32),
        }

    @property
    def listed_bytes(self) -> int:
        """Of a listed neighbour, in `reserve`."""
        return int(6 + self.dtype.itemsize + 3 * self.geometry_dtype.itemsize)

    @property
    def row_bytes(self) -> int:
        """Of a row, in `reserve`."""
        return int(4 * (self.n_types + self.n_groups))

    def environment(
        self, hood: FullList, located: Array, cut: Cut, truncate: bool, tally: Tally
    ) -> None:
        """Collect the pairs of a batch."""
        self.pairs = BatchPairs(hood.first, cut.begin, cut.n_rows, **self._room)
        batch = Batch(cut.begin, cut.n_rows)
        for kernel in (environments, keep_nearest):
            self.device.launch(
                kernel,
                cut.n_rows,
                hood,
                located,
                batch,
                self.environments,
                truncate,
                self.pairs,
                tally,
            )

    @abstractmethod
    def forward(self, cut: Cut, inputs: Array) -> None:
        """Write the net's inputs of a batch, flat."""

    @abstractmethod
    def backward(self, cut: Cut, slopes: Array, gradients: PairGradients) -> None:
        """dE by the inputs, laid out as these, to dE_i/dd of the pairs."""


class AngularStage(DeviceStage):
    """For products: moments, their mixture and its products, and back.

    The mixture stays in float32 where the nets take TF32: for water its three products
    would move 7 kB an atom more to save 0.02 of the nets' operations.
    """

    def __init__(self, device: Device, plan: PackedPlan, k: int) -> None:
        super().__init__(device, plan, k)
        part, real = plan.descriptors[k], plan.dtype.type
        self._rows: EnvironmentRows = device.upload_all(part.rows)
        self._channels = device.upload_all(part.channels)
        self._totals = part.channels.total
        self._products_back = product_gradients_kernel(real)
        self._moments_kernel = moments_kernel(part.streams, real)
        self._gradients_kernel = pair_gradients_kernel(part.streams, real)
        self._forms = [device.upload_all(columns) for columns in part.products]
        self._mixes = [None if m is None else device.upload(m) for m in part.mixes]
        self._empty = [device.upload(e) if e.any() else None for e in part.empty]
        self._widest = int(self._totals.max())
        self._widest_mixed = max(form.channels for form in self._forms)

    def _numbers(self) -> tuple[int, int]:
        """Of a row: moments, and their mixture where there is one."""
        mixed = any(mix is not None for mix in self._mixes)
        return 4 * self._widest, 4 * self._widest_mixed if mixed else 0

    @property
    def row_bytes(self) -> int:
        pure, mixed = self._numbers()
        return super().row_bytes + 2 * self.dtype.itemsize * (pure + mixed)

    def reserve(self, n_rows: int, n_listed: int) -> None:
        super().reserve(n_rows, n_listed)
        make, dtype = self.device.empty, self.dtype
        pure, mixed = self._numbers()
        self._moments, self._slopes = (make(n_rows * pure, dtype) for _ in range(2))
        self._mixed, self._mixed_slopes = (
            make(n_rows * mixed, dtype) for _ in range(2)
        )

    def _matrices(self, cut: Cut) -> tuple[Array, Array, Array, Array]:
        """Moments and z as rows of (4 B, C) and (4 B, K), and the same of slopes."""
        view, rows = self.device.view, 4 * cut.n_rows
        channels = int(self._totals[cut.species])
        columns = self._forms[cut.species].channels
        return (
            view(self._moments, (rows, channels)),
            view(self._mixed, (rows, columns)),
            view(self._slopes, (rows, channels)),
            view(self._mixed_slopes, (rows, columns)),
        )

    def forward(self, cut: Cut, inputs: Array) -> None:
        n, p, launch = cut.n_rows, cut.species, self.device.launch
        launch(
            self._moments_kernel,
            n,
            self.pairs,
            p,
            self._rows,
            self._channels,
            self._table,
            self._moments,
        )
        z, mix = self._moments, self._mixes[p]
        if mix is not None:
            pure, mixed, _, _ = self._matrices(cut)
            self.device.multiply(pure, mix, mixed)
            z = self._mixed
        empty = self._empty[p]
        if empty is not None:
            launch(add_empty_slots, n, self.pairs, self.environments.sel, empty, z)
        launch(products, n, z, n, self._forms[p], self._places[p], inputs)

    def backward(self, cut: Cut, slopes: Array, gradients: PairGradients) -> None:
        n, p, launch = cut.n_rows, cut.species, self.device.launch
        mix = self._mixes[p]
        z = self._moments if mix is None else self._mixed
        z_slopes = self._slopes if mix is None else self._mixed_slopes
        form, place = self._forms[p], self._places[p]
        launch(self._products_back, n, z, slopes, n, form, place, z_slopes)
        if mix is not None:
            _, _, pure, mixed = self._matrices(cut)
            self.device.multiply(mixed, mix, pure, transpose=True)
        launch(
            self._gradients_kernel,
            n,
            self.pairs,
            p,
            self._rows,
            self._channels,
            self._table,
            self._slopes,
            gradients,
        )


class RadialStage(DeviceStage):
    """For sums: sums of the embedding, and back."""

    def __init__(self, device: Device, plan: PackedPlan, k: int) -> None:
        super().__init__(device, plan, k)
        part, real = plan.descriptors[k], plan.dtype.type
        self._channels = device.upload_all(part.channels)
        self._sums_kernel = radial_sums_kernel(part.streams, real)
        self._gradients_kernel = radial_pair_gradients_kernel(part.streams, real)
        self._empty = [device.upload(e.reshape(-1)) for e in part.empty]

    def forward(self, cut: Cut, inputs: Array) -> None:
        p = cut.species
        self.device.launch(
            self._sums_kernel,
            cut.n_rows,
            self.pairs,
            p,
            self._channels,
            self.environments.sel,
            self._empty[p],
            self._table,
            self._places[p],
            inputs,
        )

    def backward(self, cut: Cut, slopes: Array, gradients: PairGradients) -> None:
        p = cut.species
        self.device.launch(
            self._gradients_kernel,
            cut.n_rows,
            self.pairs,
            p,
            self._channels,
            self._table,
            self._places[p],
            slopes,
            gradients,
        )


def device_stages(device: Device, plan: PackedPlan) -> list[DeviceStage]:
    """A stage for each descriptor."""
    return [
        part.descriptor.family.cuda_stage(device, plan, k)
        for k, part in enumerate(plan.descriptors)
    ]
