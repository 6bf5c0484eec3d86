"""From differences to rows of the environment matrix, a register of pairs at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._jit import inline
from .._simd import (
    add,
    at_least,
    at_most,
    div,
    fma,
    lanes_of,
    load,
    mul,
    root,
    splat,
    store,
    store_as,
)
from ..layout import EnvironmentRows, Floats, Pairs

# Rows of `Geometry.rows`: R_0, q·d and the slope of R_0 in r.
R_0, R_X, R_Y, R_Z, RADIAL_SLOPE = range(5)
# Rows of `Geometry.slopes`: 1/r, q = R_k/d_k and its slope in r.
INVERSE_R, Q, Q_SLOPE = range(3)


class Geometry(NamedTuple):
    """What the pairs of one centre and neighbour type need, while they are used."""

    room: int  # n, two registers of float32 more than there are pairs
    rows: Floats  # (5 · n,) in the tables' precision
    slopes: Floats  # (3 · n,)


@inline
def room_of(pairs: Pairs, parts: int) -> int:
    """The most pairs of so many centres and types, and two registers of float32."""
    most = 0
    for k in range(0, pairs.first.size - 1, parts):
        most = max(most, pairs.first[k + parts] - pairs.first[k])
    return most + 32


@inline
def room_for_geometry(pairs: Pairs) -> Geometry:
    """Of any centre and neighbour type of a block."""
    room = room_of(pairs, 1)
    return Geometry(
        room,
        np.zeros(5 * room, pairs.offsets.dtype),
        np.zeros(3 * room, pairs.differences.dtype),
    )


@inline
def find_geometry(
    pairs: Pairs,
    begin: int,
    end: int,
    form: EnvironmentRows,
    own: int,
    other: int,
    found: Geometry,
) -> None:
    """R and what its slope is made of, of pairs of one type; see `switch.switch_jet`.

    Parameters
    ----------
    own, other : types of centre and neighbour
    found : modified, up to a register behind the last pair too
    """
    differences, room = pairs.differences, pairs.offsets.size
    rows, slopes, found_room = found.rows, found.slopes, found.room
    real = differences.dtype.type
    one, minus = splat(real(1)), splat(real(-1))
    nothing = splat(real(0))
    start = splat(real(-form.switch.start))
    inverse_width = splat(real(form.switch.inverse_width))
    protection = splat(real(form.switch.protection))
    less_mean = splat(real(-form.mean[own, other]))
    over_radial = splat(real(form.radial[own, other]))
    over_angular = splat(real(form.angular[own, other]))
    for p in range(begin, end, lanes_of(differences)):
        at = p - begin
        dx = load(differences, p)
        dy = load(differences, room + p)
        dz = load(differences, 2 * room + p)
        r = root(fma(dx, dx, fma(dy, dy, mul(dz, dz))))
        inverse_r = div(one, r)
        inverse = inverse_r
        if form.switch.protection != 0.0:
            inverse = div(one, add(r, protection))
        u = mul(add(r, start), inverse_width)
        u = at_most(at_least(u, nothing), one)
        w = fma(u, splat(real(-6)), splat(real(15)))
        w = fma(u, w, splat(real(-10)))
        w = fma(mul(mul(u, u), u), w, one)
        rest = fma(mul(u, u), minus, u)
        w_slope = mul(mul(rest, rest), mul(inverse_width, splat(real(-30))))
        s = mul(w, inverse)
        s_slope = mul(fma(s, minus, w_slope), inverse)
        q = mul(s, inverse)
        q_slope = mul(fma(q, minus, s_slope), inverse)
        scaled = mul(q, over_angular)
        store_as(rows, R_0 * found_room + at, mul(add(s, less_mean), over_radial))
        store_as(rows, R_X * found_room + at, mul(scaled, dx))
        store_as(rows, R_Y * found_room + at, mul(scaled, dy))
        store_as(rows, R_Z * found_room + at, mul(scaled, dz))
        store_as(rows, RADIAL_SLOPE * found_room + at, mul(s_slope, over_radial))
        store(slopes, INVERSE_R * found_room + at, inverse_r)
        store(slopes, Q * found_room + at, scaled)
        store(slopes, Q_SLOPE * found_room + at, mul(q_slope, over_angular))
