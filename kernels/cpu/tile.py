"""A tile of a matrix product that stays in registers.

The right factor is packed: register j of its rows 0…K−1 lies in K consecutive
registers, ``[register, row, lane]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic
from numba.core.registry import cpu_target

from .._simd import REGISTER_BYTES, lanes_of


def _shape() -> tuple[int, int]:
    """Rows and registers of a tile, as the machine's registers allow.

    AVX-512 has 32 of 64 bytes: 24 sums, 3 weights, 1 input. AVX2 has 16 of 32
    bytes and arm64 has 32 of 16: there the sums of 6 rows of one register fit.
    """
    triple, _, detected = cpu_target.target_context.codegen().magic_tuple()
    features = (numba.config.CPU_FEATURES or detected).split(",")
    if "+avx512f" in features:
        return 8, 3
    if "+avx2" in features or triple.startswith(("aarch64", "arm64")):
        return 6, 1
    return 2, 1


TILE_ROWS, TILE_REGISTERS = _shape()

_INDEX = ir.IntType(64)


class _Operand:
    """A flat array of the product as LLVM sees it."""

    def __init__(self, context: Any, builder: Any, array: Any, data: Any) -> None:
        self._builder = builder
        self._data = context.make_array(array)(context, builder, data).data
        self.bits = array.dtype.bitwidth
        self._element = ir.DoubleType() if self.bits == 64 else ir.FloatType()
        self.lanes = REGISTER_BYTES * 8 // self.bits
        self.vector = ir.VectorType(self._element, self.lanes)

    def at(self, index: Any) -> Any:
        return self._builder.gep(self._data, [index])

    def register(self, pointer: Any, offset: Any) -> Any:
        """The pointer to a register ``offset`` elements further."""
        place = self._builder.gep(pointer, [offset])
        return self._builder.bitcast(place, self.vector.as_pointer())

    def load(self, pointer: Any) -> Any:
        return self._builder.load(pointer, align=self.bits // 8)

    def store(self, value: Any, pointer: Any) -> None:
        self._builder.store(value, pointer, align=self.bits // 8)

    def prefetch(self, pointer: Any) -> None:
        """Bring a cache line into the second cache."""
        byte, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, integer, integer, integer])
        function = cgutils.get_or_insert_function(
            self._builder.module, kind, "llvm.prefetch.p0i8"
        )
        read, second, data = integer(0), integer(2), integer(1)
        place = self._builder.bitcast(pointer, byte)
        self._builder.call(function, [place, read, second, data])

    def spread(self, pointer: Any) -> Any:
        """The element in every lane."""
        blank = ir.Constant(self.vector, ir.Undefined)
        zero = ir.Constant(ir.IntType(32), 0)
        single = self._builder.insert_element(blank, self.load(pointer), zero)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self._builder.shuffle_vector(single, blank, mask)


def _emit(
    context: Any,
    builder: Any,
    signature: Any,
    arguments: Any,
    rows: int,
    registers: int,
) -> None:
    kinds = signature.args
    x_data, x_at, x_stride, n_rows, w_data, w_at, depth, next_at = arguments[:8]
    y_data, y_at, y_stride, accumulate = arguments[8:]
    x, w, y = (
        _Operand(context, builder, kinds[k], data)
        for k, data in ((0, x_data), (4, w_data), (8, y_data))
    )
    last = builder.sub(n_rows, _INDEX(1))
    inputs, outputs = [], []
    for i in range(rows):
        row = builder.select(builder.icmp_signed("<", last, _INDEX(i)), last, _INDEX(i))
        inputs.append(x.at(builder.add(x_at, builder.mul(row, x_stride))))
        first = y.at(builder.add(y_at, builder.mul(row, y_stride)))
        outputs += [y.register(first, _INDEX(j * y.lanes)) for j in range(registers)]
    panel = builder.mul(depth, _INDEX(w.lanes))
    weights = [
        w.at(builder.add(w_at, builder.mul(panel, _INDEX(j)))) for j in range(registers)
    ]
    entry = builder.block
    before, loop, after = (
        builder.append_basic_block(f"tile.{name}") for name in ("old", "loop", "done")
    )
    builder.cbranch(accumulate, before, loop)
    builder.position_at_end(before)
    old = [y.load(pointer) for pointer in outputs]
    builder.branch(loop)
    builder.position_at_end(loop)
    k = builder.phi(_INDEX)
    sums = [builder.phi(y.vector) for _ in outputs]
    for value, block in ((old, before), (None, entry)):
        k.add_incoming(_INDEX(0), block)
        for n, total in enumerate(sums):
            zero = ir.Constant(y.vector, None)
            total.add_incoming(zero if value is None else value[n], block)
    fma = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(y.vector, [y.vector] * 3),
        f"llvm.fmuladd.v{y.lanes}f{y.bits}",
    )
    offset = builder.mul(k, _INDEX(w.lanes))
    w.prefetch(builder.gep(w.at(next_at), [offset]))
    right = [w.load(w.register(pointer, offset)) for pointer in weights]
    new = []
    for i, pointer in enumerate(inputs):
        left = x.spread(builder.gep(pointer, [k]))
        for j, value in enumerate(right):
            new.append(builder.call(fma, [left, value, sums[i * registers + j]]))
    following = builder.add(k, _INDEX(1))
    k.add_incoming(following, loop)
    for total, value in zip(sums, new, strict=True):
        total.add_incoming(value, loop)
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
    builder.position_at_end(after)
    for value, pointer in zip(new, outputs, strict=True):
        y.store(value, pointer)


def tile_product(rows: int, registers: int) -> Callable[..., None]:
    """The function that makes a tile of this many rows and registers.

    ``f(x, x_at, x_stride, n_rows, w, w_at, depth, next_at, y, y_at, y_stride,
    accumulate)`` writes, or with ``accumulate`` adds, Σ_k x[row, k]·w[k, column] to
    y. x, w and y are flat arrays of one dtype; x and y start at ``x_at`` and
    ``y_at`` and have a row every ``stride`` elements, w starts at ``w_at`` and is
    packed, K = ``depth`` ≥ 1. The K registers of w from ``next_at`` are brought
    closer; they need not exist.

    Of more rows than ``n_rows`` ≥ 1 the last one is made again, so nothing beyond
    is touched; where half of the tile is enough, only that half is made. The sum
    runs over k in order: it does not depend on where in a tile a row is.
    """
    if numba.config.DISABLE_JIT:

        def product(*arguments: Any) -> None:
            _tile(*arguments, rows, registers)

        return product

    half = (rows + 1) // 2

    @intrinsic
    def tile(
        typing: Any,
        x: Any,
        x_at: Any,
        x_stride: Any,
        n_rows: Any,
        w: Any,
        w_at: Any,
        depth: Any,
        next_at: Any,
        y: Any,
        y_at: Any,
        y_stride: Any,
        accumulate: Any,
    ) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            most = ir.Constant(_INDEX, half)
            few = builder.icmp_signed("<=", arguments[3], most)
            with builder.if_else(few) as (then, otherwise):
                with then:
                    _emit(context, builder, signature, arguments, half, registers)
                with otherwise:
                    _emit(context, builder, signature, arguments, rows, registers)
            return context.get_dummy_value()

        n = types.intp
        return types.void(x, n, n, n, w, n, n, n, y, n, n, types.boolean), build

    made: Callable[..., None] = tile
    return made


def _tile(
    x: Any,
    x_at: int,
    x_stride: int,
    n_rows: int,
    w: Any,
    w_at: int,
    depth: int,
    next_at: int,
    y: Any,
    y_at: int,
    y_stride: int,
    accumulate: bool,
    rows: int,
    registers: int,
) -> None:
    width = lanes_of(y)
    weights = w[w_at : w_at + registers * depth * width]
    weights = weights.reshape(registers, depth, width)
    for row in range(min(rows, n_rows)):
        left = x[x_at + row * x_stride :][:depth]
        target = y[y_at + row * y_stride :][: registers * width]
        new = np.einsum("k,rkl->rl", left, weights).reshape(-1)
        target[...] = target + new if accumulate else new
