"""The descriptor: products of the moments' channels; twin of `kernels.cpu.products`."""

from __future__ import annotations

from typing import NamedTuple

from ..layout import Floats, Ints, Place
from ._cuda import WARP, kernel
from ._ptx import first_item, lane, pick, put
from .layout import BatchPairs

CHANNEL = 2**16  # in a column: k + a · CHANNEL


class ProductColumns(NamedTuple):
    """`layout.Products` column by column.

    S[a, k] stands in column ``first[a] + k − starts[a]``.
    """

    columns: Ints  # (n_products,) int32, k + a · CHANNEL
    starts: Ints  # (n_rows,) int32
    ends: Ints  # (n_rows,) int32
    first: Ints  # (n_rows,) int32
    channels: int  # K of z[c]


@kernel
def add_empty_slots(
    pairs: BatchPairs, sel: Ints, padding: Floats, moments: Floats
) -> None:
    """Add what empty slots give to component 0 of a batch's mixed moments.

    Parameters
    ----------
    sel : (G,) int64
    padding : (G, K) of one empty slot of each group
    moments : (B · 4 · K,) modified
    """
    row = first_item()
    if row >= pairs.count:
        return
    real = moments.dtype.type
    n_groups, channels = padding.shape
    for k in range(lane(), channels, WARP):
        total = real(0)
        for g in range(n_groups):
            empty = sel[g] - pairs.counts[row * n_groups + g]
            total += real(empty) * padding[g, k]
        at = row * 4 * channels + k
        put(moments, at, pick(moments, at) + total)


@kernel
def products(
    moments: Floats, n_atoms: int, form: ProductColumns, place: Place, out: Floats
) -> None:
    """S[a, k] = Σ_c z[c, a] z[c, k] of a batch.

    Parameters
    ----------
    moments : (B · 4 · K,) z
    out : (B · S,) modified
    """
    row = first_item()
    if row >= n_atoms:
        return
    z = row * 4 * form.channels
    to = row * place.stride + place.offset
    for column in range(lane(), form.columns.size, WARP):
        packed = pick(form.columns, column)
        left = z + packed // CHANNEL
        right = z + packed % CHANNEL
        total = pick(moments, left) * pick(moments, right)
        for _ in range(3):
            left += form.channels
            right += form.channels
            total += pick(moments, left) * pick(moments, right)
        put(out, to + column, total)


@kernel
def product_gradients(
    moments: Floats,
    slopes: Floats,
    n_atoms: int,
    form: ProductColumns,
    place: Place,
    out: Floats,
) -> None:
    """dE/dz of a batch from dE/dS; see `products`.

    Parameters
    ----------
    slopes : (B · S,) dE/dS
    out : (B · 4 · K,) modified
    """
    row = first_item()
    if row >= n_atoms:
        return
    real = moments.dtype.type
    channels = form.channels
    z = row * 4 * channels
    at = row * place.stride + place.offset
    n_rows = form.starts.size
    for k in range(lane(), channels, WARP):
        sum_0 = real(0)
        sum_1 = real(0)
        sum_2 = real(0)
        sum_3 = real(0)
        for a in range(n_rows):
            start = pick(form.starts, a)
            if start <= k < pick(form.ends, a):
                s = pick(slopes, at + pick(form.first, a) + k - start)
                left = z + a
                sum_0 += s * pick(moments, left)
                sum_1 += s * pick(moments, left + channels)
                sum_2 += s * pick(moments, left + 2 * channels)
                sum_3 += s * pick(moments, left + 3 * channels)
        if k < n_rows:
            start = pick(form.starts, k)
            first = at + pick(form.first, k) - start
            for other in range(start, pick(form.ends, k)):
                s = pick(slopes, first + other)
                right = z + other
                sum_0 += s * pick(moments, right)
                sum_1 += s * pick(moments, right + channels)
                sum_2 += s * pick(moments, right + 2 * channels)
                sum_3 += s * pick(moments, right + 3 * channels)
        put(out, z + k, sum_0)
        put(out, z + k + channels, sum_1)
        put(out, z + k + 2 * channels, sum_2)
        put(out, z + k + 3 * channels, sum_3)
