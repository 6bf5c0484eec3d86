"""The zip archive of a PyTorch file: its pickle and its tensors."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...array_types import AnyArray
from ...errors import ModelFileError, reason
from ...runtime.cached_property import cached_property
from ..tree import describe
from .records import Storage, Tensor

EXPANSION = 4
LARGEST_PICKLE = 64 * 2**20
LARGEST_DIRECTORY = 4 * 2**20
_SHORT_DIRECTORY = 2**20
_FILES_TO_DIRECTORY = 4  # a member takes 0.7 kB and 50 bytes of the directory or more
_MOST_DIMENSIONS = 8
_LARGEST_STEP = 2**40
_ARRAY_OBJECT = 512  # bytes; a tensor takes some 200 in the archive beside its numbers
_END = b"PK\x05\x06"
_END64 = b"PK\x06\x06"
_LARGEST_END = 2**16 + 256


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip archive; whatever is wrong with it becomes one error."""
    _reject_long_directory(path)
    with _zip_errors():
        file = zipfile.ZipFile(path)
    with file:
        yield Archive(file, os.path.getsize(path))


@contextmanager
def _zip_errors() -> Iterator[None]:
    """One error for all that the standard library finds wrong with an archive."""
    try:
        yield
    except (
        zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, OSError,
        EOFError, ValueError, RuntimeError, OverflowError,
        IndexError,
    ) as error:  # fmt: skip
        raise ModelFileError(
            f"a damaged zip archive ({reason(error)}); copy or download it again"
        ) from None


class Archive:
    """The members of an archive, with a budget of bytes that tensors may fill."""

    def __init__(self, file: zipfile.ZipFile, size: int) -> None:
        self._file = file
        self.size = size
        self._budget = EXPANSION * size
        self._storages: dict[str, bytes] = {}
        self.names = file.namelist()
        self.root = ""

    def read(self, name: str) -> bytes:
        """The bytes of a member, which PyTorch always stores uncompressed."""
        where = ascii(name)
        try:
            info = self._file.getinfo(name)
        except KeyError:
            raise ModelFileError(f"{where} is missing from the archive") from None
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > self.size:
            raise ModelFileError(
                f"{where} is compressed, which PyTorch never does to it; "
                "save the model with PyTorch again"
            )
        self._spend(info.file_size, where)
        with _zip_errors():
            return self._file.read(info)

    def size_of(self, name: str) -> int:
        return self._file.getinfo(name).file_size

    def array(self, value: Any, where: str) -> AnyArray:
        """The numbers of a tensor; a plain number becomes an array of no dimension."""
        if type(value) in (int, float):
            return np.asarray(float(value))
        if not isinstance(value, Tensor):
            raise ModelFileError(f"{where}: expected a tensor, got {describe(value)}")
        numbers = self._numbers(value.storage, where)
        size, stride = value.size, value.stride
        if not _fits(size, stride, value.offset, numbers.size):
            raise ModelFileError(
                f"{where}: a tensor of size {_shown(size)}, stride {_shown(stride)} "
                f"and offset {describe(value.offset)} does not fit its {numbers.size} "
                "stored values"
            )
        if not math.prod(size):
            return np.zeros(size, dtype=numbers.dtype)
        steps = [step * numbers.itemsize for step in stride]
        view = np.lib.stride_tricks.as_strided(numbers[value.offset :], size, steps)
        self._spend(view.nbytes + _ARRAY_OBJECT, where)
        return np.ascontiguousarray(view)

    def _numbers(self, storage: Storage, where: str) -> AnyArray:
        key = storage.key
        if not key.isalnum():
            raise ModelFileError(f"{where}: {key[:40]!a} is no tensor's name")
        if key not in self._storages:
            self._storages[key] = self.read(f"{self.root}/data/{key}")
        data = self._storages[key]
        dtype = np.dtype(self._byte_order + storage.dtype)
        if len(data) != storage.count * dtype.itemsize:
            raise ModelFileError(
                f"{where}: expected {storage.count} values of {dtype.itemsize} bytes, "
                f"the archive has {len(data)} bytes"
            )
        return np.frombuffer(data, dtype)

    @cached_property
    def _byte_order(self) -> str:
        name = f"{self.root}/byteorder"
        return ">" if name in self.names and self.read(name) == b"big" else "<"

    def _spend(self, n_bytes: int, where: str) -> None:
        self._budget -= n_bytes
        if self._budget < 0:
            raise ModelFileError(
                f"{where}: the tensors claim more than {EXPANSION} times the bytes "
                "of the file; the file is damaged"
            )


def _fits(
    size: tuple[int, ...], stride: tuple[int, ...], offset: int, stored: int
) -> bool:
    """Whether a tensor of this form looks at stored values only."""
    if len(size) != len(stride) or len(size) > _MOST_DIMENSIONS:
        return False
    if not all(0 <= n <= stored for n in (*size, offset)):
        return False
    if not all(0 <= step < _LARGEST_STEP for step in stride):
        return False
    count = math.prod(size)
    reach = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    return count <= stored and (not count or offset + reach < stored)


def _shown(numbers: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(describe, numbers[:_MOST_DIMENSIONS])) + ")"


def _reject_long_directory(path: Path) -> None:
    """Refuse an archive whose list of members would fill the memory."""
    size = os.path.getsize(path)
    with path.open("rb") as file:
        file.seek(max(0, size - _LARGEST_END))
        tail = file.read()
    found: list[int] = []
    for mark, place, form in ((_END, 12, "<I"), (_END64, 40, "<Q")):
        at = tail.rfind(mark)
        if at >= 0 and at + place + struct.calcsize(form) <= len(tail):
            found += struct.unpack_from(form, tail, at + place)
    most = min(LARGEST_DIRECTORY, _SHORT_DIRECTORY + size // _FILES_TO_DIRECTORY)
    if any(most < n <= size for n in found):
        raise ModelFileError(
            f"a zip archive whose list of members has more than {most} bytes, which no "
            "model of its size needs; the file is damaged"
        )
