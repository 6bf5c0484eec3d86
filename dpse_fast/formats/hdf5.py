"""Careful reading of HDF5 files: local datasets only, bounded sizes, one error."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..array_types import AnyArray
from ..errors import ModelFileError, reason
from ..runtime.interrupts import raise_interrupt_behind
from .hdf5_texts import Texts
from .stored_bytes import open_regular

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# With what a model copies, four times the file at most. Float32 in double precision,
# compressed, is 2.2 times as large in memory.
EXPANSION = 2.5
SMALL = 16 * 2**20
MOST_MEMBERS = 2**16
_VALUE = 160  # bytes of a short text and of the number before it is one


class File:
    """An open HDF5 file with a budget of bytes that its datasets may fill."""

    def __init__(self, file: h5py.File, descriptor: int, size: int) -> None:
        self.root = file
        self._budget = int(EXPANSION * size) + SMALL
        self._texts = Texts(descriptor)
        self._checked: set[int] = set()

    def array(self, group: h5py.Group, name: str) -> AnyArray:
        """The numbers of the dataset `name`, in the machine's byte order."""
        item = member(group, name)
        where = f"{group.name.rstrip('/')}/{name}"
        if not isinstance(item, h5py.Dataset):
            raise ModelFileError(f"{where}: expected a dataset, got a group")
        if item.dtype.kind not in "fiu" or item.shape is None:
            raise ModelFileError(
                f"{where}: expected a dataset of real numbers, got {item.dtype}"
            )
        if item.external or item.is_virtual:
            raise ModelFileError(
                f"{where}: keeps its values in another file, which is not followed; "
                "repack it with h5repack"
            )
        chunk = math.prod(item.chunks or ())
        self.claim(max(item.size, chunk) * item.dtype.itemsize, where)
        values = np.asarray(item[()])
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    def claim(self, n_bytes: int, where: str) -> None:
        """Take bytes off the budget before they are filled."""
        self._budget -= n_bytes
        if self._budget < 0:
            raise ModelFileError(
                f"{where}: the datasets claim more than {EXPANSION} times "
                "the bytes of the file; the file is damaged"
            )

    def attribute(self, group: h5py.Group, name: str) -> Any:
        """The number, truth value, text, or list of these in an attribute.

        What is stored is looked at first: HDF5 crashes on some damaged types.
        """
        header = h5py.h5o.get_info(group.id).addr
        if header not in self._checked:
            self._texts.check_attributes(header)
            self._checked.add(header)
        found = h5py.h5a.open(group.id, name.encode())
        kind = found.get_type()
        plain = isinstance(
            kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID | h5py.h5t.TypeStringID
        ) or (isinstance(kind, h5py.h5t.TypeEnumID) and kind.dtype == np.bool_)
        if not plain or len(found.shape) > 1:
            raise ModelFileError(
                f"{group.name} attribute {name!a}: expected a number, a text or a list"
            )
        count = math.prod(found.shape)
        texts = isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str()
        size = self._texts.longest if texts else kind.get_size()
        where = f"{group.name} attribute {name!a}"
        self.claim(count * (size + _VALUE) if count > 1 else 0, where)
        value = _plain(group.attrs[name])
        self.claim(len(value) if isinstance(value, str) else 0, where)
        return value


@contextmanager
def open_file(path: Path) -> Iterator[File]:
    """Open for reading; whatever the HDF5 library objects to becomes one error."""
    try:
        with (
            open_regular(path) as (raw, size),
            h5py.File(path, "r", locking="best-effort") as file,
        ):
            yield File(file, raw.fileno(), size)
    except ModelFileError:
        raise
    except (
        OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError,
        OverflowError, AttributeError, SystemError,
    ) as error:  # fmt: skip
        raise_interrupt_behind(error)
        raise ModelFileError(
            f"a damaged HDF5 file ({reason(error)}); copy or download it again"
        ) from None


def member(group: h5py.Group, name: str) -> Any:
    """The group or dataset `name`, which must be stored in this very file."""
    link = group.get(name, getlink=True)
    where = f"{group.name.rstrip('/')}/{name}"
    if link is None:
        raise ModelFileError(f"{where}: is missing from the file")
    if not isinstance(link, h5py.HardLink):
        raise ModelFileError(
            f"{where}: is a link to elsewhere, which is not followed; "
            "repack the file with h5repack"
        )
    return group[name]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def names(members: h5py.Group | h5py.AttributeManager) -> list[str]:
    """The names of the members of a group, or of attributes.

    Raises
    ------
    ModelFileError
        If there are more than a model can have.
    """
    if len(members) > MOST_MEMBERS:
        raise ModelFileError(
            f"a group has {len(members)} members, expected at most {MOST_MEMBERS}"
        )
    return [str(name) for name in members.keys()]  # noqa: SIM118
