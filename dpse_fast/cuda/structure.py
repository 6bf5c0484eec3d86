"""A checked structure on the device, and its results in the caller's kind of array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inputs.arrays import Give, giver, kind_of
from ..inputs.structure import check_system
from ..planning import Planner
from ..results import Report, Result
from .boundary import check_device_system
from .device import Array, Device

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DeviceStructure:
    """Atoms that count, checked.

    Parameters
    ----------
    positions : (n, 3) float64 of the device, Å
    types : (n,) int32 of the device, as the model numbers them
    cell, pbc : as in `System`, on the host
    n_atoms : N, the caller's
    real : (n,) int32 of the device, the caller's atoms that count; None: all
    give : a flat array of the device in a shape, as the caller's kind of array
    """

    device: Device
    positions: Array
    types: Array
    cell: Floats
    pbc: tuple[bool, bool, bool]
    n_atoms: int
    real: Array | None
    give: Give

    @property
    def n(self) -> int:
        """Atoms that count."""
        return int(self.types.size)

    def host_real(self) -> NDArray[np.int32] | None:
        """`real` on the host."""
        return None if self.real is None else self.device.download(self.real)

    def present(self, planner: Planner) -> NDArray[np.integer]:
        """The types that a plan must serve; of a few types it serves all."""
        n = planner.model.n_types
        plan = planner.plan
        if plan is not None and len(plan.species) == n:
            return np.arange(n)
        return np.flatnonzero(self.device.count_each(self.types, n))

    def nothing(self, atomic: bool) -> Result:
        """Of a structure whose atoms are all virtual."""
        n, zeros = self.n_atoms, self.device.zeros
        return Result(
            energy=0.0,
            forces=self.give(zeros(3 * n, np.float64), (n, 3)),
            virial=np.zeros((3, 3)),
            atomic_energies=self.give(zeros(n, np.float64), (n,)) if atomic else None,
            atomic_virials=self.give(zeros(9 * n, np.float64), (n, 3, 3))
            if atomic
            else None,
            report=Report(virtual_atoms=n),
        )


def check_structure(
    device: Device,
    positions: Any,
    types: Any,
    cell: Any,
    pbc: bool | Sequence[bool] | None,
    type_map: tuple[str, ...],
) -> DeviceStructure:
    """Check and cast a structure, and bring it to the device.

    Raises
    ------
    InputError
        Naming the argument, what was expected and what came.
    """
    give = giver(device, positions)
    given = {"positions": positions, "types": types, "cell": cell, "pbc": pbc}
    if any(kind_of(value, name).on_device for name, value in given.items()):
        own = check_device_system(device, positions, types, cell, pbc, type_map)
        return DeviceStructure(device, *own, give=give)
    system, real, n_atoms = check_system(positions, types, cell, pbc, type_map)
    return DeviceStructure(
        device,
        device.upload(system.positions),
        device.upload(system.types),
        system.cell,
        system.pbc,
        n_atoms,
        None if real is None else device.upload(real.astype(np.int32)),
        give,
    )
