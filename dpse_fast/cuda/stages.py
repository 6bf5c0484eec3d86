"""The parts of the energy on a batch of rows, there and back, with their buffers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

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
from ..kernels.layout import EnvironmentRows, Environments, Place, Tally
from ..model import SeE2A
from ..plan import Plan
from .batches import Cut
from .device import Array, Device
from .products import product_columns
from .tables import PackedTables
from .vectors import whole


class DeviceStage(ABC):
    """A descriptor on the device, and its part of the forces.

    Parameters
    ----------
    k : which of the plan's descriptors
    species : the plan's types, in the model's numbers

    Attributes
    ----------
    sel : (G,) of the descriptor, on the device
    n_groups : G
    """

    def __init__(
        self, device: Device, plan: Plan, k: int, species: Sequence[int]
    ) -> None:
        self.device, self.part = device, plan.descriptors[k]
        self._plan, self._species = plan, species
        self.tables = PackedTables(self.part, plan.dtype)
        env = restricted_environments(self.part.environments, self.tables, species)
        self.environments: Environments = device.upload_all(env)
        self.n_groups = env.sel.size
        self._table = device.upload(self.tables.coefficients)
        angular = isinstance(self.part.descriptor, SeE2A)
        self._host_channels = self.tables.channels(species, angular)
        self._channels = device.upload_all(self._host_channels)

    def reserve(self, n_rows: int, n_listed: int) -> None:
        """Room for a batch of so many rows and listed neighbours."""
        plan, device, n_types = self._plan, self.device, len(self._species)
        self._room = {
            "met": device.empty(n_rows * n_types, np.int32),
            "slots": device.empty(n_listed, np.uint16),
            "coefficients": device.empty(n_listed, np.int32),
            "offsets": device.empty(n_listed, plan.dtype),
            "differences": device.empty(3 * n_listed, plan.geometry_dtype),
            "counts": device.empty(n_rows * self.n_groups, np.int32),
        }

    @property
    def listed_bytes(self) -> int:
        """Of a listed neighbour, in `reserve`."""
        plan = self._plan
        return int(6 + plan.dtype.itemsize + 3 * plan.geometry_dtype.itemsize)

    @property
    def row_bytes(self) -> int:
        """Of a row, in `reserve`."""
        return int(4 * (len(self._species) + self.n_groups))

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
                *(hood, located, batch, self.environments),
                *(truncate, self.pairs, tally),
            )

    @abstractmethod
    def forward(self, cut: Cut, inputs: Array) -> None:
        """Write the net's inputs of a batch, flat."""

    @abstractmethod
    def backward(self, cut: Cut, slopes: Array, gradients: PairGradients) -> None:
        """dE by the inputs, laid out as these, to dE_i/dd of the pairs."""


class AngularStage(DeviceStage):
    """`SeE2A`: moments, their mixture and its products, and back.

    The mixture stays in float32 where the nets take TF32: for water its three products
    would move 7 kB an atom more to save 0.02 of the nets' operations.
    """

    def __init__(
        self,
        device: Device,
        plan: Plan,
        k: int,
        species: Sequence[int],
        places: Sequence[Place],
    ) -> None:
        super().__init__(device, plan, k, species)
        part, dtype = self.part, plan.dtype
        real = plan.geometry_dtype.type
        self._rows: EnvironmentRows = restricted_rows(device, part.rows, species, real)
        self._places = places
        self._products_back = product_gradients_kernel(dtype.type)
        self._moments_kernel = moments_kernel(self.tables.streams, dtype.type)
        self._gradients_kernel = pair_gradients_kernel(self.tables.streams, dtype.type)
        self._forms, self._mixes, self._empty = [], [], []
        for p, c in enumerate(species):
            mixed = part.forms[c].mix is not None
            columns = whole(part.forms[c].n_channels)
            columns = columns if mixed else int(self._host_channels.total[p])
            mix = self.tables.mix(c, species, columns)
            self._mixes.append(
                None if mix is None else device.upload(mix.astype(dtype))
            )
            form = product_columns(part.products[c], columns)
            self._forms.append(device.upload_all(form))
            self._empty.append(self._empty_slots(c, columns))
        self._widest = int(self._host_channels.total.max())
        self._widest_mixed = max(form.channels for form in self._forms)

    def _empty_slots(self, centre: int, columns: int) -> Array | None:
        form = self.part.forms[centre]
        if not form.empty.any():
            return None
        full = np.zeros((self.n_groups, columns), self._plan.dtype)
        scale = 1.0 / self.part.descriptor.normalisation
        full[:, : form.n_channels] = form.empty * scale
        return self.device.upload(full)

    def _numbers(self) -> tuple[int, int]:
        """Of a row: moments, and their mixture where there is one."""
        mixed = any(mix is not None for mix in self._mixes)
        return 4 * self._widest, 4 * self._widest_mixed if mixed else 0

    @property
    def row_bytes(self) -> int:
        pure, mixed = self._numbers()
        return super().row_bytes + 2 * self._plan.dtype.itemsize * (pure + mixed)

    def reserve(self, n_rows: int, n_listed: int) -> None:
        super().reserve(n_rows, n_listed)
        make, dtype = self.device.empty, self._plan.dtype
        pure, mixed = self._numbers()
        self._moments, self._slopes = (make(n_rows * pure, dtype) for _ in range(2))
        self._mixed, self._mixed_slopes = (
            make(n_rows * mixed, dtype) for _ in range(2)
        )

    def _matrices(self, cut: Cut) -> tuple[Array, Array, Array, Array]:
        """Moments and z as rows of (4 B, C) and (4 B, K), and the same of slopes."""
        view, rows = self.device.view, 4 * cut.n_rows
        channels = int(self._host_channels.total[cut.species])
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
            *(self.pairs, p, self._rows, self._channels, self._table, self._moments),
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
            *(self.pairs, p, self._rows, self._channels, self._table),
            *(self._slopes, gradients),
        )


