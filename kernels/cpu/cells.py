"""Periodic images, cells and the full neighbour list."""

from __future__ import annotations

import numpy as np

from .._jit import exact
from ..layout import Floats, Ints


@exact
def count_images(fractions: Floats, reach: Floats, most: Ints) -> int:
    """How many images (the atoms themselves left out) lie near the cell.

    Parameters
    ----------
    fractions : (N, 3), in [0, 1) along periodic axes
    reach : (3,) the cutoff in fractions of the cell
    most : (3,) images to either side, 0 along open axes
    """
    n = 0
    for i in range(fractions.shape[0]):
        near = 1
        for k in range(3):
            if most[k] > 0:
                along = 0
                for m in range(-most[k], most[k] + 1):
                    at = fractions[i, k] + m
                    along += -reach[k] <= at <= 1.0 + reach[k]
                near *= along
        n += near - 1
    return n


@exact
def fill_images(
    fractions: Floats, reach: Floats, most: Ints, owners: Ints, shifts: Ints
) -> None:
    """The owner and the shift (n_images, 3) in cells of each image."""
    n = 0
    for i in range(fractions.shape[0]):
        for a in range(-most[0], most[0] + 1):
            if most[0] > 0 and not -reach[0] <= fractions[i, 0] + a <= 1.0 + reach[0]:
                continue
            for b in range(-most[1], most[1] + 1):
                at = fractions[i, 1] + b
                if most[1] > 0 and not -reach[1] <= at <= 1.0 + reach[1]:
                    continue
                for c in range(-most[2], most[2] + 1):
                    at = fractions[i, 2] + c
                    if most[2] > 0 and not -reach[2] <= at <= 1.0 + reach[2]:
                        continue
                    if a == 0 and b == 0 and c == 0:
                        continue
                    owners[n] = i
                    shifts[n, 0], shifts[n, 1], shifts[n, 2] = a, b, c
                    n += 1


@exact
def sort_into_cells(
    positions: Floats, origin: Floats, inverse: Floats, shape: Ints, first: Ints
) -> Ints:
    """The order of atoms cell by cell (x runs fastest).

    Parameters
    ----------
    origin, inverse : (3,) Å and 1/Å of the grid
    first : (n_cells + 1,) modified: where each cell starts in the order
    """
    n = positions.shape[0]
    cell_of = np.empty(n, np.int64)
    first[:] = 0
    for i in range(n):
        cell = 0
        for k in (2, 1, 0):
            at = np.int64((positions[i, k] - origin[k]) * inverse[k])
            cell = cell * shape[k] + min(max(at, 0), shape[k] - 1)
        cell_of[i] = cell
        first[cell + 1] += 1
    for cell in range(first.size - 1):
        first[cell + 1] += first[cell]
    order = np.empty(n, np.int32)
    free = first[:-1].copy()
    for i in range(n):
        order[free[cell_of[i]]] = i
        free[cell_of[i]] += 1
    return order


@exact
def list_neighbours(
    positions: Floats,
    centres: Ints,
    origin: Floats,
    inverse: Floats,
    shape: Ints,
    cells: Ints,
    span: int,
    cutoff: float,
    counts: Ints,
    first: Ints,
    neighbours: Ints,
    fill: bool,
) -> None:
    """Count, or write, the neighbours of each centre.

    Parameters
    ----------
    positions : (n_all, 3) Å, sorted by cell
    centres : (n,) int32, index into positions
    cells : (n_cells + 1,) where each cell starts
    span : cells to look at on either side
    counts : (n,) modified unless fill
    first : (n + 1,) where each centre's neighbours start in ``neighbours``
    """
    limit = cutoff * cutoff
    low = np.empty(3, np.int64)
    high = np.empty(3, np.int64)
    for row in range(centres.size):
        i = centres[row]
        x, y, z = positions[i]
        for k in range(3):
            at = np.int64((positions[i, k] - origin[k]) * inverse[k])
            at = min(max(at, 0), shape[k] - 1)
            low[k] = max(at - span, 0)
            high[k] = min(at + span, shape[k] - 1)
        n = 0
        if fill:
            n = first[row]
        for c in range(low[2], high[2] + 1):
            for b in range(low[1], high[1] + 1):
                line = (c * shape[1] + b) * shape[0]
                begin, end = cells[line + low[0]], cells[line + high[0] + 1]
                if fill:
                    for j in range(begin, end):
                        dx = positions[j, 0] - x
                        dy = positions[j, 1] - y
                        dz = positions[j, 2] - z
                        if dx * dx + dy * dy + dz * dz < limit and j != i:
                            neighbours[n] = j
                            n += 1
                else:
                    for j in range(begin, end):
                        dx = positions[j, 0] - x
                        dy = positions[j, 1] - y
                        dz = positions[j, 2] - z
                        n += dx * dx + dy * dy + dz * dz < limit
        if not fill:
            counts[row] = n - 1
