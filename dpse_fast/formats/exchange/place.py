"""A group of an HDF5 file in which every name must be known."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NoReturn, TypeVar

import h5py
import numpy as np

from ...array_types import Floats, Integers
from ...errors import ModelFileError
from ..hdf5 import File, member, names
from ..tree import Tree, describe

Item = TypeVar("Item")
OBJECTS = 1024  # bytes of a Net, its first Layer and their array headers
Known = dict[tuple[Any, int], Any]


class Place:
    """A group; what several hard links lead to is read once and shared.

    Parameters
    ----------
    file : the open file
    group : the group
    known : what has been read, by reader and address in the file
    """

    def __init__(self, file: File, group: h5py.Group, known: Known | None = None):
        self._file = file
        self._group = group
        self._known: Known = {} if known is None else known
        self._values: dict[str, Any] | None = None
        self.name = str(group.name)

    def reject(self, name: str, what: str) -> NoReturn:
        """Refuse the member `name`."""
        raise ModelFileError(f"{self._path(name)}: {what}")

    def has(self, name: str) -> bool:
        return name in self._group

    def names(self) -> list[str]:
        return names(self._group)

    def only(self, known: Collection[str]) -> None:
        """Refuse members of other names."""
        for name in self.names():
            if name not in known:
                shown = ", ".join(sorted(known)[:12]) or "nothing"
                self.reject(
                    ascii(name)[1:-1],
                    f"is not part of the format; expected {shown}; check its "
                    "spelling, or update dpse-fast",
                )

    def numbered(self, n: int | None = None) -> list[str]:
        """The names "0", "1", … up to n, or of as many members as there are.

        Members of other names are refused.
        """
        numbers = [str(k) for k in range(len(self.names()) if n is None else n)]
        self.only(numbers)
        return numbers

    def attributes(self, known: Collection[str]) -> Tree:
        """The attributes; others than the known ones are refused."""
        present = names(self._group.attrs) if self._values is None else self._values
        for name in present:
            if name not in known:
                raise ModelFileError(
                    f"{self.name} attribute {name!a}: is not part of the format; "
                    f"expected {', '.join(sorted(known)) or 'none'}; check its "
                    "spelling, or update dpse-fast"
                )
        if self._values is None:
            self._values = {
                name: self._file.attribute(self._group, name) for name in present
            }
        return Tree(self._values, f"{self.name} attribute ", _no_array)

    def inner(self, name: str) -> Place:
        """The group `name`."""
        group = member(self._group, name)
        if not isinstance(group, h5py.Group):
            self.reject(name, "expected a group, got a dataset")
        return Place(self._file, group, self._known)

    def once(self, reader: Callable[[Place], Item]) -> Item:
        """What the reader makes of this group, the same object for every link."""
        key = (reader, h5py.h5o.get_info(self._group.id).addr)
        if key not in self._known:
            self._known[key] = reader(self)
        found: Item = self._known[key]
        return found

    def array(self, name: str) -> Floats:
        """The float32 or float64 numbers of a dataset, one array for all links."""
        key = (Place.array, h5py.h5o.get_info(member(self._group, name).id).addr)
        if key not in self._known:
            values = self._file.array(self._group, name)
            if values.dtype not in (np.float32, np.float64):
                self.reject(name, f"expected float32 or float64, got {values.dtype}")
            self._known[key] = values
        found: Floats = self._known[key]
        return found

    def optional_array(self, name: str) -> Floats | None:
        return self.array(name) if self.has(name) else None

    def by_type(self, name: str, n_types: int, sides: int) -> Floats:
        """The rows (n, width) of a dataset with one leading axis of types or more.

        Parameters
        ----------
        sides : the largest number of leading axes
        """
        values = self.array(name)
        lead = values.shape[:-1]
        if lead not in [(n_types,) * k for k in range(1, sides + 1)]:
            expected = ", any) or (".join(
                ", ".join([str(n_types)] * k) for k in range(1, sides + 1)
            )
            self.reject(name, f"expected shape ({expected}, any), got {values.shape}")
        rows: Floats = values.reshape(-1, values.shape[-1])
        self.claim(len(rows) * OBJECTS)
        return rows

    def pairs(self, name: str) -> frozenset[tuple[int, int]]:
        """The rows of an (n, 2) dataset of integers; none without the dataset."""
        if not self.has(name):
            return frozenset()
        return frozenset((int(c), int(t)) for c, t in self.integer_pairs(name))

    def integer_pairs(self, name: str) -> Integers:
        """An (n, 2) dataset of integers."""
        pairs = self._file.array(self._group, name)
        if pairs.dtype.kind not in "iu" or pairs.ndim != 2 or pairs.shape[1] != 2:
            self.reject(
                name,
                f"expected (n, 2) integers, got {pairs.dtype} of shape {pairs.shape}",
            )
        return pairs

    def claim(self, n_bytes: int) -> None:
        """Refuse to make more of the file than its size allows."""
        self._file.claim(n_bytes, self.name)

    def _path(self, name: str) -> str:
        return f"{self.name.rstrip('/')}/{name}"


def _no_array(value: Any, where: str) -> Any:
    raise ModelFileError(f"{where}: expected no array, got {describe(value)}")
