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
WORD = ir.IntType(32)


def lanes(dtype: Any) -> int:
    """Numbers of this dtype in a register."""
    return REGISTER_BYTES // int(np.dtype(dtype).itemsize)


def registers(n: int, dtype: Any) -> int:
    """Registers that hold n numbers."""
    return -(-n // lanes(dtype))


def lanes_of(array: Any) -> int:
    """Numbers of this array's dtype in a register (a constant in kernels)."""
    return lanes(array.dtype)


class Register(types.Type):
    """The Numba type of a register."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.count = REGISTER_BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Register({dtype}x{self.count})")


@register_model(Register)
class _RegisterModel(models.PrimitiveModel):
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


@intrinsic
def _load(typing: Any, array: Any, index: Any) -> Any:
    if not _is_flat(array):
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, array, *arguments)
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return Register(array.dtype)(array, types.intp), build


@intrinsic
def _store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    if not _is_flat(array):
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, at, register = arguments
        element = context.get_value_type(array.dtype)
        vector = ir.VectorType(element, value.count)
        if array.dtype != value.dtype:
            narrow = array.dtype.bitwidth < value.dtype.bitwidth
            convert = builder.fptrunc if narrow else builder.fpext
            register = convert(register, vector)
        struct = context.make_array(array)(context, builder, data)
        pointer = builder.gep(struct.data, [at])
        pointer = builder.bitcast(pointer, vector.as_pointer())
        builder.store(register, pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), build


@intrinsic
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


def _call(name: str, context: Any, builder: Any, a: Any, arguments: Any) -> Any:
    """An LLVM intrinsic of registers."""
    vector = context.get_value_type(a)
    element = "f64" if a.dtype == types.float64 else "f32"
    kind = ir.FunctionType(vector, [vector] * len(arguments))
    function = cgutils.get_or_insert_function(
        builder.module, kind, f"llvm.{name}.v{a.count}{element}"
    )
    return builder.call(function, arguments)


@intrinsic
def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _call("fmuladd", context, builder, a, arguments)

    return a(a, a, a), build


def _instruction(name: str) -> Any:
    """An arithmetic instruction of two registers."""

    @intrinsic
    def instruction(typing: Any, a: Any, b: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, name)(*arguments)

        return a(a, a), build

    return instruction


def _function(name: str) -> Any:
    """An LLVM intrinsic of one register."""

    @intrinsic
    def function(typing: Any, a: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _call(name, context, builder, a, arguments)

        return a(a), build

    return function


def _bound(order: str) -> Any:
    """a, or b in the lanes where a compares so with b."""

    @intrinsic
    def bounded(typing: Any, a: Any, b: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            beyond = builder.fcmp_ordered(order, *arguments)
            return builder.select(beyond, arguments[1], arguments[0])

        return a(a, a), build

    return bounded


_mul, _div = _instruction("fmul"), _instruction("fdiv")
_add, _sub = _instruction("fadd"), _instruction("fsub")
_magnitude, _root = _function("fabs"), _function("sqrt")
_at_least, _at_most = _bound("<"), _bound(">")


@intrinsic
def _with_sign(typing: Any, a: Any, b: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _call("copysign", context, builder, a, arguments)

    return a(a, a), build


def _compared_lanes(order: str) -> Any:
    """Zero all lanes but those whose number compares so with n."""

    @intrinsic
    def kept_lanes(typing: Any, a: Any, n: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value, count = arguments
            integers = ir.VectorType(ir.IntType(a.dtype.bitwidth), a.count)
            count = builder.trunc(count, integers.element) if a.count == 16 else count
            blank, zero = ir.Constant(integers, ir.Undefined), ir.Constant(WORD, 0)
            single = builder.insert_element(blank, count, zero)
            mask = ir.Constant(ir.VectorType(WORD, a.count), None)
            bound = builder.shuffle_vector(single, single, mask)
            numbers = ir.Constant(integers, list(range(a.count)))
            kept = builder.icmp_signed(order, numbers, bound)
            return builder.select(kept, value, ir.Constant(value.type, None))

        return a(a, types.int64), build

    return kept_lanes


_first_lanes, _lanes_from = _compared_lanes("<"), _compared_lanes(">=")


@intrinsic
def _power_of_two(typing: Any, a: Any) -> Any:
    mantissa, one = (52, 1023 << 52) if a.dtype == types.float64 else (23, 127 << 23)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integers = ir.VectorType(ir.IntType(a.dtype.bitwidth), a.count)
        bits = builder.bitcast(arguments[0], integers)
        bits = builder.shl(bits, ir.Constant(integers, [mantissa] * a.count))
        bits = builder.add(bits, ir.Constant(integers, [one] * a.count))
        return builder.bitcast(bits, context.get_value_type(a))

    return a(a), build


@intrinsic
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
        return array[index : index + lanes_of(array)].copy()

    def store(array: Any, index: int, value: Any) -> None:
        """Write a register in the array's precision."""
        array[index : index + value.size] = value

    def splat(value: Any) -> Any:
        return np.full(lanes(value.dtype), value)

    def fma(a: Any, b: Any, c: Any) -> Any:
        return a * b + c

    def power_of_two(a: Any) -> Any:
        shift, one = (52, 1023) if a.dtype == np.float64 else (23, 127)
        bits = a.view(f"i{a.itemsize}")
        return ((bits << shift) + (one << shift)).view(a.dtype)

    def at_most(a: Any, b: Any) -> Any:
        return np.where(a > b, b, a)

    def at_least(a: Any, b: Any) -> Any:
        return np.where(a < b, b, a)

    def first_lanes(a: Any, n: int) -> Any:
        return np.where(np.arange(a.size) < n, a, a.dtype.type(0))

    def lanes_from(a: Any, n: int) -> Any:
        return np.where(np.arange(a.size) >= n, a, a.dtype.type(0))

    def total(a: Any) -> Any:
        return a.sum()

    mul, div, add, sub = np.multiply, np.divide, np.add, np.subtract
    magnitude, with_sign, root = np.abs, np.copysign, np.sqrt

else:
    load, store, splat, total = _load, _store, _splat, _total
    fma, mul, div, add, sub = _fma, _mul, _div, _add, _sub
    magnitude, with_sign, root = _magnitude, _with_sign, _root
    at_most, at_least = _at_most, _at_least
    power_of_two, first_lanes, lanes_from = _power_of_two, _first_lanes, _lanes_from
