"""The check of a caller's list whose arrays are on the device, wholly or in part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..array_types import Int32s
from ..errors import InputError
from ..inputs.arrays import VIRTUAL, array_of, kind_of
from ..inputs.cell_geometry import MOST_ATOMS
from ..inputs.neighbour_list import (
    CallerList,
    ListArguments,
    check_list,
    in_several_rows,
)
from ..kernels.cuda.caller_list import (
    FIRST_TWICE,
    N_CHECKED,
    N_COUNTING,
    WRONG,
    check_list_on_device,
)
from .arrays import CudaArrays
from .device import Array, Device
from .warps import warps

ARRAYS = ("types", "first", "neighbours", "centres")  # of `ListArguments`


@dataclass(frozen=True, eq=False)
class CheckedList:
    """A caller's list on the device; atoms and rows as the caller numbers them.

    Parameters
    ----------
    types : (n_all,) int32 of the model, -1: an atom that does not exist for it
    rows : (n_all,) int32, the row of each atom, or -1
    centres : (n_rows,) int32 or int64
    first : (n_rows + 1,) int64
    neighbours : (n_list,) int32; None: see `without_neighbours`
    n_list : neighbours of all rows
    n_counted : rows whose centre exists for the model
    """

    types: Array
    rows: Array
    centres: Array
    first: Array
    neighbours: Array | None
    n_list: int
    n_counted: int

    @property
    def n_all(self) -> int:
        """Local and ghost atoms."""
        return int(self.types.size)

    @property
    def n_rows(self) -> int:
        """All the caller's."""
        return int(self.first.size) - 1

    def without_neighbours(self) -> CheckedList:
        """See `evaluation.backend.GivenList`."""
        return replace(self, neighbours=None)


class _Arrays(NamedTuple):
    """Of the device, integers of 32 or 64 bits, unchecked."""

    types: Array
    first: Array
    neighbours: Array
    centres: Array
    least: int  # of the types
    of_caller: Int32s  # the model's type of each type


def check_device_list(arrays: CudaArrays, given: ListArguments) -> CheckedList:
    """As `check_list`; each argument may be on the host or on the device.

    No two rows may have one centre. What is on the device is read there; if anything
    is wrong with it, it comes to the host to be named. Waits for the device once.

    Raises
    ------
    InputError
        Naming the argument, what was expected and what came.
    """
    own = {name: getattr(given, name) for name in ARRAYS}

    def on_the_host() -> CallerList:
        values = {name: arrays.on_host(value, name) for name, value in own.items()}
        return check_list(given._replace(**values))

    if not any(kind_of(value, name).on_device for name, value in own.items()):
        return list_on_device(arrays.gpu, on_the_host())
    found = _of_device(arrays, given)
    if found is None:
        return list_on_device(arrays.gpu, on_the_host())
    checked = _checked(arrays.gpu, found, given.n_all)
    if checked is None:
        on_the_host()
        raise InputError("neighbours: the list has changed while it was read")
    return checked


def list_on_device(device: Device, checked: CallerList) -> CheckedList:
    """A checked list of the host on the device."""
    upload = device.upload
    numbers = np.arange(int(checked.types.max(initial=0)) + 1, dtype=np.int32)
    arrays = _Arrays(
        upload(checked.types),
        upload(checked.first),
        upload(checked.neighbours),
        upload(checked.centres),
        VIRTUAL,
        numbers,
    )
    found = _checked(device, arrays, checked.n_all)
    assert found is not None
    return found


def _checked(device: Device, arrays: _Arrays, n_all: int) -> CheckedList | None:
    """With each atom's row and type of the model; None if a number is out of range."""
    if n_all > MOST_ATOMS:
        raise InputError(f"positions: expected at most {MOST_ATOMS}, got {n_all}")
    model_types = device.empty(n_all, np.int32)
    rows = device.empty(n_all, np.int32)
    device.fill(rows, -1)
    found = device.zeros(N_CHECKED, np.int64)
    device.launch(
        check_list_on_device,
        warps(max(n_all, arrays.centres.size, arrays.neighbours.size)),
        arrays.first,
        arrays.neighbours,
        arrays.centres,
        arrays.types,
        arrays.least,
        device.upload(arrays.of_caller),
        model_types,
        rows,
        found,
    )
    met = device.download(found)
    if met[WRONG]:
        return None
    if met[FIRST_TWICE]:
        raise in_several_rows(n_all - int(met[FIRST_TWICE]))
    # Indices were checked before they are cut to 32 bits. What is kept is a copy.
    listed = device.cast(arrays.neighbours, np.int32)
    return CheckedList(
        types=model_types,
        rows=rows,
        centres=device.copy(arrays.centres),
        first=device.copy(arrays.first),
        neighbours=listed,
        n_list=int(listed.size),
        n_counted=int(met[N_COUNTING]),
    )


def _of_device(arrays: CudaArrays, given: ListArguments) -> _Arrays | None:
    """The arguments on the device; None if they are not what a list consists of."""
    device, n_all = arrays.gpu, given.n_all
    found = [_integers(arrays, getattr(given, name), name) for name in ARRAYS]
    if given.centres is None and found[1] is not None:
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
        types,
        device.cast(first, np.int64),
        neighbours,
        centres,
        *_valid_types(given, read[0].least),
    )


def _valid_types(given: ListArguments, least: int) -> tuple[int, Int32s]:
    """The lowest type that is valid, and the model's type of each from 0 on."""
    if given.of_caller is not None:
        return 0, given.of_caller
    return least, np.arange(len(given.type_map), dtype=np.int32)


class _Integers(NamedTuple):
    array: Array  # (n,) int32 or int64 of the device
    least: int  # of types that came so


def _integers(arrays: CudaArrays, value: Any, name: str) -> _Integers | None:
    """Of an argument; None if it is something else."""
    if value is None:
        return None
    on_device = kind_of(value, name).on_device
    found = arrays.adopt(value, name) if on_device else array_of(value, name, "indices")
    if found.ndim != 1 or found.dtype.kind not in "iu":
        return None
    # Huge unsigned ones become negative.
    dtype = np.int32 if found.dtype == np.int32 else np.int64
    least = VIRTUAL if found.dtype.kind == "i" else 0
    if on_device:
        return _Integers(arrays.cast(found, dtype), least)
    array = arrays.upload(np.ascontiguousarray(found, dtype))
    return _Integers(array, least)
