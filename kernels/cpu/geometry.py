"""From differences to rows of the environment matrix, a register of pairs at a time."""

from __future__ import annotations

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
from ..layout import (
    DISTANCE,
    DX,
    DY,
    DZ,
    INVERSE_R,
    Q_SLOPE,
    R_0,
    R_X,
    R_Y,
    R_Z,
    RADIAL_SLOPE,
    Pairs,
    Q,
    Switch,
)


@inline
def radial_geometry(
    pairs: Pairs,
    begin: int,
    end: int,
    switch: Switch,
    mean: float,
    radial: float,
    angular: float,
) -> None:
    """R and what its slope is made of, of pairs of one type; see `switch.switch_jet`.

    Writes up to a register behind the end too.

    Parameters
    ----------
    mean, radial, angular : of s, and one over the deviations of s and s·d/r
    """
    rows, geometry = pairs.rows.reshape(-1), pairs.geometry.reshape(-1)
    room = pairs.geometry.shape[1]
    real = geometry.dtype.type
    width = lanes_of(geometry)
    one, minus = splat(real(1)), splat(real(-1))
    nothing = splat(real(0))
    start = splat(real(-switch.start))
    inverse_width = splat(real(switch.inverse_width))
    protection = splat(real(switch.protection))
    less_mean = splat(real(-mean))
    over_radial, over_angular = splat(real(radial)), splat(real(angular))
    for p in range(begin, end, width):
        dx = load(geometry, DX * room + p)
        dy = load(geometry, DY * room + p)
        dz = load(geometry, DZ * room + p)
        r = root(fma(dx, dx, fma(dy, dy, mul(dz, dz))))
        inverse_r = div(one, r)
        inverse = inverse_r
        if switch.protection != 0.0:
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
        store(geometry, DISTANCE * room + p, r)
        store(geometry, INVERSE_R * room + p, inverse_r)
        store(geometry, RADIAL_SLOPE * room + p, mul(s_slope, over_radial))
        store(geometry, Q * room + p, scaled)
        store(geometry, Q_SLOPE * room + p, mul(q_slope, over_angular))
        store_as(rows, R_0 * room + p, mul(add(s, less_mean), over_radial))
        store_as(rows, R_X * room + p, mul(scaled, dx))
        store_as(rows, R_Y * room + p, mul(scaled, dy))
        store_as(rows, R_Z * room + p, mul(scaled, dz))
