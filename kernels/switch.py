"""The smooth switch of DeepPot-SE: Zhang et al., NeurIPS 2018."""

from __future__ import annotations

from typing import Any

from ._jit import inline
from .layout import Switch


def switch_jet(r: Any, switch: Switch, real: Any) -> tuple[Any, Any]:
    """w(r) and dw/dr (1/Å) in the precision ``real``, np.float32 or np.float64.

    w = u³(−6u² + 15u − 10) + 1, u = (r − start)/(cutoff − start), between start
    and cutoff, 1 below and 0 above: deepmd-kit 3.2, dpmodel/utils/env_mat.py.
    """
    u = (r - switch.start) * switch.inverse_width
    u = min(max(u, real(0)), real(1))
    w = u * u * u * (u * (real(15) - real(6) * u) - real(10)) + real(1)
    rest = u * (real(1) - u)
    slope = real(-30) * rest * rest * switch.inverse_width
    return w, slope


switch_jet_compiled = inline(switch_jet)
