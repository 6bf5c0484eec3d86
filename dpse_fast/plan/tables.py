"""Adaptive quintic tables of the embedding as a function of r.

The nodes carry the exact value and first two derivatives (quintic Hermite: C²).
An interval is halved until the measured error of value and slope inside it is
below the tolerance; a distance where a derivative jumps becomes a node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..array_types import Floats
from .jets import Jet

FIRST_INTERVALS = 24
SHORTEST_INTERVAL = 1e-5  # Å
MAX_INTERVALS = 16384
# Fractions of an interval: near the extrema of a quintic's error in value (1/2)
# and in slope (0.28, 0.72), away from symmetry.
PROBES = np.array([0.27, 0.5, 0.74])
ROUNDING = 8 * np.finfo(np.float64).eps  # of values, which a slope divides by h
SLOPE_LENGTH = 0.1  # Å: a slope error times this counts as a value error
CHUNK = 128  # intervals measured at a time: their jets stay in cache
NUDGE = 1e-12  # Å: one-sided derivatives at a breakpoint


def hermite(left: Jet, right: Jet, width: Floats) -> Floats:
    """Coefficients (n, 6, M) of the quintic in r − r_left.

    The standard quintic Hermite interpolant of values, slopes and curvatures.
    """
    h = width[:, None]
    f0, s0, c0 = left[0], left[1] * h, left[2] * h * h
    f1, s1, c1 = right[0], right[1] * h, right[2] * h * h
    rise = f1 - f0
    a3 = 10 * rise - 6 * s0 - 4 * s1 - 1.5 * c0 + 0.5 * c1
    a4 = -15 * rise + 8 * s0 + 7 * s1 + 1.5 * c0 - c1
    a5 = 6 * rise - 3 * (s0 + s1) - 0.5 * c0 + 0.5 * c1
    parts = (f0, left[1], 0.5 * left[2], a3 / h**3, a4 / h**4, a5 / h**5)
    return np.stack(parts, axis=1)


def evaluate(coefficients: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Value and slope (…, M) of quintics (…, 6, M) at t (…)."""
    t = t[..., None]
    y = coefficients[..., 5, :]
    slope = 5 * y
    for p in (4, 3, 2, 1, 0):
        y = y * t + coefficients[..., p, :]
        if p:
            slope = slope * t + p * coefficients[..., p, :]
    return y, slope


@dataclass(eq=False)
class TableBuilder:
    """Refines one table, from a loose tolerance to a tight one.

    Parameters
    ----------
    function : r (n,) → value, slope, curvature (n, M)
    edges : first nodes, ascending; the table's range is [edges[0], edges[-1]]
    breakpoints : distances that become nodes where refinement needs them
    typical : Å
        Errors count relative to the largest |G| beyond this distance, and,
        where G is larger (closer in), to that of the interval.
    """

    function: Callable[[Floats], Jet]
    edges: Floats
    breakpoints: Floats
    typical: float
    scale: float = field(init=False)
    _left: Floats = field(init=False)
    _right: Floats = field(init=False)
    _coefficients: Floats = field(init=False)
    _error: Floats = field(init=False)

    def __post_init__(self) -> None:
        far = self.edges[self.edges >= self.typical]
        self.scale = float(np.abs(self.function(far)[0]).max()) or 1.0
        self._left, self._right = self.edges[:-1], self.edges[1:]
        self._coefficients, self._error = self._measure(self._left, self._right)

    def _end(self, at: Floats, side: float) -> Jet:
        """The jet at an interval's end, at a breakpoint from the inside."""
        nudge = np.where(np.isin(at, self.breakpoints), side * NUDGE, 0.0)
        value, slope, curvature = self.function(at + nudge)
        back = nudge[:, None]
        return value - slope * back, slope - curvature * back, curvature

    def _measure(self, left: Floats, right: Floats) -> tuple[Floats, Floats]:
        parts = range(0, left.size, CHUNK)
        found = [
            self._measure_some(left[k : k + CHUNK], right[k : k + CHUNK]) for k in parts
        ]
        coefficients, error = zip(*found, strict=True)
        return np.concatenate(coefficients), np.concatenate(error)

    def _measure_some(self, left: Floats, right: Floats) -> tuple[Floats, Floats]:
        ends = self._end(left, 1.0), self._end(right, -1.0)
        width = right - left
        coefficients = hermite(*ends, width)
        t = width[:, None] * PROBES
        exact = self.function((left[:, None] + t).ravel())
        value, slope = evaluate(coefficients[:, None], t)
        size = np.maximum(np.abs(ends[0][0]).max(axis=1), self.scale)
        error = np.maximum(
            np.abs(value - exact[0].reshape(value.shape)),
            np.abs(slope - exact[1].reshape(slope.shape)) * SLOPE_LENGTH,
        )
        return coefficients, error.max(axis=(1, 2)) / size

    def _split(self, left: Floats, right: Floats) -> Floats:
        middle = 0.5 * (left + right)
        if not self.breakpoints.size:
            return middle
        near = np.searchsorted(self.breakpoints, middle)
        options = np.stack(
            [
                self.breakpoints[np.clip(near - 1, 0, None)],
                self.breakpoints[np.clip(near, None, self.breakpoints.size - 1)],
            ]
        )
        inside = (options > left) & (options < right)
        distance = np.where(inside, np.abs(options - middle), np.inf)
        best = np.argmin(distance, axis=0)[None]
        at = np.take_along_axis(options, best, axis=0)[0]
        return np.where(inside.any(axis=0), at, middle)

    def refine(self, tolerance: float) -> None:
        """Split until every interval's relative error is at most the tolerance.

        An interval whose error is its own rounding stays as it is.
        """
        while True:
            width = self._right - self._left
            rounding = ROUNDING * SLOPE_LENGTH / width
            split = self._error > tolerance + rounding
            split &= width > 2 * SHORTEST_INTERVAL
            room = MAX_INTERVALS - self.n_intervals
            if not split.any() or room <= 0:
                return
            if split.sum() > room:
                error = np.where(split, self._error, 0.0)
                split &= error >= np.partition(error, -room)[-room]
            left, right = self._left[split], self._right[split]
            middle = self._split(left, right)
            new_left = np.concatenate([left, middle])
            new_right = np.concatenate([middle, right])
            coefficients, error = self._measure(new_left, new_right)
            keep = ~split
            order = np.argsort(np.concatenate([self._left[keep], new_left]))

            merged = [
                np.concatenate([old[keep], new])[order]
                for old, new in (
                    (self._left, new_left),
                    (self._right, new_right),
                    (self._coefficients, coefficients),
                    (self._error, error),
                )
            ]
            self._left, self._right, self._coefficients, self._error = merged

    @property
    def n_intervals(self) -> int:
        return int(self._left.size)

    def table(self) -> Table:
        """The table at its present refinement."""
        below = np.zeros_like(self._coefficients[:1])
        below[:, :2] = self._coefficients[:1, :2]
        return Table(
            origins=np.concatenate([self._left[:1], self._left]),
            coefficients=np.concatenate([below, self._coefficients]),
            cutoff=float(self._right[-1]),
            relative_error=float(self._error.max()),
        )


