"""The radial descriptor and its gradient: twin of the processors' `radial`."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..layout import Channels, Floats, Ints, Place
from ._cuda import WARP, WARPS, cuda, kernel
from ._ptx import EVERYONE, first_item, lane, pick, put, warp
from .geometry import difference
from .layout import BatchPairs, PairGradients
from .quintic import lane_quintic, lane_quintic_jet, load_row
from .streams import Streams


@cache
def radial_sums_kernel(streams: Streams, dtype: Any) -> Any:
    """`radial_sums` for tables of this layout and dtype."""
    lanes, channels_, sweeps = streams
    n_streams = WARP // lanes
    vectors = streams.vectors
    n_coefficients = 4 * vectors
    sweep_vectors = vectors * lanes
    sweep_channels = lanes * channels_
    room_shared = WARPS * WARP

    def radial_sums(
        pairs: BatchPairs,
        species: int,
        channels: Channels,
        sel: Ints,
        padding: Floats,
        table: Floats,
        place: Place,
        out: Floats,
    ) -> None:
        """D_m = Σ_j G_m(r_ij) / N of every row of a batch.

        Parameters
        ----------
        sel : (G,) int64
        padding : (G · W,) what one empty slot of each group adds
        table : of G/N, see `Streams`
        out : (B · S,) modified
        """
        offsets = cuda.shared.array(room_shared, dtype)
        places = cuda.shared.array(room_shared, "int32")
        sums = cuda.local.array(channels_, dtype)
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
        n_groups = sel.size
        total = channels.total[species]
        segment = (pairs.begin + row) * n_types
        listed = pairs.first[pairs.begin * n_types]
        for sweep in range(sweeps):
            for m in range(channels_):
                sums[m] = real(0)
            for t in range(n_types):
                met = pick(pairs.met, row * n_types + t)
                begin = pick(pairs.first, segment + t) - listed
                for chunk in range(0, met, WARP):
                    if chunk + own < met:
                        p = begin + chunk + own
                        offsets[base + own] = pick(pairs.offsets, p)
                        places[base + own] = pick(pairs.coefficients, p)
                    cuda.syncwarp()
                    n = min(WARP, met - chunk)
                    for k in range(stream, n, n_streams):
                        x = offsets[base + k]
                        at = places[base + k] + sweep * sweep_vectors + part
                        load_row(table, at, lanes, vectors, c)
                        for m in range(channels_):
                            sums[m] += lane_quintic(c, channels_, m, x)
                    cuda.syncwarp()
            first = sweep * sweep_channels + part
            for m in range(channels_):
                value = sums[m]
                width = lanes
                while width < WARP:
                    value += cuda.shfl_xor_sync(EVERYONE, value, width)
                    width *= 2
                channel = first + m * lanes
                if stream == 0 and channel < total:
                    for g in range(n_groups):
                        empty = sel[g] - pairs.counts[row * n_groups + g]
                        value += real(empty) * pick(padding, g * total + channel)
                    put(out, row * place.stride + place.offset + channel, value)

    return kernel(radial_sums)


@cache
def radial_pair_gradients_kernel(streams: Streams, dtype: Any) -> Any:
    """`radial_pair_gradients` for tables of this layout and dtype."""
    lanes, channels_, sweeps = streams
    n_streams = WARP // lanes
    vectors = streams.vectors
    n_coefficients = 4 * vectors
    sweep_vectors = vectors * lanes
    sweep_channels = lanes * channels_
    room_shared = WARPS * WARP

    def radial_pair_gradients(
        pairs: BatchPairs,
        species: int,
        channels: Channels,
        table: Floats,
        place: Place,
        slopes: Floats,
        out: PairGradients,
    ) -> None:
        """Add dE_i/dd_ij of every pair of a batch, eV/Å.

        Parameters
        ----------
        slopes : (B · S,) dE_i/dD
        out : modified
        """
        offsets = cuda.shared.array(room_shared, dtype)
        places = cuda.shared.array(room_shared, "int32")
        alongs = cuda.shared.array(room_shared, dtype)
        s = cuda.local.array(channels_, dtype)
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
        room = pairs.offsets.size
        from_base = pick(pairs.first, segment) - out.base
        for sweep in range(sweeps):
            for m in range(channels_):
                channel = sweep * sweep_channels + m * lanes + part
                s[m] = real(0)
                if channel < total:
                    at = row * place.stride + place.offset + channel
                    s[m] = pick(slopes, at)
            for t in range(n_types):
                met = pick(pairs.met, row * n_types + t)
                begin = pick(pairs.first, segment + t) - listed
                for chunk in range(0, met, WARP):
                    p = begin + chunk + own
                    mine = chunk + own < met
                    if mine:
                        offsets[base + own] = pick(pairs.offsets, p)
                        places[base + own] = pick(pairs.coefficients, p)
                    cuda.syncwarp()
                    n = min(WARP, met - chunk)
                    for turn in range(0, n, n_streams):
                        k = turn + stream
                        inside = k < n
                        k = base + (k if inside else 0)
                        x = offsets[k]
                        at = places[k] + sweep * sweep_vectors + part
                        load_row(table, at, lanes, vectors, c)
                        along = real(0)
                        for m in range(channels_):
                            _, slope = lane_quintic_jet(c, channels_, m, x)
                            along += slope * s[m]
                        width = 1
                        while width < lanes:
                            along += cuda.shfl_xor_sync(EVERYONE, along, width)
                            width *= 2
                        if inside and part == 0:
                            alongs[k] = along
                    cuda.syncwarp()
                    if mine:
                        dx, dy, dz, r = difference(pairs.differences, room, p)
                        along_r = of(alongs[base + own]) / r
                        to = 3 * (from_base + pick(pairs.slots, p))
                        values = out.values
                        put(values, to, pick(values, to) + along_r * dx)
                        to += 1
                        put(values, to, pick(values, to) + along_r * dy)
                        to += 1
                        put(values, to, pick(values, to) + along_r * dz)
                    cuda.syncwarp()

    return kernel(radial_pair_gradients, blocks=4)
