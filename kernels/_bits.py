"""Which lanes of a register, as bits of an integer, and the numbers they stand for.

With ``NUMBA_DISABLE_JIT`` the same names work on NumPy arrays, as in `_simd`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.extending import intrinsic

LANES = 8  # of a stored row of int32: one for each float64 of a register

BYTE, WORD, LONG = (ir.IntType(bits) for bits in (8, 32, 64))
BYTES, WORDS = ir.VectorType(BYTE, LANES), ir.VectorType(WORD, LANES)


def _set_bits(number: int) -> list[int]:
    return [bit for bit in range(LANES) if number >> bit & 1]


def _flags(order: str) -> Any:
    """Bits of the lanes where a compares so with b."""

    @intrinsic
    def flags(typing: Any, a: Any, b: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            lanes = builder.fcmp_ordered(order, *arguments)
            return builder.zext(builder.bitcast(lanes, ir.IntType(a.count)), LONG)

        return types.int64(a, a), build

    return flags


_below, _equal = _flags("<"), _flags("==")


@intrinsic
def _lowest_bit(typing: Any, bits: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), build


@intrinsic
def _count_bits(typing: Any, bits: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), build


def _table(module: Any) -> Any:
    """A constant of the module: for each of 256 numbers which of its bits are set."""
    name, row = "dpse_fast_set_bits", ir.ArrayType(BYTE, LANES)
    if name not in module.globals:
        found = [(_set_bits(number) + [0] * LANES)[:LANES] for number in range(256)]
        table = ir.GlobalVariable(module, ir.ArrayType(row, 256), name)
        table.linkage, table.global_constant = "internal", True
        table.initializer = ir.Constant(
            table.value_type, [ir.Constant(row, bits) for bits in found]
        )
    return module.globals[name]


@intrinsic
def _store_set(typing: Any, array: Any, index: Any, start: Any, bits: Any) -> Any:
    flat = isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"
    if not flat or array.dtype != types.int32:
        return None

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, index, start, bits = arguments
        row = builder.gep(_table(builder.module), [ir.Constant(LONG, 0), bits])
        lanes = builder.load(builder.bitcast(row, BYTES.as_pointer()), align=1)
        unknown, zero = ir.Constant(WORDS, ir.Undefined), ir.Constant(WORD, 0)
        single = builder.insert_element(unknown, builder.trunc(start, WORD), zero)
        all_ = builder.shuffle_vector(single, unknown, ir.Constant(WORDS, None))
        value = builder.add(builder.zext(lanes, WORDS), all_)
        struct = context.make_array(array)(context, builder, data)
        place = builder.gep(struct.data, [index])
        builder.store(value, builder.bitcast(place, WORDS.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64, types.int64), build


if numba.config.DISABLE_JIT:

    def below(a: Any, b: Any) -> int:
        """Bits of the lanes where a < b."""
        return int((a < b) @ (1 << np.arange(a.size)))

    def equal(a: Any, b: Any) -> int:
        """Bits of the lanes where a == b."""
        return int((a == b) @ (1 << np.arange(a.size)))

    def lowest_bit(bits: int) -> int:
        """Which is the first that is set, of at least one."""
        return int(bits & -bits).bit_length() - 1

    def count_bits(bits: int) -> int:
        """How many are set."""
        return int(bits).bit_count()

    def store_set(array: Any, index: int, start: int, bits: int) -> None:
        """Write start + k for each bit k < 8 that is set; up to 8 numbers change."""
        found = _set_bits(bits)
        array[index : index + len(found)] = start + np.array(found, array.dtype)

else:
    below, equal, store_set = _below, _equal, _store_set
    count_bits, lowest_bit = _count_bits, _lowest_bit
