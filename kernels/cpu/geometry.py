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
)
from ..layout import EnvironmentRows, Floats, Pairs

PART = 128  # pairs of one centre and type that are treated together
# Between rows of `Geometry`: a constant, so that one address serves all rows, and no
# multiple of 4096 bytes, which would make loads wait for stores that only look alike.
STRIDE = PART + 24

# Rows of `Geometry.rows`: R_0, q·d and the slope of R_0 in r.
R_0, R_X, R_Y, R_Z, RADIAL_SLOPE = range(5)
# Rows of `Geometry.slopes`: 1/r, q = R_k/d_k and its slope in r.
INVERSE_R, Q, Q_SLOPE = range(3)


class Geometry(NamedTuple):
    """What pairs of one centre and neighbour type need, while they are used."""

    rows: Floats  # (5 · STRIDE,) in the tables' precision
    slopes: Floats  # (3 · STRIDE,)


@inline
def room_for_geometry(pairs: Pairs) -> Geometry:
    """Of up to `PART` pairs."""
    return Geometry(
        np.zeros(5 * STRIDE, pairs.offsets.dtype),
        np.zeros(3 * STRIDE, pairs.differences.dtype),
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
    begin, end : at most `PART` pairs
    own, other : types of centre and neighbour
    found : modified, up to a register behind the last pair too
    """
    differences, room = pairs.differences, pairs.offsets.size
    rows, slopes = found.rows, found.slopes
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
        store(rows, R_0 * STRIDE + at, mul(add(s, less_mean), over_radial))
        store(rows, R_X * STRIDE + at, mul(scaled, dx))
        store(rows, R_Y * STRIDE + at, mul(scaled, dy))
        store(rows, R_Z * STRIDE + at, mul(scaled, dz))
        store(rows, RADIAL_SLOPE * STRIDE + at, mul(s_slope, over_radial))
        store(slopes, INVERSE_R * STRIDE + at, inverse_r)
        store(slopes, Q * STRIDE + at, scaled)
        store(slopes, Q_SLOPE * STRIDE + at, mul(q_slope, over_angular))
