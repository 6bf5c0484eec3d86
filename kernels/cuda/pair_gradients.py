"""From dE/dT to dE_i/dd of every pair: twin of the processors' `pair_gradients`.

The warps are organised as in `moments`; what a lane's channels give is summed over the
lanes of a stream, four numbers of a pair at once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..layout import Channels, EnvironmentRows, Floats
from ._cuda import WARP, WARPS, cuda, device, kernel
from ._ptx import EVERYONE, first_item, lane, pick, put, warp
from .geometry import Staged, stage
from .layout import BatchPairs, PairGradients
from .quintic import lane_quintic_jet, load_row
from .streams import Streams

FOUR = 4  # numbers of a pair


@device
def _lane_of_four(own: int, a: Any, b: Any, c: Any, d: Any, lanes: int) -> Any:
    """A sum over the stream's lanes: of a, b, c or d by the lane's bits 2 and 1."""
    high = own & 4
    keep_0 = c if high else a
    keep_1 = d if high else b
    keep_0 += cuda.shfl_xor_sync(EVERYONE, a if high else c, 4)
    keep_1 += cuda.shfl_xor_sync(EVERYONE, b if high else d, 4)
    low = own & 2
    keep = keep_1 if low else keep_0
    keep += cuda.shfl_xor_sync(EVERYONE, keep_0 if low else keep_1, 2)
    keep += cuda.shfl_xor_sync(EVERYONE, keep, 1)
    if lanes > 8:
        keep += cuda.shfl_xor_sync(EVERYONE, keep, 8)
    if lanes > 16:
        keep += cuda.shfl_xor_sync(EVERYONE, keep, 16)
    return keep


@cache
def pair_gradients_kernel(streams: Streams, dtype: Any) -> Any:
    """`pair_gradients` for tables of this layout, of 8 lanes or more, and dtype."""
    lanes, channels_, sweeps = streams
    n_streams = WARP // lanes
    vectors = streams.vectors
    n_coefficients = 4 * vectors
    n_slopes = 4 * channels_
    sweep_vectors = vectors * lanes
    sweep_channels = lanes * channels_
    room_shared = WARPS * WARP
    room_sums = room_shared * FOUR

    def pair_gradients(
        pairs: BatchPairs,
        species: int,
        form: EnvironmentRows,
        channels: Channels,
        table: Floats,
        slopes: Floats,
        out: PairGradients,
    ) -> None:
        """Add dE_i/dd_ij of every pair of a batch, eV/Å.

        Parameters
        ----------
        slopes : (B · 4 · C,) dE_i/dT
        out : modified
        """
        offsets = cuda.shared.array(room_shared, dtype)
        places = cuda.shared.array(room_shared, "int32")
        row_0 = cuda.shared.array(room_shared, dtype)
        row_1 = cuda.shared.array(room_shared, dtype)
        row_2 = cuda.shared.array(room_shared, dtype)
        row_3 = cuda.shared.array(room_shared, dtype)
        turns = cuda.shared.array(room_shared, dtype)
        sums = cuda.shared.array(room_sums, dtype)
        s = cuda.local.array(n_slopes, dtype)
        c = cuda.local.array(n_coefficients, dtype)
        row = first_item()
        if row >= pairs.count:
            return
        real = table.dtype.type
        of = pairs.differences.dtype.type
        own = lane()
        part = own % lanes
        stream = own // lanes
        base = warp() * WARP
        n_types = channels.count.shape[0]
        total = channels.total[species]
        segment = (pairs.begin + row) * n_types
        listed = pairs.first[pairs.begin * n_types]
        staged = Staged(offsets, places, row_0, row_1, row_2, row_3)
        place = pick(pairs.first, segment) - out.base
        for t in range(n_types):
            met = pick(pairs.met, row * n_types + t)
            begin = pick(pairs.first, segment + t) - listed
            start = channels.start[species, t]
            first = row * 4 * total + start + part
            for sweep in range(sweeps):
                if met > 0:
                    lane_0 = first + sweep * sweep_channels
                    for m in range(channels_):
                        for k in range(4):
                            at = lane_0 + k * total + m * lanes
                            s[4 * m + k] = pick(slopes, at)
                for chunk in range(0, met, WARP):
                    p = begin + chunk + own
                    mine = chunk + own < met
                    dx = of(0)
                    dy = of(0)
                    dz = of(0)
                    inverse_r = of(0)
                    q = of(0)
                    q_slope = of(0)
                    if mine:
                        dx, dy, dz, r, turn, q, q_slope = stage(
                            pairs, p, form, species, t, staged, base + own, real
                        )
                        inverse_r = of(1) / r
                        turns[base + own] = real(turn)
                    cuda.syncwarp()
                    n = min(WARP, met - chunk)
                    for turn_of in range(0, n, n_streams):
                        k = turn_of + stream
                        inside = k < n
                        k = base + (k if inside else 0)
                        x = offsets[k]
                        at = places[k] + sweep * sweep_vectors + part
                        load_row(table, at, lanes, vectors, c)
                        r_0 = row_0[k]
                        r_1 = row_1[k]
                        r_2 = row_2[k]
                        r_3 = row_3[k]
                        sum_0 = real(0)
                        sum_1 = real(0)
                        sum_2 = real(0)
                        sum_3 = real(0)
                        along = real(0)
                        for m in range(channels_):
                            g, slope = lane_quintic_jet(c, channels_, m, x)
                            s_0 = s[4 * m]
                            s_1 = s[4 * m + 1]
                            s_2 = s[4 * m + 2]
                            s_3 = s[4 * m + 3]
                            sum_0 += g * s_0
                            sum_1 += g * s_1
                            sum_2 += g * s_2
                            sum_3 += g * s_3
                            turned = s_0 * r_0
                            turned += s_1 * r_1
                            turned += s_2 * r_2
                            turned += s_3 * r_3
                            along += slope * turned
                        along += sum_0 * turns[k]
                        found = _lane_of_four(own, sum_1, sum_2, sum_3, along, lanes)
                        if inside and part < 8 and part & 1 == 0:
                            sums[FOUR * k + (part >> 1)] = found
                    cuda.syncwarp()
                    if mine:
                        d_1 = of(sums[FOUR * (base + own)])
                        d_2 = of(sums[FOUR * (base + own) + 1])
                        d_3 = of(sums[FOUR * (base + own) + 2])
                        radial = of(sums[FOUR * (base + own) + 3])
                        radial += (d_1 * dx + d_2 * dy + d_3 * dz) * q_slope
                        radial *= inverse_r
                        to = 3 * (place + pick(pairs.slots, p))
                        values = out.values
                        put(values, to, pick(values, to) + radial * dx + q * d_1)
                        to += 1
                        put(values, to, pick(values, to) + radial * dy + q * d_2)
                        to += 1
                        put(values, to, pick(values, to) + radial * dz + q * d_3)
                    cuda.syncwarp()

    # Six channels of float32 spill within the registers of four blocks.
    many = dtype == np.float64 or channels_ > 5
    return kernel(pair_gradients, blocks=3 if many else 4)
