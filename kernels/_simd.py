"""A register of 64 bytes as a Numba value: 8 float64 or 16 float32 lanes.

LLVM maps a register to whatever the machine has (one zmm, two ymm, four xmm).
With ``NUMBA_DISABLE_JIT`` the same names work on NumPy arrays.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, models, overload, register_model

REGISTER_BYTES = 64


def lanes(dtype: Any) -> int:
    """Numbers of this dtype in a register."""
    return REGISTER_BYTES // int(np.dtype(dtype).itemsize)


def lanes_of(array: Any) -> int:
    """Numbers of this array's dtype in a register (a constant in kernels)."""
    return lanes(array.dtype)


class Register(types.Type):  # type: ignore[misc]
    """The Numba type of a register."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.count = REGISTER_BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Register({dtype}x{self.count})")


@register_model(Register)
class _RegisterModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, register: Register) -> None:
        element = ir.DoubleType() if register.dtype == types.float64 else ir.FloatType()
        super().__init__(manager, register, ir.VectorType(element, register.count))


@overload(lanes_of)
def _lanes_of(array: Any) -> Any:
    count = REGISTER_BYTES * 8 // array.dtype.bitwidth


    def implementation(array: Any) -> Any:
        return count

    return implementation


def _pointer(context: Any, builder: Any, array: Any, data: Any, index: Any) -> Any:
    struct = context.make_array(array)(context, builder, data)
    vector = context.get_value_type(Register(array.dtype)).as_pointer()
    return builder.bitcast(builder.gep(struct.data, [index]), vector)


def _is_flat(array: Any) -> bool:
    return isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"


@intrinsic  # type: ignore[untyped-decorator]
def _load(typing: Any, array: Any, index: Any) -> Any:
    if not _is_flat(array):
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, array, *arguments)
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return Register(array.dtype)(array, types.intp), build


@intrinsic  # type: ignore[untyped-decorator]
def _store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    if not _is_flat(array):
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, array, *arguments[:2])
        builder.store(arguments[2], pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, Register(array.dtype)), build


@intrinsic  # type: ignore[untyped-decorator]
def _splat(typing: Any, value: Any) -> Any:
    register = Register(value)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(register)
        zero = ir.Constant(ir.IntType(32), 0)
        single = builder.insert_element(
            ir.Constant(vector, ir.Undefined), arguments[0], zero
        )
        mask = ir.Constant(ir.VectorType(ir.IntType(32), register.count), None)
        return builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), mask)

    return register(value), build


@intrinsic  # type: ignore[untyped-decorator]
def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(a)
        element = "f64" if a.dtype == types.float64 else "f32"
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(vector, [vector] * 3),
            f"llvm.fmuladd.v{a.count}{element}",
        )
        return builder.call(function, arguments)

    return a(a, a, a), build


@intrinsic  # type: ignore[untyped-decorator]
def _mul(typing: Any, a: Any, b: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fmul(*arguments)

    return a(a, a), build


@intrinsic  # type: ignore[untyped-decorator]
def _add(typing: Any, a: Any, b: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(*arguments)

    return a(a, a), build


@intrinsic  # type: ignore[untyped-decorator]
def _total(typing: Any, a: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        part, count = arguments[0], a.count
        while count > 1:
            count //= 2
            halves = [
                builder.shuffle_vector(
                    part,
                    ir.Constant(part.type, ir.Undefined),
                    ir.Constant(
                        ir.VectorType(ir.IntType(32), count),
                        list(range(start, start + count)),
                    ),
                )
                for start in (0, count)
            ]
            part = builder.fadd(*halves)
        return builder.extract_element(part, ir.Constant(ir.IntType(32), 0))

    return a.dtype(a), build


if numba.config.DISABLE_JIT:

    def load(array: Any, index: int) -> Any:
        return array[index : index + lanes(array.dtype)].copy()

    def store(array: Any, index: int, value: Any) -> None:
        array[index : index + lanes(array.dtype)] = value

    def splat(value: Any) -> Any:
        return np.full(lanes(value.dtype), value)

    def fma(a: Any, b: Any, c: Any) -> Any:
        return a * b + c

    def mul(a: Any, b: Any) -> Any:
        return a * b

    def add(a: Any, b: Any) -> Any:
        return a + b

    def total(a: Any) -> Any:
        return a.sum()

else:
    load, store, splat, fma = _load, _store, _splat, _fma
    mul, add, total = _mul, _add, _total
