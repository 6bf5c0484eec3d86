"""Numbers of flat arrays where an index is never negative, nor checked.

Python's negative indices cost a shift, an AND and an addition each. With
``NUMBA_DISABLE_JIT`` the same names work on NumPy arrays, as in `_simd`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.extending import intrinsic

from ._simd import Register, lanes


def _at(context: Any, builder: Any, array: Any, data: Any, index: Any) -> Any:
    struct = context.make_array(array)(context, builder, data)
    return builder.gep(struct.data, [index])


@intrinsic
def _pick(typing: Any, array: Any, index: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = builder.load(_at(context, builder, array, *arguments))
        if array.dtype.bitwidth == 64:
            return value
        return builder.sext(value, ir.IntType(64))

    return types.int64(array, types.intp), build


@intrinsic
def _spread(typing: Any, array: Any, index: Any) -> Any:
    register = Register(array.dtype)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(register)
        value = builder.load(_at(context, builder, array, *arguments))
        unknown = ir.Constant(vector, ir.Undefined)
        single = builder.insert_element(unknown, value, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), register.count), None)
        return builder.shuffle_vector(single, unknown, mask)

    return register(array, types.intp), build


@intrinsic
def _load_double(typing: Any, array: Any, index: Any) -> Any:
    register = Register(types.float64)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        element = context.get_value_type(array.dtype)
        vector = ir.VectorType(element, register.count).as_pointer()
        place = builder.bitcast(_at(context, builder, array, *arguments), vector)
        value = builder.load(place, align=array.dtype.bitwidth // 8)
        if array.dtype == types.float64:
            return value
        return builder.fpext(value, context.get_value_type(register))

    return register(array, types.intp), build


if numba.config.DISABLE_JIT:

    def pick(array: Any, index: int) -> int:
        """An integer."""
        return int(array[index])

    def spread(array: Any, index: int) -> Any:
        """One number in all lanes of a register."""
        return np.full(lanes(array.dtype), array[index])

    def load_double(array: Any, index: int) -> Any:
        """Eight numbers of any precision as a register of float64."""
        return array[index : index + lanes(np.float64)].astype(np.float64)

else:
    pick, spread, load_double = _pick, _spread, _load_double