@dataclass(frozen=True, eq=False)
class Table:
    """A tabulated embedding: row 0 continues below the range as a line.

    Parameters
    ----------
    origins : (n_rows,) Å, left ends; origins[0] == origins[1] is the shortest
    coefficients : (n_rows, 6, M) of powers of r − origin
    cutoff : right end of the last row, Å
    relative_error : the largest measured error; see `TableBuilder`
    """

    origins: Floats
    coefficients: Floats
    cutoff: float
    relative_error: float

    @property
    def shortest(self) -> float:
        return float(self.origins[0])

    @property
    def n_intervals(self) -> int:
        return int(self.origins.size) - 1

    @property
    def width(self) -> int:
        """M."""
        return int(self.coefficients.shape[2])

    def turned(self, matrix: Floats) -> Table:
        """The table of G · matrix, (M, K)."""
        return replace(self, coefficients=self.coefficients @ matrix)

    def __call__(self, r: Floats) -> tuple[Floats, Floats]:
        """G and dG/dr, (n, M) each."""
        row = np.searchsorted(self.origins[1:], r, side="right")
        return evaluate(self.coefficients[row], r - self.origins[row])

    def cells(self, most: int = 32768) -> tuple[Floats, float]:
        """A uniform grid over the range that finds the rows.

        Returns
        -------
        rows : (n + 2,) the row below, then the row that holds each left edge
        cells_per_length : 1/Å
        """
        ends = np.append(self.origins[1:], self.cutoff)
        length = self.cutoff - self.shortest
        n = int(min(max(np.ceil(length / np.diff(ends).min()), 16), most))
        # Edges a little to the left: rounding may put r into the next cell.
        edges = self.shortest + (np.arange(n + 1) - 0.01) * (length / n)
        rows = np.searchsorted(self.origins[1:], edges, side="right")
        return np.concatenate([[0], np.maximum(rows, 1)]), n / length


Tables = tuple[Mapping[tuple[int, int], Table], ...]  # by descriptor, by pair of types


def first_edges(shortest: float, start: float, cutoff: float) -> Floats:
    """The coarsest nodes: uniform pieces on both sides of the switch's start."""
    if not shortest < start < cutoff:
        return np.linspace(shortest, cutoff, FIRST_INTERVALS + 1)
    share = (start - shortest) / (cutoff - shortest)
    n = min(max(round(share * FIRST_INTERVALS), 1), FIRST_INTERVALS - 1)
    low = np.linspace(shortest, start, n + 1)
    high = np.linspace(start, cutoff, FIRST_INTERVALS - n + 1)
    return np.concatenate([low[:-1], high])
