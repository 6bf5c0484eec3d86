"""From pair gradients to forces and virials.

The forces of a block go to the few atoms that it touches, numbered as they come, and
from there to all atoms: in the order of the blocks, whoever computed them.
"""

from __future__ import annotations

import numpy as np

from .._jit import inline, kernel
from ..layout import DX, DY, DZ, Floats, Ints, Neighbourhood, Pairs, Touched


@inline
def _place(touched: Touched, atom: int, n: int) -> tuple[int, int]:
    """Where an atom's sums are, and how many atoms are touched now."""
    slot = touched.slot[atom]
    if slot == 0:
        n += 1
        slot = n
        touched.slot[atom] = slot
        touched.atoms[slot - 1] = atom
        for k in range(3):
            touched.forces[slot - 1, k] = 0.0
        if touched.virials.shape[0]:
            for k in range(9):
                touched.virials[slot - 1, k] = 0.0
    return slot - 1, n


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
    gradients : (n_pairs, 3) dE_i/dd_ij, eV/Å
    touched : modified
        The virial gets -Σ dE_i/dd ⊗ d; each pair's goes to its neighbour, as in
        deepmd-kit.
    n : atoms touched before

    Returns
    -------
    atoms touched now
    """
    n_types = (pairs.first.size - 1) // max(rows.size, 1)
    xx, xy, xz, yx, yy, yz, zx, zy, zz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for b in range(rows.size):
        own_x, own_y, own_z = 0.0, 0.0, 0.0
        for p in range(pairs.first[b * n_types], pairs.first[(b + 1) * n_types]):
            slot, n = _place(touched, pairs.neighbours[p], n)
            gx, gy, gz = gradients[p]
            touched.forces[slot, 0] -= gx
            touched.forces[slot, 1] -= gy
            touched.forces[slot, 2] -= gz
            own_x += gx
            own_y += gy
            own_z += gz
            dx = np.float64(pairs.geometry[DX, p])
            dy = np.float64(pairs.geometry[DY, p])
            dz = np.float64(pairs.geometry[DZ, p])
            xx += gx * dx
            xy += gx * dy
            xz += gx * dz
            yx += gy * dx
            yy += gy * dy
            yz += gy * dz
            zx += gz * dx
            zy += gz * dy
            zz += gz * dz
            if touched.virials.shape[0]:
                for k in range(3):
                    for m in range(3):
                        work = gradients[p, k] * pairs.geometry[m, p]
                        touched.virials[slot, 3 * k + m] -= work
        slot, n = _place(touched, hood.centres[rows[b]], n)
        touched.forces[slot, 0] += own_x
        touched.forces[slot, 1] += own_y
        touched.forces[slot, 2] += own_z
    sums = (xx, xy, xz, yx, yy, yz, zx, zy, zz)
    for k in range(9):
        touched.virial[k // 3, k % 3] -= sums[k]
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
