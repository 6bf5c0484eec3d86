"""Careful reading of HDF5 files: local datasets only, bounded sizes, one error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelFileError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
EXPANSION = 4
SMALL = 16 * 2**20


class File:
    """An open HDF5 file with a budget of bytes that its datasets may fill."""

    def __init__(self, file: h5py.File, size: int) -> None:
        self.root = file
        self._budget = EXPANSION * size + SMALL

    def array(self, group: h5py.Group, name: str) -> NDArray[Any]:
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
        self._budget -= item.size * item.dtype.itemsize
        if self._budget < 0:
            raise ModelFileError(
                f"{where}: the datasets claim more than {EXPANSION} times "
                "the bytes of the file; the file is damaged"
            )
        values = np.asarray(item[()])
        return values.astype(values.dtype.newbyteorder("="), copy=False)


@contextmanager
def open_file(path: Path) -> Iterator[File]:
    """Open for reading; whatever the HDF5 library objects to becomes one error."""
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            yield File(file, os.path.getsize(path))
    except ModelFileError:
        raise
    except (
        OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError,
        OverflowError, AttributeError, NotImplementedError, SystemError,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:120]
        raise ModelFileError(
            f"a damaged HDF5 file ({reason}); copy or download it again"
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


def names(group: h5py.Group) -> list[str]:
    return [str(name) for name in group.keys()]  # noqa: SIM118
