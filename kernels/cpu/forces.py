"""From pair gradients to forces and virials."""

from __future__ import annotations

from .._jit import kernel
from ..layout import Floats, Ints, Neighbourhood, Pairs


@kernel
def scatter_forces(
    hood: Neighbourhood,
    rows: Ints,
    pairs: Pairs,
    gradients: Floats,
    forces: Floats,
    virial: Floats,
) -> None:
    """Add the pair gradients of a block to the forces and the virial.

    Parameters
    ----------
    gradients : (n_pairs, 3) dE_i/dd_ij, eV/Å
    forces : (n_all, 3) float64, added to
    virial : (3, 3) float64, added to: -Σ dE_i/dd ⊗ d
    """
    for b in range(rows.size):
        centre = hood.centres[rows[b]]
        own_x, own_y, own_z = 0.0, 0.0, 0.0
        for p in range(pairs.first[b], pairs.first[b + 1]):
            j = pairs.neighbours[p]
            gx, gy, gz = gradients[p]
            forces[j, 0] -= gx
            forces[j, 1] -= gy
            forces[j, 2] -= gz
            own_x += gx
            own_y += gy
            own_z += gz
            for k in range(3):
                d = pairs.geometry[p, k]
                virial[0, k] -= gx * d
                virial[1, k] -= gy * d
                virial[2, k] -= gz * d
        forces[centre, 0] += own_x
        forces[centre, 1] += own_y
        forces[centre, 2] += own_z


@kernel
def scatter_atomic_virials(
    pairs: Pairs, gradients: Floats, atomic_virials: Floats
) -> None:
    """Add -dE_i/dd ⊗ d of each pair to its neighbour, as deepmd-kit does.

    Parameters
    ----------
    atomic_virials : (n_all, 3, 3) float64, added to
    """
    for p in range(pairs.first[-1]):
        j = pairs.neighbours[p]
        for k in range(3):
            for m in range(3):
                atomic_virials[j, k, m] -= gradients[p, k] * pairs.geometry[p, m]
