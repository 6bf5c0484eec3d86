"""From pair gradients to forces and virials.

The forces of a block go to the few atoms that it touches, numbered as they come, and
from there to all atoms: in the order of the blocks, whoever computed them.
"""

from __future__ import annotations

import numpy as np

from .._access import load_double, pick
from .._jit import inline, kernel
from .._rows import store_rows, subtract_row
from .._simd import add, first_lanes, fma, splat, total
from ..layout import Floats, Ints, Neighbourhood, Pairs, Touched

LANES = 8  # of float64


@inline
def _place(touched: Touched, atom: int, n: int) -> tuple[int, int]:
    """Where an atom's sums are, and how many atoms are touched now."""
    slot = pick(touched.slot, atom)
    if slot == 0:
        n += 1
        slot = n
        touched.slot[atom] = slot
        touched.atoms[slot - 1] = atom
        for k in range(4):
            touched.forces[slot - 1, k] = 0.0
        if touched.virials.shape[0]:
            for k in range(9):
                touched.virials[slot - 1, k] = 0.0
    return slot - 1, n


@inline
def _add_virial(pairs: Pairs, gradients: Floats, end: int, virial: Floats) -> None:
    """Add -Σ dE_i/dd ⊗ d of all pairs."""
    differences, room = pairs.differences, pairs.offsets.size
    for c in range(3):
        nothing = splat(np.float64(0.0))
        x, y, z = nothing, nothing, nothing
        for p in range(0, end, LANES):
            g = first_lanes(load_double(gradients, c * room + p), end - p)
            dx = load_double(differences, p)
            dy = load_double(differences, room + p)
            dz = load_double(differences, 2 * room + p)
            if p + LANES > end:
                dx = first_lanes(dx, end - p)
                dy = first_lanes(dy, end - p)
                dz = first_lanes(dz, end - p)
            x, y, z = fma(g, dx, x), fma(g, dy, y), fma(g, dz, z)
        virial[c, 0] -= total(x)
        virial[c, 1] -= total(y)
        virial[c, 2] -= total(z)


@inline
def _add_pair_virial(
    pairs: Pairs, gradients: Floats, p: int, slot: int, touched: Touched
) -> None:
    """Each pair's goes to its neighbour, as in deepmd-kit."""
    room = pairs.offsets.size
    for k in range(3):
        for m in range(3):
            slope = np.float64(gradients[k * room + p])
            work = slope * np.float64(pairs.differences[m * room + p])
            touched.virials[slot, 3 * k + m] -= work


@kernel
def collect_forces(
    hood: Neighbourhood,
    rows: Ints,
    pairs: Pairs,
    gradients: Floats,
    touched: Touched,
    n: int,
) -> int:
    """Add the pair gradients of a block to the atoms that they act on.

    Parameters
    ----------
    gradients : as ``pairs.differences``, dE_i/dd_ij, eV/Å
    touched : modified
    n : atoms touched before

    Returns
    -------
    atoms touched now
    """
    n_types = (pairs.first.size - 1) // max(rows.size, 1)
    forces, room = touched.forces.reshape(-1), pairs.offsets.size
    some = np.empty(4 * LANES, np.float64)
    nothing = splat(np.float64(0.0))
    for b in range(rows.size):
        begin, end = pairs.first[b * n_types], pairs.first[(b + 1) * n_types]
        own_x, own_y, own_z = nothing, nothing, nothing
        for p in range(begin, end, LANES):
            count = min(end - p, LANES)
            gx = first_lanes(load_double(gradients, p), count)
            gy = first_lanes(load_double(gradients, room + p), count)
            gz = first_lanes(load_double(gradients, 2 * room + p), count)
            own_x, own_y, own_z = add(own_x, gx), add(own_y, gy), add(own_z, gz)
            store_rows(some, 0, gx, gy, gz, nothing)
            for k in range(count):
                slot, n = _place(touched, pick(pairs.neighbours, p + k), n)
                subtract_row(forces, 4 * slot, some, 4 * k)
                if touched.virials.shape[0]:
                    _add_pair_virial(pairs, gradients, p + k, slot, touched)
        slot, n = _place(touched, hood.centres[rows[b]], n)
        touched.forces[slot, 0] += total(own_x)
        touched.forces[slot, 1] += total(own_y)
        touched.forces[slot, 2] += total(own_z)
    _add_virial(pairs, gradients, pairs.first[rows.size * n_types], touched.virial)
    return n


@kernel
def forget_places(touched: Touched, n: int) -> None:
    """Prepare the places for the next block."""
    for k in range(n):
        touched.slot[touched.atoms[k]] = 0


@kernel
def merge_forces(
    touched: Touched, n: int, forces: Floats, virial: Floats, atomic_virials: Floats
) -> None:
    """Add a block's sums to those of all atoms.

    Parameters
    ----------
    n : atoms touched
    forces, virial, atomic_virials : (n_all, 3), (3, 3), (n_all, 9) or (0, 9), modified
    """
    for k in range(n):
        atom = touched.atoms[k]
        for c in range(3):
            forces[atom, c] += touched.forces[k, c]
        if atomic_virials.shape[0]:
            for c in range(9):
                atomic_virials[atom, c] += touched.virials[k, c]
    for c in range(3):
        for m in range(3):
            virial[c, m] += touched.virial[c, m]


@kernel
def list_gradients(
    hood: Neighbourhood, rows: Ints, pairs: Pairs, gradients: Floats, listed: Floats
) -> None:
    """Add the pair gradients of a block at the places of its pairs in the list.

    Parameters
    ----------
    gradients : as ``pairs.differences``, dE_i/dd_ij, eV/Å
    listed : (n_list, 3) modified

    The pairs of a centre and type are in the order of the list.
    """
    n_types = (pairs.first.size - 1) // max(rows.size, 1)
    room = pairs.offsets.size
    at = np.empty(n_types, np.int64)
    for b in range(rows.size):
        first = pairs.first[b * n_types : (b + 1) * n_types + 1]
        at[:] = first[:-1]
        for k in range(hood.first[rows[b]], hood.first[rows[b] + 1]):
            j = hood.neighbours[k]
            if hood.types[j] < 0:
                continue
            t = hood.types[j] if n_types > 1 else 0
            p = at[t]
            if p < first[t + 1] and pairs.neighbours[p] == j:
                for c in range(3):
                    listed[k, c] += gradients[c * room + p]
                at[t] += 1