class RadialStage(DeviceStage):
    """`SeE2R`: sums of the embedding, and back."""

    def __init__(
        self,
        device: Device,
        plan: Plan,
        k: int,
        species: Sequence[int],
        places: Sequence[Place],
    ) -> None:
        super().__init__(device, plan, k, species)
        self._places = places
        streams, real = self.tables.streams, plan.dtype.type
        self._sums_kernel = radial_sums_kernel(streams, real)
        self._gradients_kernel = radial_pair_gradients_kernel(streams, real)
        scale = 1.0 / self.part.descriptor.normalisation
        self._empty = [
            device.upload((self.part.forms[c].empty * scale).astype(real).reshape(-1))
            for c in species
        ]

    def forward(self, cut: Cut, inputs: Array) -> None:
        p = cut.species
        self.device.launch(
            self._sums_kernel,
            cut.n_rows,
            *(self.pairs, p, self._channels, self.environments.sel, self._empty[p]),
            *(self._table, self._places[p], inputs),
        )

    def backward(self, cut: Cut, slopes: Array, gradients: PairGradients) -> None:
        p = cut.species
        self.device.launch(
            self._gradients_kernel,
            cut.n_rows,
            *(self.pairs, p, self._channels, self._table),
            *(self._places[p], slopes, gradients),
        )


def device_stages(
    device: Device,
    plan: Plan,
    species: Sequence[int],
    strides: Sequence[int],
) -> list[DeviceStage]:
    """A stage for each descriptor.

    Parameters
    ----------
    strides : numbers of a row of each type's inputs
    """
    found: list[DeviceStage] = []
    for k, part in enumerate(plan.descriptors):
        places = [
            Place(stride, plan.place(k, c).offset)
            for c, stride in zip(species, strides, strict=True)
        ]
        kind: Any = AngularStage if isinstance(part.descriptor, SeE2A) else RadialStage
        found.append(kind(device, plan, k, species, places))
    return found


def restricted_environments(
    env: Environments, tables: PackedTables, species: Sequence[int]
) -> Environments:
    """For the plan's types, with tables as the device has them."""
    own = np.array(species)
    pairs = np.ix_(own, own)
    return env._replace(
        group=env.group[own],
        **{
            name: np.ascontiguousarray(getattr(env, name)[pairs])
            for name in ("table_of", "competes", "slots", "unseen")
        },
        first_register=tables.first_vector,
        registers=tables.vectors,
    )


def restricted_rows(
    device: Device, rows: EnvironmentRows, species: Sequence[int], real: Any
) -> EnvironmentRows:
    """For the plan's types, in the precision of the geometry, on the device."""
    own = np.array(species)
    pairs = np.ix_(own, own)
    return EnvironmentRows(
        type(rows.switch)(*(real(value) for value in rows.switch)),
        *(
            device.upload(np.ascontiguousarray(a[pairs]).astype(real))
            for a in (rows.mean, rows.radial, rows.angular)
        ),
    )
