"""The embedding matrix contracted with R: twin of the processors' `moments`.

A warp takes a row. Its lanes first take a pair each and put its row of R into shared
memory; then streams of lanes take the pairs in turns, each lane with channels of its
own in registers.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..layout import Channels, EnvironmentRows, Floats
from ._cuda import WARP, WARPS, cuda, kernel
from ._ptx import EVERYONE, first_item, lane, pick, put, warp
from .geometry import Staged, stage
from .layout import BatchPairs
from .quintic import lane_quintic, load_row
from .streams import Streams


@cache
def moments_kernel(streams: Streams, dtype: Any) -> Any:
    """`moments` for tables of this layout and dtype."""
    lanes, channels_, sweeps = streams
    n_streams = WARP // lanes
    vectors = streams.vectors
    n_coefficients = 4 * vectors
    n_sums = 4 * channels_
    sweep_vectors = vectors * lanes
    sweep_channels = lanes * channels_
    room_shared = WARPS * WARP

    def moments(
        pairs: BatchPairs,
        species: int,
        form: EnvironmentRows,
        channels: Channels,
        table: Floats,
        out: Floats,
    ) -> None:
        """T_k = Σ_j G(r_ij) R_k of every row of a batch, k = 0…3.

        Parameters
        ----------
        species : type of the batch's rows
        table : of G/N, see `Streams`
        out : (B · 4 · C,) modified
        """
        offsets = cuda.shared.array(room_shared, dtype)
        places = cuda.shared.array(room_shared, "int32")
        row_0 = cuda.shared.array(room_shared, dtype)
        row_1 = cuda.shared.array(room_shared, dtype)
        row_2 = cuda.shared.array(room_shared, dtype)
        row_3 = cuda.shared.array(room_shared, dtype)
        sums = cuda.local.array(n_sums, dtype)
        c = cuda.local.array(n_coefficients, dtype)
        row = first_item()
        if row >= pairs.count:
            return
        real = table.dtype.type
        own = lane()
        part = own % lanes
        stream = own // lanes
        base = warp() * WARP
        n_types = channels.count.shape[0]
        total = channels.total[species]
        segment = (pairs.begin + row) * n_types
        listed = pairs.first[pairs.begin * n_types]
        staged = Staged(offsets, places, row_0, row_1, row_2, row_3)
        for sweep in range(sweeps):
            t = 0
            while t < n_types:
                start = channels.start[species, t]
                for k in range(n_sums):
                    sums[k] = real(0)
                while t < n_types and channels.start[species, t] == start:
                    met = pick(pairs.met, row * n_types + t)
                    begin = pick(pairs.first, segment + t) - listed
                    for chunk in range(0, met, WARP):
                        p = begin + chunk + own
                        if chunk + own < met:
                            stage(pairs, p, form, species, t, staged, base + own, real)
                        cuda.syncwarp()
                        n = min(WARP, met - chunk)
                        for k in range(stream, n, n_streams):
                            x = offsets[base + k]
                            at = places[base + k] + sweep * sweep_vectors + part
                            load_row(table, at, lanes, vectors, c)
                            r_0 = row_0[base + k]
                            r_1 = row_1[base + k]
                            r_2 = row_2[base + k]
                            r_3 = row_3[base + k]
                            for m in range(channels_):
                                g = lane_quintic(c, channels_, m, x)
                                sums[4 * m] += g * r_0
                                sums[4 * m + 1] += g * r_1
                                sums[4 * m + 2] += g * r_2
                                sums[4 * m + 3] += g * r_3
                        cuda.syncwarp()
                    t += 1
                first = row * 4 * total + start + sweep * sweep_channels + part
                for m in range(channels_):
                    for k in range(4):
                        value = sums[4 * m + k]
                        width = lanes
                        while width < WARP:
                            value += cuda.shfl_xor_sync(EVERYONE, value, width)
                            width *= 2
                        if stream == 0:
                            put(out, first + k * total + m * lanes, value)

    return kernel(moments, blocks=3 if dtype == np.float64 else 4)
