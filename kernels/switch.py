"""The smooth switch of DeepPot-SE: Zhang et al., NeurIPS 2018."""

from __future__ import annotations

from ._jit import inline
from .layout import Switch


def switch_jet(r: float, switch: Switch) -> tuple[float, float]:
    """w(r) and dw/dr (1/Å).

    w = u³(−6u² + 15u − 10) + 1, u = (r − start)/(cutoff − start), between start
    and cutoff, 1 below and 0 above: deepmd-kit 3.2, dpmodel/utils/env_mat.py.
    """
    u = (r - switch.start) * switch.inverse_width
    u = min(max(u, 0.0), 1.0)
    w = u * u * u * (u * (15.0 - 6.0 * u) - 10.0) + 1.0
    slope = -30.0 * u * u * (1.0 - u) * (1.0 - u) * switch.inverse_width
    return w, slope


switch_jet_compiled = inline(switch_jet)
