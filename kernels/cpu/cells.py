"""Atoms and their periodic images, sorted by cell.

First into buckets of whole lines of cells, chunk by chunk of the caller's atoms; then
every bucket by cell. Both keep the order of what is in one place, so the result does
not depend on who does which part when.
"""

from __future__ import annotations

import numpy as np

from .. import periodic
from .._jit import exact
from ..layout import Floats, Grid, Ints, Periodicity, SortedAtoms
from .images import fractions, shifts_along

clamped = exact(periodic.clamped)


@exact
def spread_over_buckets(
    positions: Floats,
    start: int,
    box: Periodicity,
    grid: Grid,
    lines: int,
    places: Ints,
    atoms: Ints,
    owners: Ints,
    offsets: Floats,
    fill: bool,
) -> None:
    """Count, or write, a chunk's atoms and images by bucket.

    Parameters
    ----------
    positions : (n, 3) Å, of the chunk
    start : the chunk's first atom
    lines : lines of cells in a bucket
    places : (n_buckets,) int64, added to: how many went to each bucket; to fill, it
        comes as the place of the first
    atoms : (n_buckets,) int64, added to unless fill: those that are no image
    owners : (n_all,) int32, modified to fill: the atom, or -1 - atom for an image
    offsets : (n_all, 3) Å, modified to fill: from the atom's position
    """
    cell, reach = box.cell, box.reach
    for i in range(positions.shape[0]):
        y, z = positions[i, 1], positions[i, 2]
        at_a, at_b, at_c = fractions(positions, i, box.inverse)
        own_a, first_a, last_a = shifts_along(at_a, reach[0])
        own_b, first_b, last_b = shifts_along(at_b, reach[1])
        own_c, first_c, last_c = shifts_along(at_c, reach[2])
        for a in range(np.int64(last_a - first_a) + 1):
            p = first_a + a
            for b in range(np.int64(last_b - first_b) + 1):
                q = first_b + b
                for c in range(np.int64(last_c - first_c) + 1):
                    r = first_c + c
                    dy = p * cell[0, 1] + q * cell[1, 1] + r * cell[2, 1]
                    dz = p * cell[0, 2] + q * cell[1, 2] + r * cell[2, 2]
                    at_y = (y + dy - grid.origin[1]) * grid.inverse[1]
                    at_z = (z + dz - grid.origin[2]) * grid.inverse[2]
                    line = clamped(at_z, grid.shape[2]) * grid.shape[1]
                    bucket = (line + clamped(at_y, grid.shape[1])) // lines
                    itself = (p == own_a) & (q == own_b) & (r == own_c)
                    if fill:
                        k = places[bucket]
                        owners[k] = start + i if itself else -1 - (start + i)
                        offsets[k, 0] = p * cell[0, 0] + q * cell[1, 0] + r * cell[2, 0]
                        offsets[k, 1], offsets[k, 2] = dy, dz
                    else:
                        atoms[bucket] += itself
                    places[bucket] += 1


@exact
def sort_bucket(
    positions: Floats,
    types: Ints,
    owners: Ints,
    offsets: Floats,
    grid: Grid,
    first_line: int,
    n_lines: int,
    start: int,
    first_centre: int,
    found: SortedAtoms,
) -> None:
    """Sort a bucket's atoms and images into its cells.

    Parameters
    ----------
    positions, types : (n, 3) Å and (n,) of all atoms as the caller has them
    owners, offsets : (n_bucket,) and (n_bucket, 3) from `spread_over_buckets`
    grid : its ``first`` is modified for the bucket's cells
    start, first_centre : where the bucket starts in ``found`` and its centres
    found : modified: the bucket's part of every array
    """
    n = owners.size
    cell_of = np.empty(n, np.int32)
    n_x, n_y = grid.shape[0], grid.shape[1]
    first = grid.first[first_line * n_x : (first_line + n_lines) * n_x]
    for cell in range(first.size):
        first[cell] = 0
    for e in range(n):
        owner = owners[e] if owners[e] >= 0 else -1 - owners[e]
        at_x = (positions[owner, 0] + offsets[e, 0] - grid.origin[0]) * grid.inverse[0]
        at_y = (positions[owner, 1] + offsets[e, 1] - grid.origin[1]) * grid.inverse[1]
        at_z = (positions[owner, 2] + offsets[e, 2] - grid.origin[2]) * grid.inverse[2]
        line = clamped(at_z, grid.shape[2]) * n_y + clamped(at_y, n_y)
        cell_of[e] = (line - first_line) * n_x + clamped(at_x, n_x)
        first[cell_of[e]] += 1
    free = np.empty(first.size, np.int32)
    place = start
    for cell in range(first.size):
        free[cell] = place - start
        place += first[cell]
        first[cell] = free[cell] + start
    order = np.empty(n, np.int32)
    for e in range(n):
        order[free[cell_of[e]]] = e
        free[cell_of[e]] += 1
    centre = first_centre
    for m in range(n):
        e, k = order[m], start + m
        owner = owners[e]
        if owner >= 0:
            found.centres[centre] = k
            centre += 1
        else:
            owner = -1 - owner
        found.owners[k] = owner
        found.types[k] = types[owner]
        for axis in range(3):
            at = positions[owner, axis] + offsets[e, axis]
            found.offsets[k, axis] = offsets[e, axis]
            found.positions[k, axis] = at
            found.columns[axis, k] = at
