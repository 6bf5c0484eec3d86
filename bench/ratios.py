"""Measurements in turns and what they say: medians, ratios by round, power laws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from .progress import say

T = TypeVar("T")


def take_turns(
    calls: Mapping[str, Callable[[], T]], rounds: int, label: str
) -> dict[str, list[T]]:
    """What every call gives in every round; every other round goes backwards."""
    found: dict[str, list[T]] = {name: [] for name in calls}
    for k in range(rounds):
        say(f"{label}: round {k + 1} of {rounds}")
        for name in list(calls)[:: -1 if k % 2 else 1]:
            found[name].append(calls[name]())
    return found


def by_clock(rounds: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Seconds of all rounds by ``cpu`` and ``wall``."""
    return {clock: [each[clock] for each in rounds] for clock in ("cpu", "wall")}


def median(values: Sequence[float]) -> float:
    return float(np.median(values))


def ratio_by_round(base: Sequence[float], other: Sequence[float]) -> dict[str, float]:
    """How many times faster ``other`` is than ``base``.

    The two were measured in turns, so a slow moment of the machine hits both
    numbers of a round: the median of the rounds' ratios, and their range.

    Raises
    ------
    ValueError
        If the two were not measured in the same rounds.
    """
    if len(base) != len(other) or not base:
        raise ValueError(f"expected the same rounds, got {len(base)} and {len(other)}")
    each = np.asarray(base, float) / np.asarray(other, float)
    return {
        "median": float(np.median(each)),
        "lowest": float(each.min()),
        "highest": float(each.max()),
    }


def times_faster(
    base: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, float]]:
    """`ratio_by_round` by ``cpu`` and ``wall`` seconds."""
    first, second = by_clock(base), by_clock(other)
    return {clock: ratio_by_round(first[clock], second[clock]) for clock in first}


def per_atom(seconds: Sequence[float], n_atoms: int) -> dict[str, float]:
    """Median and minimum in µs/atom."""
    scale = 1e6 / n_atoms
    return {"median": scale * median(seconds), "lowest": scale * min(seconds)}


def power_law(sizes: Sequence[float], values: Sequence[float]) -> dict[str, Any] | None:
    """Exponent and prefactor of value = prefactor · size^exponent, by least squares
    of the logarithms; None for fewer than two sizes."""
    if len(set(sizes)) < 2:
        return None
    slope, intercept = np.polyfit(np.log(sizes), np.log(values), 1)
    fitted = np.exp(intercept) * np.asarray(sizes, float) ** slope
    off = np.abs(np.asarray(values) / fitted - 1).max()
    return {
        "exponent": float(slope),
        "prefactor": float(np.exp(intercept)),
        "largest_relative_deviation": float(off),
    }


def growth(sizes: Sequence[float], values: Sequence[float]) -> float | None:
    """Slope of value = constant + slope · size; None for fewer than two sizes.

    Each point counts by its relative deviation, as the sizes span decades.
    """
    if len(set(sizes)) < 2:
        return None
    weights = 1 / np.asarray(values, float)
    return float(np.polyfit(sizes, values, 1, w=weights)[0])
