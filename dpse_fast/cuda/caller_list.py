"""The check of a caller's list whose arrays are on the device, wholly or in part."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..cpu.spatial_order import MOST_ATOMS
from ..errors import InputError
from ..inputs.arrays import adopt, kind_of, on_host
from ..inputs.neighbour_list import CallerList, check_list, in_several_rows
from ..inputs.structure import VIRTUAL, array_of
from ..kernels.cuda.caller_list import (
    FIRST_TWICE,
    N_CHECKED,
    N_COUNTING,
    WRONG,
    check_list_on_device,
)
from .device import Array, Device
from .warps import warps


class CheckedList(NamedTuple):
    """A caller's list on the device; atoms and rows as the caller numbers them."""

    types: Array  # (n_all,) int32 of the model, −1: an atom that does not count
    rows: Array  # (n_all,) int32, the row of each atom, or −1
    centres: Array  # (n_rows,) int32 or int64
    first: Array  # (n_rows + 1,) int64
    neighbours: Array  # (n_list,) int32; or (0,) where it is no longer needed
    n_list: int
    n: int  # rows whose centre counts

    @property
    def n_rows(self) -> int:
        """All the caller's."""
        return int(self.first.size) - 1


class _Arrays(NamedTuple):
    """Of the device, integers of 32 or 64 bits, unchecked."""

    types: Array
    first: Array
    neighbours: Array
    centres: Array
    least: int  # of the types
    of_caller: NDArray[np.int32]  # the model's type of each type


def check_device_list(
    device: Device,
    types: Any,
    first: Any,
    neighbours: Any,
    centres: Any,
    of_caller: NDArray[np.int32] | None,
    n_all: int,
    type_map: tuple[str, ...],
) -> CheckedList:
    """As `check_list`; each argument may be on the host or on the device.

    No two rows may have one centre. What is on the device is read there; if anything
    is wrong with it, it comes to the host to be named. Waits for the device once.

    Raises
    ------
    InputError
        Naming the argument, what was expected and what came.
    """
    if n_all > MOST_ATOMS:
        raise InputError(f"positions: expected at most {MOST_ATOMS}, got {n_all}")
    given = {
        "types": types,
        "first": first,
        "neighbours": neighbours,
        "centres": centres,
    }
    known = np.arange(len(type_map), dtype=np.int32)

    def on_the_host() -> CallerList:
        own = {name: on_host(device, value, name) for name, value in given.items()}
        return check_list(**own, of_caller=of_caller, n_all=n_all, type_map=type_map)

    arrays = None
    if any(kind_of(value, name).on_device for name, value in given.items()):
        arrays = _of_device(device, given, of_caller, n_all, known)
    if arrays is None:
        host = on_the_host()
        arrays = _Arrays(
            *(device.upload(host.types), device.upload(host.first)),
            *(device.upload(host.neighbours), device.upload(host.centres)),
            *(VIRTUAL, known),
        )
    model_types = device.empty(n_all, np.int32)
    rows = device.empty(n_all, np.int32)
    device.fill(rows, -1)
    found = device.zeros(N_CHECKED, np.int64)
    device.launch(
        check_list_on_device,
        warps(max(n_all, arrays.centres.size, arrays.neighbours.size)),
        *(arrays.first, arrays.neighbours, arrays.centres),
        *(arrays.types, arrays.least, device.upload(arrays.of_caller)),
        *(model_types, rows, found),
    )
    met = device.download(found)
    if met[WRONG]:
        on_the_host()
        raise InputError("neighbours: the list has changed while it was read")
    if met[FIRST_TWICE]:
        raise in_several_rows(n_all - int(met[FIRST_TWICE]))
    # Indices were checked before they are cut to 32 bits. What is kept is a copy.
    listed = device.cast(
        device.native(arrays.neighbours, arrays.neighbours.size), np.int32
    )
    kept = device.copy(arrays.centres), device.copy(arrays.first)
    return CheckedList(
        *(model_types, rows, *kept, listed),
        *(int(listed.size), int(met[N_COUNTING])),
    )


def _of_device(
    device: Device,
    given: dict[str, Any],
    of_caller: NDArray[np.int32] | None,
    n_all: int,
    known: NDArray[np.int32],
) -> _Arrays | None:
    """The arguments on the device; None if they are not what a list consists of."""
    found = [_integers(device, given[name], name) for name in given]
    if given["centres"] is None and found[1] is not None:
        n_rows = max(found[1].array.size - 1, 0)
        found[3] = _Integers(device.upload(np.arange(n_rows, dtype=np.int32)), 0)
    read = [one for one in found if one is not None]
    if len(read) < len(found):
        return None
    types, first, neighbours, centres = (one.array for one in read)
    n_rows = first.size - 1
    if not 0 < n_rows <= n_all or centres.size != n_rows or types.size != n_all:
        return None
    return _Arrays(
        *(types, device.cast(device.native(first, first.size), np.int64)),
        *(neighbours, centres),
        *((read[0].least, known) if of_caller is None else (0, of_caller)),
    )


class _Integers(NamedTuple):
    array: Array  # (n,) int32 or int64 of the device
    least: int  # of types that came so


def _integers(device: Device, value: Any, name: str) -> _Integers | None:
    """Of an argument; None if it is something else."""
    if value is None:
        return None
    on_device = kind_of(value, name).on_device
    found = (
        adopt(device, value, name) if on_device else array_of(value, name, "indices")
    )
    if found.ndim != 1 or found.dtype.kind not in "iu":
        return None
    # Huge unsigned ones become negative.
    dtype = np.int32 if found.dtype == np.int32 else np.int64
    least = VIRTUAL if found.dtype.kind == "i" else 0
    if on_device:
        return _Integers(device.cast(found, dtype), least)
    array = device.upload(np.ascontiguousarray(found, dtype))
    return _Integers(array, least)
