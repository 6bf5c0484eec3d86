"""Rows of four numbers (x, y, z and one more) and the registers of their columns.

A register holds one column of as many rows as it has lanes. With
``NUMBA_DISABLE_JIT`` the same names work on NumPy arrays, as in `_simd`.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.extending import intrinsic

from ._simd import Register, lanes_of

WORD = ir.IntType(32)


def _shuffled(builder: Any, a: Any, b: Any, order: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(WORD, len(order)), order)
    return builder.shuffle_vector(a, b, mask)


def _place(context: Any, builder: Any, array: Any, data: Any, at: Any) -> Any:
    struct = context.make_array(array)(context, builder, data)
    return builder.gep(struct.data, [at])


def _four(builder: Any, place: Any) -> Any:
    """A pointer to four numbers."""
    return builder.bitcast(place, ir.VectorType(place.type.pointee, 4).as_pointer())


@intrinsic
def _columns_at(typing: Any, array: Any, index: Any, at: Any) -> Any:
    register = Register(array.dtype)
    n = register.count

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        align = array.dtype.bitwidth // 8
        rows = []
        for k in range(n):
            lane = builder.add(arguments[2], ir.Constant(arguments[2].type, k))
            place = _place(context, builder, index, arguments[1], lane)
            row = builder.zext(builder.load(place), lane.type)
            start = builder.shl(row, ir.Constant(lane.type, 2))
            place = _place(context, builder, array, arguments[0], start)
            rows.append(builder.load(_four(builder, place), align=align))
        step = n // 4
        wide = []
        for k in range(4):  # rows k, k + 4, …: a block of four rows each
            parts = rows[k::4]
            while len(parts) > 1:
                size = 2 * parts[0].type.count
                pairs = zip(parts[::2], parts[1::2], strict=True)
                parts = [_shuffled(builder, a, b, list(range(size))) for a, b in pairs]
            wide += parts
        blocks = range(0, n, 4)
        low = [lane for b in blocks for lane in (b, n + b, b + 2, n + b + 2)]
        high = [lane + 1 for lane in low]
        first = [lane for b in blocks for lane in (b, b + 1, n + b, n + b + 1)]
        second = [lane + 2 for lane in first]
        assert step == len(blocks)
        x_z, y_w = (
            [_shuffled(builder, *wide[k : k + 2], order) for k in (0, 2)]
            for order in (low, high)
        )
        columns = [
            _shuffled(builder, *pair, order)
            for order in (first, second)
            for pair in (x_z, y_w)
        ]
        return context.make_tuple(builder, signature.return_type, columns)

    return types.UniTuple(register, 4)(array, index, types.intp), build


@intrinsic
def _columns(typing: Any, array: Any, at: Any) -> Any:
    register = Register(array.dtype)
    n = register.count

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = context.get_value_type(register)
        place = _place(context, builder, array, *arguments)
        place = builder.bitcast(place, vector.as_pointer())
        align = array.dtype.bitwidth // 8
        v = [
            builder.load(builder.gep(place, [ir.Constant(WORD, k)]), align=align)
            for k in range(4)
        ]
        even, odd = list(range(0, 2 * n, 2)), list(range(1, 2 * n, 2))
        x_z, y_w = (
            [_shuffled(builder, *v[k : k + 2], order) for k in (0, 2)]
            for order in (even, odd)
        )
        columns = [
            _shuffled(builder, *pair, order)
            for order in (even, odd)
            for pair in (x_z, y_w)
        ]
        return context.make_tuple(builder, signature.return_type, columns)

    return types.UniTuple(register, 4)(array, types.intp), build


@intrinsic
def _store_rows(
    typing: Any, array: Any, at: Any, x: Any, y: Any, z: Any, w: Any
) -> Any:
    n = x.count

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x_, y_, z_, w_ = arguments[2:]
        low = [lane for k in range(n // 2) for lane in (k, n + k)]
        high = [lane + n // 2 for lane in low]
        place = _place(context, builder, array, *arguments[:2])
        place = builder.bitcast(place, x_.type.as_pointer())
        k = 0
        for half in (low, high):
            x_z = _shuffled(builder, x_, z_, half)
            y_w = _shuffled(builder, y_, w_, half)
            for order in (low, high):
                value = _shuffled(builder, x_z, y_w, order)
                target = builder.gep(place, [ir.Constant(WORD, k)])
                builder.store(value, target, align=array.dtype.bitwidth // 8)
                k += 1
        return context.get_dummy_value()

    return types.void(array, types.intp, x, x, x, x), build


@intrinsic
def _subtract_row(typing: Any, array: Any, at: Any, rows: Any, k: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target = _four(builder, _place(context, builder, array, *arguments[:2]))
        source = _four(builder, _place(context, builder, rows, *arguments[2:]))
        align = array.dtype.bitwidth // 8
        taken = builder.load(source, align=align)
        left = builder.fsub(builder.load(target, align=align), taken)
        builder.store(left, target, align=align)
        return context.get_dummy_value()

    return types.void(array, types.intp, rows, types.intp), build


@intrinsic
def _store_totals(
    typing: Any, array: Any, at: Any, a: Any, b: Any, c: Any, d: Any
) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        parts = list(arguments[2:])
        n, size = a.count, 1
        while len(parts) > 1:  # sums of neighbouring lanes, of two registers in turns
            groups = range(0, n, 2 * size)
            even = [v + g + k for g in groups for v in (0, n) for k in range(size)]
            odd = [lane + size for lane in even]
            parts = [
                builder.fadd(
                    _shuffled(builder, *pair, even), _shuffled(builder, *pair, odd)
                )
                for pair in zip(parts[::2], parts[1::2], strict=True)
            ]
            size *= 2
        part = parts[0]
        while n > 4:
            n //= 2
            halves = (list(range(n)), list(range(n, 2 * n)))
            part = builder.fadd(*(_shuffled(builder, part, part, h) for h in halves))
        if array.dtype != a.dtype:
            element = context.get_value_type(array.dtype)
            part = builder.fpext(part, ir.VectorType(element, 4))
        place = _four(builder, _place(context, builder, array, *arguments[:2]))
        builder.store(part, place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, a, a, a, a), build


if numba.config.DISABLE_JIT:

    def columns_at(array: Any, index: Any, at: int) -> Any:
        """The four columns of the rows index[at], index[at + 1], … of a flat array."""
        return tuple(array.reshape(-1, 4)[index[at : at + lanes_of(array)]].T.copy())

    def columns(array: Any, at: int) -> Any:
        """The four columns of the rows that start at a place of a flat array."""
        return tuple(array[at : at + 4 * lanes_of(array)].reshape(-1, 4).T.copy())

    def store_rows(array: Any, at: int, x: Any, y: Any, z: Any, w: Any) -> None:
        """Write four registers as the columns of rows."""
        array[at : at + 4 * x.size] = np.stack([x, y, z, w], axis=1).reshape(-1)

    def subtract_row(array: Any, at: int, rows: Any, k: int) -> None:
        """array[at : at + 4] -= rows[k : k + 4]."""
        array[at : at + 4] -= rows[k : k + 4]

    def store_totals(array: Any, at: int, a: Any, b: Any, c: Any, d: Any) -> None:
        """Write the sums of the lanes of four registers, in the array's precision."""
        array[at : at + 4] = a.sum(), b.sum(), c.sum(), d.sum()

else:
    columns_at, columns, store_rows = _columns_at, _columns, _store_rows
    subtract_row, store_totals = _subtract_row, _store_totals
