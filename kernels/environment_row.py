"""A row of the environment matrix R and its slopes: Zhang et al., NeurIPS 2018."""

from __future__ import annotations

from typing import Any


def environment_row(
    r: Any,
    w: Any,
    w_slope: Any,
    protection: Any,
    mean: Any,
    radial: Any,
    angular: Any,
    real: Any,
) -> tuple[Any, Any, Any, Any]:
    """R_0, its slope in r, q and its slope in r, where R_k = q·d_k, k = 1…3.

    R_0 = (s − mean)·radial and q = s·angular/(r + protection) with
    s(r) = w(r)/(r + protection).

    Parameters
    ----------
    r : Å
    w, w_slope : of `switch.switch_jet`
    mean, radial, angular : see `EnvironmentRows`, of one pair of types
    real : np.float32 or np.float64
    """
    inverse = real(1) / (r + protection)
    s = w * inverse
    s_slope = (w_slope - s) * inverse
    q = s * inverse
    q_slope = (s_slope - q) * inverse
    return (s - mean) * radial, s_slope * radial, q * angular, q_slope * angular
