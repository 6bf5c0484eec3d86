"""Shortest vectors of a lattice: a skewed cell has neighbours that its own hide.

The periodic vectors of a cell may be replaced by any others of the same lattice. After
Minkowski's reduction they are as short as can be, and the number of images within
reach follows from the lattice and not from how it was written down. In three
dimensions Semaev's algorithm finds it in a few steps (I. Semaev, in Cryptography and
Lattices, LNCS 2146, 181 (2001)).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from math import hypot
from typing import NamedTuple

import numpy as np

from ..array_types import Doubles

Vector = tuple[float, float, float]
Combination = list[int]

ROUNDING = 1e-9  # of the longest vector: what is shorter is nothing but rounding
NOTICEABLE = 1e-6  # of a vector's square: by less none is made shorter
_PAIRS = [list(combinations(range(n), 2)) for n in range(4)]
ENOUGH = 1 + NOTICEABLE
SHORTEST_SQUARE = 1e-12  # Å², of vectors whose products are exact enough
MOST_STEPS = 1000  # a vector of 1e7 Å on one of 1e-2 Å takes less than 40


class Reduced(NamedTuple):
    """The periodic vectors of a cell, as short as they can be."""

    vectors: list[Vector]  # Å, of the periodic axes in their order
    combinations: list[Combination] | None  # of the cell's; None: they are the cell's


def reduced(rows: Sequence[Sequence[float]]) -> Reduced | None:
    """Minkowski's reduction of up to three vectors; None if they are dependent.

    Parameters
    ----------
    rows : finite vectors, Å; those that are short already are kept as they are
    """
    vectors: list[Vector] = [(row[0], row[1], row[2]) for row in rows]
    if not rows or _are_short(vectors):
        return Reduced(vectors, None)
    longest = max(hypot(*vector) for vector in vectors)
    if not longest:
        return None
    # In units of the longest: no square may vanish or overflow.
    unit = [_over(vector, longest) for vector in vectors]
    found = [[int(k == n) for k in range(len(rows))] for n in range(len(rows))]
    for _ in range(MOST_STEPS):
        if min(hypot(*vector) for vector in unit) < ROUNDING:
            return None
        if not _shorten(unit, found):
            break
    else:
        return None
    if all(one[k] == 1 and sum(map(abs, one)) == 1 for k, one in enumerate(found)):
        return Reduced(vectors, None)
    # From the cell at once, so that no rounding of steps adds up.
    return Reduced([_combined(one, vectors) for one in found], found)


def reduced_cell(cell: Doubles, pbc: Sequence[bool]) -> Doubles:
    """The cell with the shortest periodic vectors of its lattice.

    It is the same array where they are short already.

    Parameters
    ----------
    cell : (3, 3) rows, Å, independent along the periodic axes
    """
    axes = [axis for axis in range(3) if pbc[axis]]
    rows = cell.tolist()
    found = reduced([rows[axis] for axis in axes])
    if found is None or found.combinations is None:
        return cell
    short = cell.copy()
    short[axes] = found.vectors
    return short


def short_basis(rows: Doubles) -> Doubles | None:
    """(n, n) whole numbers that take n vectors to the shortest of their lattice.

    None where they are short already.
    """
    found = reduced(rows.tolist())
    if found is None or found.combinations is None:
        return None
    return np.array(found.combinations, np.float64)


def _are_short(vectors: list[Vector]) -> bool:
    """Whether all is well as it is: most cells take this answer and 4 µs."""
    squares = [_dot(vector, vector) for vector in vectors]
    if not min(squares) > SHORTEST_SQUARE:
        return False
    products = []
    for i, j in _PAIRS[len(vectors)]:
        product = _dot(vectors[i], vectors[j])
        if 2 * abs(product) > ENOUGH * min(squares[i], squares[j]):
            return False
        products.append(product)
    if len(vectors) < 3:
        return True
    # Of the sums with all signs, the shortest; no longer vector of the three may be.
    ab, ac, bc = products
    least = min(ab + ac + bc, ab - ac - bc, ac - ab - bc, bc - ab - ac)
    return sum(squares) + 2 * least >= max(squares) / ENOUGH


def _shorten(vectors: list[Vector], combinations: list[Combination]) -> bool:
    """Make one vector shorter by the others, if that is possible."""
    for i, j in _PAIRS[len(vectors)]:
        if _dot(vectors[i], vectors[i]) > _dot(vectors[j], vectors[j]):
            i, j = j, i
        times = round(_dot(vectors[i], vectors[j]) / _dot(vectors[i], vectors[i]))
        if times and _replace(vectors, combinations, j, {i: -times}):
            return True
    if len(vectors) < 3:
        return False
    longest = max(range(3), key=lambda k: _dot(vectors[k], vectors[k]))
    others = [k for k in range(3) if k != longest]
    return any(
        _replace(vectors, combinations, longest, dict(zip(others, signs, strict=True)))
        for signs in product((-1, 1), repeat=2)
    )


def _replace(
    vectors: list[Vector],
    combinations: list[Combination],
    k: int,
    more: dict[int, int],
) -> bool:
    """Add others to vector k if that makes it shorter."""
    new = vectors[k]
    for other, times in more.items():
        x, y, z = vectors[other]
        new = new[0] + times * x, new[1] + times * y, new[2] + times * z
    if not ENOUGH * _dot(new, new) < _dot(vectors[k], vectors[k]):
        return False
    vectors[k] = new
    for other, times in more.items():
        for n, own in enumerate(combinations[other]):
            combinations[k][n] += times * own
    return True


def _combined(combination: Combination, vectors: list[Vector]) -> Vector:
    x, y, z = (
        sum(n * vector[axis] for n, vector in zip(combination, vectors, strict=True))
        for axis in range(3)
    )
    return x, y, z


def _over(vector: Vector, length: float) -> Vector:
    return vector[0] / length, vector[1] / length, vector[2] / length


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
