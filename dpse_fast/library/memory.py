"""The memory of a C program: pointers, checked before anything is read there."""

from __future__ import annotations

import mmap
import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..array_types import AnyArray
from ..errors import InputError

LONGEST_TEXT = 2**20  # bytes


class Place(NamedTuple):
    """Addresses that an argument uses."""

    first: int
    end: int
    name: str
    written: bool


class CallerMemory:
    """What the pointers of one call lead to.

    Parameters
    ----------
    ffi, lib : of cffi, with the structures and functions of dpse_python.h
    """

    def __init__(self, ffi: Any, lib: Any) -> None:
        self._ffi, self._lib = ffi, lib
        self._places: list[Place] = []

    def given(
        self, name: str, pointer: Any, shape: Any, dtype: DTypeLike = np.float64
    ) -> AnyArray:
        """An array that is read.

        Raises
        ------
        InputError
            If the pointer is NULL or misaligned, or the memory is not there.
        """
        return self._array(name, pointer, shape, np.dtype(dtype), False)

    def given_or_none(
        self, name: str, pointer: Any, shape: Any, dtype: DTypeLike = np.float64
    ) -> AnyArray | None:
        """As `given`; None for NULL."""
        return self.given(name, pointer, shape, dtype) if pointer else None

    def written(
        self, name: str, pointer: Any, shape: Any, dtype: DTypeLike = np.float64
    ) -> AnyArray:
        """An array that results are written to."""
        return self._array(name, pointer, shape, np.dtype(dtype), True)

    def written_or_none(
        self, name: str, pointer: Any, shape: Any, dtype: DTypeLike = np.float64
    ) -> AnyArray | None:
        """As `written`; None for NULL."""
        return self.written(name, pointer, shape, dtype) if pointer else None

    def structure(self, name: str, pointer: Any, written: bool, n: int = 1) -> Any:
        """A structure of dpse.h, or n of them one after the other."""
        kind = self._ffi.typeof(pointer).item
        size, alignment = self._ffi.sizeof(kind), self._ffi.alignof(kind)
        what = f"a {kind.cname}" if n == 1 else f"{n} of {kind.cname}"
        self._check(name, what, pointer, n * size, alignment, written)
        return pointer

    def pointers(self, name: str, pointer: Any, n: int) -> list[Any]:
        """Of an array of n pointers, each of which is still to be checked."""
        size = self._ffi.sizeof("void *")
        self._check(name, f"{n} pointers", pointer, n * size, size, False)
        return [pointer[k] for k in range(n)]

    def text(self, name: str, pointer: Any) -> bytes | None:
        """A text that ends with a 0; None for NULL."""
        if not pointer:
            return None
        found, start = b"", int(self._ffi.cast("uintptr_t", pointer))
        # Memory may end where a text without an end does not: page after page.
        while len(found) < LONGEST_TEXT:
            place = pointer + len(found)
            self._check(name, "a text that ends with a 0", place, 1, 1, False)
            room = mmap.PAGESIZE - (start + len(found)) % mmap.PAGESIZE
            part: bytes = self._ffi.string(place, room)
            found += part
            if len(part) < room:
                return found
        raise InputError(
            f"{name}: expected a text of fewer than {LONGEST_TEXT} bytes, got one that "
            "does not end there"
        )

    def path(self, name: str, pointer: Any) -> str | None:
        """The name of a file, of any bytes."""
        found = self.text(name, pointer)
        return None if found is None else os.fsdecode(found)

    def check_apart(self) -> None:
        """Whether results are written to memory that nothing else uses.

        Raises
        ------
        InputError
            Naming two arguments that overlap.
        """
        farthest = Place(0, 0, "", False)
        for place in sorted(self._places):
            if place.first < farthest.end and (place.written or farthest.written):
                written, other = sorted((place, farthest), key=lambda p: not p.written)
                raise InputError(
                    f"{written.name}: expected memory of its own for results, got "
                    f"memory that {other.name} uses too"
                )
            farthest = max(farthest, place, key=lambda p: p.end)

    def _array(
        self, name: str, pointer: Any, shape: Any, dtype: np.dtype[Any], written: bool
    ) -> AnyArray:
        shape = shape if isinstance(shape, tuple) else (shape,)
        number = 1
        for length in shape:
            number *= length
        if not number:
            return np.empty(shape, dtype)
        kind, size = dtype.itemsize, number * dtype.itemsize
        plural = "s" if number > 1 else ""
        expected = f"a place for {number} number{plural}" if written else None
        what = expected or f"{number} number{plural}"
        self._check(name, what, pointer, size, kind, written)
        return np.frombuffer(self._ffi.buffer(pointer, size), dtype).reshape(shape)

    def _check(
        self,
        name: str,
        what: str,
        pointer: Any,
        size: int,
        alignment: int,
        written: bool,
    ) -> None:
        if not pointer:
            raise InputError(f"{name}: expected {what}, got NULL")
        first = int(self._ffi.cast("uintptr_t", pointer))
        if first % alignment:
            raise InputError(
                f"{name}: expected an address that is a multiple of {alignment}, got "
                f"{first:#x}"
            )
        if not self._lib.dpse_python_reachable(pointer, size, written):
            use = "written" if written else "read"
            plural = "s" if size > 1 else ""
            raise InputError(
                f"{name}: expected {what}, got the address {first:#x}, where {size} "
                f"byte{plural} cannot be {use}"
            )
        self._places.append(Place(first, first + size, name, written))
