"""The softmin of an atom's distances: Wang et al., Appl. Phys. Lett. 114, 244101.

σ = Σ_j r_j s_j / Σ_j s_j with s_j = e^(−r_j/α). Here the s_j are divided by that of
the nearest neighbour, so that none underflows where it counts.
"""

from __future__ import annotations

import math
from typing import Any

LARGEST_EXPONENT = 709.0  # of e in float64


def softmin_weight(r: Any, nearest: Any, inverse_alpha: Any) -> Any:
    """s of a neighbour at r ≥ nearest, Å."""
    return math.exp((nearest - r) * inverse_alpha)


def softmin(
    numerator: Any, denominator: Any, nearest: Any, inverse_alpha: Any, least_sum: Any
) -> tuple[Any, Any, Any]:
    """σ (Å), and what `softmin_slope` needs: its growth and denominator.

    Parameters
    ----------
    numerator, denominator : Σ r·s (Å) and Σ s
    least_sum : of the denominator with the s as they are; 0: none
    """
    growth = inverse_alpha * numerator / denominator
    if least_sum > 0.0:
        exponent = nearest * inverse_alpha
        least = math.inf
        if exponent < LARGEST_EXPONENT:
            least = math.exp(exponent) * least_sum
        if denominator < least:
            denominator = least
            growth = 0.0
    return numerator / denominator, growth, denominator


def softmin_slope(
    r: Any, weight: Any, growth: Any, denominator: Any, inverse_alpha: Any
) -> Any:
    """dσ/dr of a neighbour with this weight."""
    return (1.0 + growth - r * inverse_alpha) * weight / denominator
