"""Where structures are checked that the caller has on the device, wholly or in part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..inputs.arrays import adopt, kind_of, on_host
from ..inputs.structure import (
    FARTHEST,
    VIRTUAL,
    check_cell,
    check_form_of_positions,
    check_form_of_types,
    check_pbc,
    check_positions,
    check_types,
    far_positions,
    types_of_dtype,
    unknown_type,
)
from ..kernels.cuda.boundary import (
    FIRST_FAR,
    FIRST_OUTSIDE,
    N_COUNTED,
    N_FAR,
    N_VIRTUAL,
    check_atoms,
)
from ..kernels.cuda.rows import gather_rows
from .device import Array, Device
from .warps import warps


class DeviceSystem(NamedTuple):
    """A checked structure of the atoms that count, on the device."""

    positions: Array  # (n, 3) float64 Å
    types: Array  # (n,) int32 into the model's type map
    cell: NDArray[np.float64]  # as in `System`, on the host
    pbc: tuple[bool, bool, bool]
    n_atoms: int  # N, the caller's
    real: Array | None  # (n,) int32, the caller's atoms that count; None: all


def check_device_system(
    device: Device,
    positions: Any,
    types: Any,
    cell: Any,
    pbc: bool | Sequence[bool] | None,
    type_map: tuple[str, ...],
) -> DeviceSystem:
    """As `check_system`; each argument may be on the host or on the device.

    What is on the device is read there. Waits for it once, to learn what a kernel
    found, and once more where there are virtual atoms.

    Raises
    ------
    InputError
        Naming the argument, what was expected and what came.
    """
    at = _positions(device, positions)
    n = int(at.shape[0])
    given, least = _types(device, types, n, type_map)
    box = on_host(device, cell, "cell")
    periodic = check_pbc(on_host(device, pbc, "pbc"), box is not None)
    box = check_cell(box, periodic)
    found = device.zeros(N_COUNTED, np.int64)
    device.launch(
        check_atoms,
        warps(n),
        *(at, FARTHEST, given, least, len(type_map) - 1, found),
    )
    met = device.download(found)
    refuse_far(device, at, met)
    if met[FIRST_OUTSIDE]:
        atom = n - int(met[FIRST_OUTSIDE])
        index = int(device.pick(given, np.array([atom]))[0])
        raise unknown_type(atom, index, type_map)
    system = DeviceSystem(
        at, device.cast(device.native(given, n), np.int32), box, periodic, n, None
    )
    return _of_real_atoms(device, system) if met[N_VIRTUAL] else system


def refuse_far(device: Device, positions: Array, met: NDArray[np.int64]) -> None:
    """Raise an InputError if `check_atoms` met atoms that are too far, or not finite.

    Parameters
    ----------
    positions : (n, 3) float64 of the device
    met : (N_COUNTED,)
    """
    if met[FIRST_FAR]:
        atom = int(positions.shape[0] - met[FIRST_FAR])
        places = 3 * atom + np.arange(3)
        position = device.pick(device.flat(positions), places)
        raise far_positions(atom, position.tolist(), int(met[N_FAR]))


def _positions(device: Device, value: Any) -> Array:
    if not kind_of(value, "positions").on_device:
        return device.upload(check_positions(value))
    array = adopt(device, value, "positions")
    check_form_of_positions(array.dtype, array.shape)
    return device.cast(array, np.float64)


def _types(
    device: Device, value: Any, n: int, type_map: tuple[str, ...]
) -> tuple[Array, int]:
    """Types whose numbers are unchecked, and the least that they may have."""
    if not kind_of(value, "types").on_device:
        return device.upload(check_types(value, n, type_map)), VIRTUAL
    array = adopt(device, value, "types")
    check_form_of_types(array.shape, n)
    if array.dtype.kind not in "iu":
        raise types_of_dtype(array.dtype, type_map)
    # Checked before they are cut to 32 bits; huge unsigned ones become negative.
    dtype = np.int32 if array.dtype == np.int32 else np.int64
    return device.cast(array, dtype), VIRTUAL if array.dtype.kind == "i" else 0


def _of_real_atoms(device: Device, system: DeviceSystem) -> DeviceSystem:
    types = device.download(system.types)
    real = np.flatnonzero(types != VIRTUAL).astype(np.int32)
    n, places = len(real), device.upload(real)
    positions = device.empty((n, 3), np.float64)
    device.launch(
        gather_rows,
        warps(n),
        *(device.flat(system.positions), 3, places, device.flat(positions)),
    )
    return system._replace(
        positions=positions, types=device.upload(types[real]), real=places
    )
