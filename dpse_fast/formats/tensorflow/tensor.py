"""TensorProto: constant tensors of a GraphDef."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ...array_types import AnyArray
from ...errors import ModelFileError
from . import wire

_DTYPE, _SHAPE, _CONTENT, _STRINGS = 1, 2, 4, 8
_STRING = 7
_HALF, _BFLOAT16 = 19, 14
_MAX_INTEGERS = 1 << 12
_MAX_DIMENSIONS = 8

# TensorFlow's DataType: NumPy's type, and TensorProto's field of values.
_NUMERIC: dict[int, tuple[str, int]] = {
    1: ("<f4", 5),
    2: ("<f8", 6),
    3: ("<i4", 7),
    9: ("<i8", 10),
    _BFLOAT16: ("<u2", 13),
    _HALF: ("<f2", 13),
}


@dataclass
class Allowance:
    """How many bytes of tensors a file may ask for beyond its own size."""

    left: int

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise ModelFileError(
                "its constants claim to be far larger than the file; expected a "
                "frozen Deep Potential model, copy the file again"
            )


def float_dtype(code: int) -> np.dtype[Any] | None:
    """NumPy's type for a floating TensorFlow DataType; half widens to float32."""
    if code in (1, _HALF, _BFLOAT16):
        return np.dtype(np.float32)
    return np.dtype(np.float64) if code == 2 else None


def string(data: memoryview) -> bytes:
    """The bytes of a scalar string tensor."""
    if _dtype(data) != _STRING:
        raise ModelFileError("expected a string constant, got a number")
    return bytes(next(wire.submessages(data, _STRINGS), b""))


def array(data: memoryview, allowance: Allowance) -> AnyArray:
    """A numeric tensor as a fresh array of float32, float64, int32 or int64.

    Raises
    ------
    ModelFileError
        If the values do not fit the shape, or the type is not one of these.
    """
    code = _dtype(data)
    if code not in _NUMERIC:
        raise ModelFileError(
            f"a constant has TensorFlow's data type {code}, expected float16, "
            "bfloat16, float32, float64, int32 or int64"
        )
    dtype, field = np.dtype(_NUMERIC[code][0]), _NUMERIC[code][1]
    shape = _shape(data)
    count = prod(shape)
    content: memoryview | bytearray | bytes = next(
        wire.submessages(data, _CONTENT), memoryview(b"")
    )
    if len(content) == 0:
        content = _values(data, field, dtype, count)
        allowance.take(max(0, count * dtype.itemsize - len(content)))
    elif len(content) != count * dtype.itemsize:
        raise ModelFileError(
            f"a constant of shape {shape} holds {len(content)} bytes, expected "
            f"{count * dtype.itemsize}"
        )
    values = np.frombuffer(content, dtype)
    if values.size < count:
        values = _repeat_last(values, count)
    if code == _BFLOAT16:
        values = (values.astype(np.uint32) << 16).view(np.float32)
    native = np.float32 if code == _HALF else values.dtype.newbyteorder("=")
    return values.astype(native).reshape(shape)


def _dtype(data: memoryview) -> int:
    code = 0
    for number, _, value in wire.fields(data):
        if number == _DTYPE and isinstance(value, int):
            code = value
    return code


def _shape(data: memoryview) -> tuple[int, ...]:
    sizes: list[int] = []
    for message in wire.submessages(data, _SHAPE):
        for dimension in wire.submessages(message, 2):
            sizes.append((wire.integers(dimension, 1, 1) or [0])[0])
            if len(sizes) > _MAX_DIMENSIONS:
                raise wire.damaged(f"more than {_MAX_DIMENSIONS} dimensions")
    if any(size < 0 for size in sizes):
        raise ModelFileError(f"a constant has the shape {tuple(sizes)}")
    return tuple(sizes)


def _values(
    data: memoryview, field: int, dtype: np.dtype[Any], count: int
) -> bytes | bytearray:
    if dtype.kind == "f" and dtype.itemsize > 2:
        values: bytes | bytearray = wire.fixed(data, field, dtype.itemsize)
    else:
        integers = wire.integers(data, field, _MAX_INTEGERS)
        mask = (1 << (8 * dtype.itemsize)) - 1
        unsigned = f"<u{dtype.itemsize}"
        values = np.array([i & mask for i in integers], unsigned).tobytes()
    if len(values) > count * dtype.itemsize:
        raise ModelFileError(
            f"a constant holds {len(values) // dtype.itemsize} values, expected {count}"
        )
    return values


def _repeat_last(values: AnyArray, count: int) -> AnyArray:
    last = values[-1] if values.size else values.dtype.type(0)
    filled = np.full(count, last, values.dtype)
    filled[: values.size] = values
    return filled
