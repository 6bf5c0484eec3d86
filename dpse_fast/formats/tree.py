"""Typed access to the nested values of a file, with errors that name the place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import numpy as np

from ..array_types import AnyArray
from ..errors import ModelFileError

ToArray = Callable[[Any, str], AnyArray]
Item = TypeVar("Item")
ToMembers = Callable[[Any], Mapping[str, Any]]

LARGEST_COUNT = 2**31
LARGEST_NUMBER = 1e300
LONGEST_LIST = 2**18
_REQUIRED = object()


@contextmanager
def located(place: str) -> Iterator[None]:
    """Prefix the errors raised inside with the place they come from."""
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{place}: {error}") from None


def describe(value: object) -> str:
    """A short, safe description of a value that a file holds."""
    if value is None or isinstance(value, bool | int | float):
        text = repr(value) if not isinstance(value, int) or abs(value) < 1e30 else "int"
        return text
    if isinstance(value, str):
        return ascii(value if len(value) <= 40 else value[:40] + "…")
    if isinstance(value, np.ndarray):
        return f"numbers of shape {value.shape}"
    if isinstance(value, Mapping | list | tuple):
        return f"a {type(value).__name__} of {len(value)} items"
    return f"a {type(value).__name__}"


def members_of(value: Any) -> Mapping[str, Any]:
    """The members of a mapping, of a list, or of an object's ``members``."""
    members = getattr(value, "members", value)
    if isinstance(members, list | tuple):
        return _Numbered(members)
    if isinstance(members, Mapping):
        return members
    raise ModelFileError(f"expected named values, got {describe(value)}")


class _Numbered(Mapping[str, Any]):
    """The items of a list by their numbers, "0", "1", …"""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items

    def __getitem__(self, key: str) -> Any:
        if isinstance(key, str) and key.isdecimal() and key.isascii():
            number = int(key[:20])
            if number < len(self._items) and str(number) == key:
                return self._items[number]
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return map(str, range(len(self._items)))

    def __len__(self) -> int:
        return len(self._items)


class Tree:
    """One mapping (or list, or object) of a file and the place where it stands.

    Parameters
    ----------
    value : mapping, list, or object with a mapping ``members``
    place : the name that errors give it
    to_array : makes an array of what the file has in an array's place
    to_members : the named members of a value
    """

    def __init__(
        self,
        value: Any,
        place: str,
        to_array: ToArray,
        to_members: ToMembers = members_of,
    ) -> None:
        with located(place):
            self._members = to_members(value)
        self.value = value
        self.place = place
        self._to_array = to_array
        self._to_members = to_members

    def with_members(self, to_members: ToMembers) -> Tree:
        """The same values with other ideas of what their members are."""
        return Tree(self.value, self.place, self._to_array, to_members)

    def where(self, key: str) -> str:
        joint = "." if self.place and not self.place.endswith(" ") else ""
        return f"{self.place}{joint}{key}"

    def raw(self, key: str, default: Any = _REQUIRED) -> Any:
        """The value as it stands, lists as lists; without a default it must exist."""
        value = self._stored(key, default)
        if isinstance(value, np.ndarray) and value.size <= LONGEST_LIST:
            return value.tolist()
        return value

    def _stored(self, key: str, default: Any = _REQUIRED) -> Any:
        value = self._members.get(key, default)
        if value is _REQUIRED:
            raise ModelFileError(f"{self.where(key)}: is missing from the file")
        return value

    def has(self, key: str) -> bool:
        return self._members.get(key) is not None

    def names(self) -> list[str]:
        return [str(key) for key in self._members]

    def reject(self, key: str, expected: str, value: Any) -> NoReturn:
        raise ModelFileError(
            f"{self.where(key)}: expected {expected}, got {describe(value)}"
        )

    def __getitem__(self, key: str) -> Tree:
        return Tree(self.raw(key), self.where(key), self._to_array, self._to_members)

    def branches(self, key: str) -> list[Tree]:
        """The members "0", "1", … of a list (or of an object that acts as one)."""
        group = self[key]
        return [group[k] for k in self._indices(key, group)]

    def each(self, key: str, make: Callable[[Tree], Item]) -> list[Item]:
        """What `make` makes of each branch, once where the file repeats an object."""
        group = self[key]
        made: dict[int, Item] = {}
        found = []
        for k in self._indices(key, group):
            identity = id(group.raw(k))
            if identity not in made:
                made[identity] = make(group[k])
            found.append(made[identity])
        return found

    def _indices(self, key: str, group: Tree) -> list[str]:
        indices = [k for k in group.names() if k.isdecimal()]
        found = [str(k) for k in range(len(indices))]
        if not found or sorted(indices) != sorted(found):
            self.reject(key, "a list", group.value)
        return found

    def number(self, key: str, default: Any = _REQUIRED) -> float:
        value = self.raw(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.reject(key, "a number", value)
        if not abs(value) < LARGEST_NUMBER:
            self.reject(key, "a finite number", value)
        return float(value)

    def numbers(self, key: str) -> list[float]:
        values = self.raw(key)
        if not isinstance(values, list | tuple) or not values:
            self.reject(key, "a list of numbers", values)
        if any(
            isinstance(v, bool)
            or not isinstance(v, int | float)
            or not abs(v) < LARGEST_NUMBER
            for v in values
        ):
            self.reject(key, "a list of finite numbers", values)
        return [float(v) for v in values]

    def integer(self, key: str, default: Any = _REQUIRED) -> int:
        return self._count(key, self.raw(key, default))

    def integers(self, key: str) -> list[int]:
        values = self.raw(key)
        if not isinstance(values, list | tuple) or not values:
            self.reject(key, "a list of integers", values)
        return [self._count(key, value) for value in values]

    def _count(self, key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            self.reject(key, "an integer", value)
        if abs(value) > LARGEST_COUNT:
            self.reject(key, f"an integer up to {LARGEST_COUNT}", value)
        return int(value)

    def text(self, key: str, default: Any = _REQUIRED) -> str:
        value = self.raw(key, default)
        if not isinstance(value, str) or not value.isprintable():
            self.reject(key, "printable text", value)
        return str(value)

    def texts(self, key: str) -> list[str]:
        values = self.raw(key)
        if not isinstance(values, list | tuple):
            self.reject(key, "a list of names", values)
        for value in values:
            if not isinstance(value, str) or not value.isprintable():
                self.reject(key, "printable names", value)
        return [str(value) for value in values]

    def flag(self, key: str, default: Any = _REQUIRED) -> bool:
        value = self.raw(key, default)
        if not isinstance(value, bool):
            self.reject(key, "true or false", value)
        return bool(value)

    def array(self, key: str) -> AnyArray:
        """A float32 or float64 array (other numbers become float64)."""
        array = self._to_array(self._stored(key), self.where(key))
        if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
            self.reject(key, "an array of real numbers", array.dtype.name)
        if array.dtype.kind == "f" and array.dtype.itemsize >= 4:
            return array.astype(array.dtype.newbyteorder("="), copy=False)
        return array.astype(np.float64)

    def optional_array(self, key: str) -> AnyArray | None:
        return self.array(key) if self.has(key) else None
