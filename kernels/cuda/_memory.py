"""Loads and stores of 16 bytes, and of single numbers without a test of the sign."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.cuda import cgutils, types
from numba.cuda.extending import intrinsic

WIDE = 16  # bytes


def _address(context: Any, builder: Any, array: Any, data: Any, index: Any) -> Any:
    struct = context.make_array(array)(context, builder, data)
    return cgutils.gep_inbounds(builder, struct.data, index)


def _is_flat(array: Any) -> bool:
    return isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"


@intrinsic
def pick(typing: Any, array: Any, index: Any) -> Any:
    if not _is_flat(array) or not isinstance(index, types.Integer):
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at = context.cast(builder, arguments[1], index, types.intp)
        pointer = _address(context, builder, array, arguments[0], at)
        return context.unpack_value(builder, array.dtype, pointer)

    return array.dtype(array, index), build


@intrinsic
def pick_from(typing: Any, array: Any, base: Any, offset: Any) -> Any:
    integers = isinstance(base, types.Integer) and isinstance(offset, types.Integer)
    if not _is_flat(array) or not integers:
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = context.cast(builder, arguments[1], base, types.intp)
        beyond = context.cast(builder, arguments[2], offset, types.intp)
        pointer = _address(context, builder, array, arguments[0], start)
        pointer = builder.gep(pointer, [beyond], inbounds=True)
        return context.unpack_value(builder, array.dtype, pointer)

    return array.dtype(array, base, offset), build


@intrinsic
def put(typing: Any, array: Any, index: Any, value: Any) -> Any:
    if not _is_flat(array) or not isinstance(index, types.Integer):
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at = context.cast(builder, arguments[1], index, types.intp)
        pointer = _address(context, builder, array, arguments[0], at)
        number = context.cast(builder, arguments[2], value, array.dtype)
        context.pack_value(builder, array.dtype, number, pointer)
        return context.get_dummy_value()

    return types.void(array, index, value), build


def _vectors(context: Any, array: Any) -> tuple[Any, int, int]:
    """The LLVM type of 16 bytes, the numbers in it, and how many make four."""
    count = WIDE * 8 // array.dtype.bitwidth
    return ir.VectorType(context.get_value_type(array.dtype), count), count, 4 // count


def _word(k: int) -> Any:
    return ir.Constant(ir.IntType(32), k)


def _load_of_four(constant: bool) -> Any:
    """Four numbers in loads of 16 bytes; constant: that nobody writes meanwhile."""

    @intrinsic
    def load(typing: Any, array: Any, index: Any) -> Any:
        if not _is_flat(array) or not isinstance(index, types.Integer):
            return None
        four = types.UniTuple(array.dtype, 4)

        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vector, count, n = _vectors(context, array)
            at = context.cast(builder, arguments[1], index, types.intp)
            pointer = _address(context, builder, array, arguments[0], at)
            pointer = builder.bitcast(pointer, vector.as_pointer())
            found = []
            for k in range(n):
                part = builder.load(builder.gep(pointer, [_word(k)]), align=WIDE)
                if constant:
                    part.set_metadata("invariant.load", builder.module.add_metadata([]))
                found += [builder.extract_element(part, _word(m)) for m in range(count)]
            return context.make_tuple(builder, four, found)

        return four(array, index), build

    return load


load4 = _load_of_four(constant=False)
fetch4 = _load_of_four(constant=True)


@intrinsic
def store4(typing: Any, array: Any, index: Any, values: Any) -> Any:
    if not _is_flat(array) or not isinstance(index, types.Integer):
        return None
    if not isinstance(values, types.UniTuple) or values.dtype != array.dtype:
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, count, n = _vectors(context, array)
        at = context.cast(builder, arguments[1], index, types.intp)
        pointer = _address(context, builder, array, arguments[0], at)
        pointer = builder.bitcast(pointer, vector.as_pointer())
        for k in range(n):
            whole = ir.Constant(vector, ir.Undefined)
            for m in range(count):
                number = builder.extract_value(arguments[2], count * k + m)
                whole = builder.insert_element(whole, number, _word(m))
            builder.store(whole, builder.gep(pointer, [_word(k)]), align=WIDE)
        return context.get_dummy_value()

    return types.void(array, index, values), build


@intrinsic
def tf32_part(typing: Any, x: Any) -> Any:
    if x != types.float32:
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(arguments[0], ir.IntType(32))
        bits = builder.add(bits, ir.Constant(ir.IntType(32), 0x1000))
        bits = builder.and_(bits, ir.Constant(ir.IntType(32), 0xFFFFE000))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(types.float32), build
