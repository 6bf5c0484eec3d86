"""Nets of tanh layers with one linear output, packed for one kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..array_types import Floats, Int64s, Integers
from ..kernels._simd import lanes, registers
from ..kernels.cpu.tanh_net import (
    BACKWARD,
    FORWARD,
    IN_STRIDE,
    N_COLUMNS,
    N_IN,
    N_OUT,
    OUT_STRIDE,
    SKIP,
    VECTORS,
    TanhNet,
    evaluate_tanh_net,
)
from ..model import Layer
from .aligned import aligned_zeros
from .scratch import Scratch
from .shared_weights import Packed, shared


def serves(layers: Sequence[Layer]) -> bool:
    """Whether the kernel can evaluate a net: else see `layered_net`."""
    *hidden, last = layers
    return (
        len(hidden) > 0
        and all(layer.activation == "tanh" for layer in hidden)
        and hidden[0].skip == "none"
        and all(layer.skip in ("none", "identity") for layer in hidden)
        and (last.activation, last.skip, last.idt) == ("linear", "none", None)
        and last.n_out == 1
    )


class PackedBuffers:
    """What a block of at most ``size`` atoms needs on its way through a net."""

    def __init__(
        self, size: int, widths: Sequence[int], dtype: Any, scratch: Scratch
    ) -> None:
        padded = [_whole(n, dtype) for n in widths]
        self._size, self._dtype = size * (sum(padded) + 2 * max(padded)), dtype
        self._scratch = scratch
        self.factors = np.empty(size)

    @property
    def work(self) -> Floats:
        """Used by one net after another."""
        return self._scratch.take("net", self._size, self._dtype)


class PackedNet:
    """A net that `serves` accepts, in one precision; see `FittingNet`.

    Parameters
    ----------
    layers : of the net; the bias of the last one is not used
    order : (n_in,) the input of the net that each of ours is, or None if it is
        that one
    constant : added to the output
    packed : arrays that nets share; modified

    Attributes
    ----------
    weights : the packed weights, shared by the nets that show the same ones
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        dtype: Any,
        order: Integers | None,
        constant: float,
        packed: Packed,
    ) -> None:
        *hidden, last = layers
        self.dtype = np.dtype(dtype)
        self._widths = tuple(layer.n_out for layer in hidden)
        form = (self.dtype.itemsize, order is None)
        first = hidden[0].weight
        rest = [layer.weight for layer in hidden[1:]]
        self.weights = (
            shared(
                packed,
                form,
                [first],
                lambda: _packed([first if order is None else first[order]], dtype),
            ),
            shared(packed, form, rest, lambda: _packed(rest, dtype)),
        )
        vectors: list[Floats] = []
        for layer in hidden:
            idt = np.ones(layer.n_out) if layer.idt is None else layer.idt
            vectors += [layer.bias, idt]
        vectors.append(last.weight[:, 0])
        self._net = TanhNet(
            layers=_table(hidden, self.dtype),
            first=self.weights[0],
            rest=self.weights[1],
            vectors=_aligned([_padded(v, self.dtype) for v in vectors], self.dtype),
            widest=max(_whole(n, self.dtype) for n in self._widths),
            constant=constant,
        )

    def buffers(self, size: int, scratch: Scratch) -> PackedBuffers:
        """Buffers for blocks of at most ``size`` atoms."""
        return PackedBuffers(size, self._widths, self.dtype, scratch)

    def __call__(
        self,
        x: Floats,
        buffers: PackedBuffers,
        gradient: Floats,
        factor: float | Floats,
    ) -> Floats:
        """See `FittingNet`."""
        size = len(x)
        buffers.factors[:size] = factor
        energies = np.empty(size)
        inputs, stride = _flat(x)
        outputs, step = (inputs, stride) if gradient is x else _flat(gradient)
        evaluate_tanh_net(
            self._net,
            size,
            inputs,
            stride,
            buffers.factors,
            buffers.work,
            outputs,
            step,
            energies,
        )
        return energies


def _table(hidden: Sequence[Layer], dtype: np.dtype[Any]) -> Int64s:
    """`TanhNet.layers`."""
    table = np.zeros((len(hidden), N_COLUMNS), np.int64)
    at = vectors_at = 0
    for k, (row, layer) in enumerate(zip(table, hidden, strict=True)):
        n_in, n_out = layer.n_in, layer.n_out
        inputs, outputs = _whole(n_in, dtype), _whole(n_out, dtype)
        row[[N_IN, N_OUT, IN_STRIDE, OUT_STRIDE]] = n_in, n_out, inputs, outputs
        row[[FORWARD, BACKWARD, VECTORS]] = at, at + outputs * n_in, vectors_at
        row[SKIP] = layer.skip == "identity"
        at = at + outputs * n_in + inputs * n_out if k else 0
        vectors_at += 2 * outputs
    return table


def _packed(matrices: Sequence[Floats], dtype: Any) -> Floats:
    """Weights as `TanhNet` describes them."""
    both = [part for matrix in matrices for part in (matrix, matrix.T)]
    return _aligned([panels(part, dtype) for part in both], dtype)


def _whole(n: int, dtype: Any) -> int:
    """n in whole registers."""
    return int(registers(n, dtype) * lanes(dtype))


def panels(weight: Floats, dtype: Any) -> Floats:
    """(n_in, n_out) as [register of outputs, input, lane], flat."""
    n_in, n_out = weight.shape
    whole = np.zeros((n_in, _whole(n_out, dtype)), dtype)
    whole[:, :n_out] = weight
    return whole.reshape(n_in, -1, lanes(dtype)).transpose(1, 0, 2).reshape(-1)


def _padded(values: Floats, dtype: Any) -> Floats:
    padding = _whole(len(values), dtype) - len(values)
    return np.pad(values.astype(dtype), (0, padding))


def _aligned(parts: Sequence[Floats], dtype: Any) -> Floats:
    """The parts, one behind the other, from a cache line on."""
    joined: Floats = aligned_zeros(sum(part.size for part in parts), dtype)
    if parts:
        np.concatenate(parts, out=joined)
    return joined


def _flat(rows: Floats) -> tuple[Floats, int]:
    """Rows that may be apart as one flat array, and the numbers from row to row."""
    n_rows, n = rows.shape
    item = rows.itemsize
    stride = rows.strides[0] // item if n_rows > 1 else n
    flat = as_strided(rows, ((n_rows - 1) * stride + n,), (item,))
    return flat, stride
