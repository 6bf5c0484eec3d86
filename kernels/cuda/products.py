"""Products of the moments' channels: twin of the processors' `products`."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from ..layout import Floats, Ints, Place
from ._cuda import WARP, WARPS, cuda, kernel
from ._ptx import fetch4, first_item, lane, pick, pick_from, put, warp
from .layout import BatchPairs

FOUR = 4
TILE_ROW = WARP + 1  # numbers: those of a column are in 32 banks
TILE = WARP * TILE_ROW


class ProductColumns(NamedTuple):
    """`layout.Products`, with the column of each product."""

    places: Ints  # (n_rows/4 · K · 4,) int32, column of S[a, k] or −1, of four a
    rows: int  # n_rows ≤ K, with rows of −1 a multiple of four
    channels: int  # K of z[c], a multiple of four


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

    A lane takes a right channel k and keeps it in registers.

    Parameters
    ----------
    moments : (B · 4 · K,) z
    out : (B · S,) modified
    """
    row = first_item()
    if row >= n_atoms:
        return
    channels = form.channels
    z = row * 4 * channels
    to = row * place.stride + place.offset
    for chunk in range(0, channels, WARP):
        k = chunk + lane()
        if k < channels:
            right_0 = pick(moments, z + k)
            right_1 = pick(moments, z + channels + k)
            right_2 = pick(moments, z + 2 * channels + k)
            right_3 = pick(moments, z + 3 * channels + k)
            for four in range(0, form.rows, FOUR):
                left_0 = fetch4(moments, z + four)
                left_1 = fetch4(moments, z + channels + four)
                left_2 = fetch4(moments, z + 2 * channels + four)
                left_3 = fetch4(moments, z + 3 * channels + four)
                columns = fetch4(form.places, four * channels + FOUR * k)
                for m in range(FOUR):
                    s = left_0[m] * right_0
                    s += left_1[m] * right_1
                    s += left_2[m] * right_2
                    s += left_3[m] * right_3
                    if columns[m] >= 0:
                        put(out, to + columns[m], s)


@cache
def product_gradients_kernel(dtype: Any) -> Any:
    """`product_gradients` for numbers of this dtype."""
    room = WARPS * TILE

    def product_gradients(
        moments: Floats,
        slopes: Floats,
        n_atoms: int,
        form: ProductColumns,
        place: Place,
        out: Floats,
    ) -> None:
        """dE/dz of a batch from dE/dS; see `products`.

        A lane takes a channel: first as the right one of the products, where the lanes
        read neighbouring slopes, then as the left one, from a tile of them in shared
        memory.

        Parameters
        ----------
        slopes : (B · S,) dE/dS
        out : (B · 4 · K,) modified
        """
        tile = cuda.shared.array(room, dtype)
        row = first_item()
        if row >= n_atoms:
            return
        real = moments.dtype.type
        channels = form.channels
        z = row * 4 * channels
        at = row * place.stride + place.offset
        own = lane()
        base = warp() * TILE
        for chunk in range(0, channels, WARP):
            k = chunk + own
            mine = min(k, channels - 1)
            sum_0 = real(0)
            sum_1 = real(0)
            sum_2 = real(0)
            sum_3 = real(0)
            for four in range(0, form.rows, FOUR):
                left_0 = fetch4(moments, z + four)
                left_1 = fetch4(moments, z + channels + four)
                left_2 = fetch4(moments, z + 2 * channels + four)
                left_3 = fetch4(moments, z + 3 * channels + four)
                columns = fetch4(form.places, four * channels + FOUR * mine)
                for m in range(FOUR):
                    s = pick_from(slopes, at, max(columns[m], 0))
                    s = s if columns[m] >= 0 else real(0)
                    sum_0 += s * left_0[m]
                    sum_1 += s * left_1[m]
                    sum_2 += s * left_2[m]
                    sum_3 += s * left_3[m]
                    if channels <= WARP:
                        put(tile, base + (four + m) * TILE_ROW + own, s)
            n = min(form.rows - chunk, WARP)
            for other in range(0, channels if n > 0 else 0, WARP):
                if channels > WARP:
                    right = min(other + own, channels - 1)
                    for four in range(0, n, FOUR):
                        a = chunk + four
                        columns = fetch4(form.places, a * channels + FOUR * right)
                        for m in range(FOUR):
                            s = pick_from(slopes, at, max(columns[m], 0))
                            s = s if columns[m] >= 0 else real(0)
                            put(tile, base + (four + m) * TILE_ROW + own, s)
                cuda.syncwarp()
                if own < n:
                    turned = base + own * TILE_ROW
                    for four in range(0, min(channels - other, WARP), FOUR):
                        right_0 = fetch4(moments, z + other + four)
                        right_1 = fetch4(moments, z + channels + other + four)
                        right_2 = fetch4(moments, z + 2 * channels + other + four)
                        right_3 = fetch4(moments, z + 3 * channels + other + four)
                        for m in range(FOUR):
                            s = pick(tile, turned + four + m)
                            sum_0 += s * right_0[m]
                            sum_1 += s * right_1[m]
                            sum_2 += s * right_2[m]
                            sum_3 += s * right_3[m]
                cuda.syncwarp()
            if k < channels:
                put(out, z + k, sum_0)
                put(out, z + channels + k, sum_1)
                put(out, z + 2 * channels + k, sum_2)
                put(out, z + 3 * channels + k, sum_3)

    return kernel(product_gradients)
