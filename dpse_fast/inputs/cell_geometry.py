"""Geometry of periodic cells that the neighbour lists of all devices share."""

from __future__ import annotations

import numpy as np

from ..array_types import Doubles, Int64s
from ..errors import InputError
from ..kernels.layout import Periodicity
from .lattice import reduced_cell, short_basis
from .structure import System

MOST_ATOMS = 2**31 - 1  # indices are int32
MOST_CELLS_PER_ATOM = 8
MOST_DENSE = 10.0  # atoms per Å³; hydrogen at a terapascal has 1


def periodicity(system: System, reach: float) -> Periodicity:
    """The lattice, and how far images within reach (Å) of its cell lie.

    The cell is the one with the shortest periodic vectors, see `reduced_cell`: those
    of a skewed one lie far from it, and most of what they span is out of reach.

    Raises
    ------
    InputError
        If an atom has too many images for any list.
    """
    if not any(system.pbc):
        return Periodicity(system.cell, system.cell, np.zeros(3))
    if all(system.pbc):
        n, volume = len(system.positions), abs(float(np.linalg.det(system.cell)))
        if n > MOST_DENSE * volume:
            raise InputError(
                f"cell: expected at most {MOST_DENSE:g} atoms per Å³, got {n} in "
                f"{volume:.3g} Å³; lengths are in Å"
            )
    cell = reduced_cell(system.cell, system.pbc)
    inverse = np.linalg.inv(cell)
    heights = 1.0 / np.linalg.norm(inverse, axis=0)
    near = np.where(system.pbc, reach * (1 + 1e-9) / heights, 0.0)
    images = float(np.prod(2.0 * np.ceil(near) + 1))
    if images > MOST_ATOMS:
        raise InputError(
            f"cell: {images:.3g} periodic images of an atom lie within {reach:g} Å, "
            f"cutoff and skin, of a cell whose thinnest direction is "
            f"{heights[list(system.pbc)].min():.3g} Å; expected at most {MOST_ATOMS}: "
            "a larger cell or a smaller skin"
        )
    return Periodicity(cell, np.ascontiguousarray(inverse), near)


def cells_of_space(
    low: Doubles,
    high: Doubles,
    cell: Doubles,
    reach: float,
    n_all: int,
    cells_per_reach: Doubles,
) -> tuple[Doubles, Doubles, Int64s]:
    """Cells over all atoms and images, wider where atoms are sparse.

    Parameters
    ----------
    low, high : (3,) extent in fractions of the cell
    reach : Å
    n_all : atoms and images
    cells_per_reach : (3,) along x, y and z

    Returns
    -------
    origin, widths : (3,) Å
    shape : (3,) how many there are along x, y and z
    """
    ends = low[:, None] * cell, high[:, None] * cell
    origin = np.minimum(*ends).sum(axis=0)
    extent = np.maximum(*ends).sum(axis=0) - origin
    widths = reach / cells_per_reach
    while np.prod(np.floor(extent / widths) + 1) > MOST_CELLS_PER_ATOM * n_all + 64:
        widths = widths * 1.26
    return origin, widths, np.floor(extent / widths).astype(np.int64) + 1


def check_density(n: int, n_listed: int, reach: float) -> None:
    """Refuse a list that no matter is dense enough for, and no cutoff of use.

    Choosing the nearest of n neighbours takes time as n²: at 1000 atoms per Å³ one
    atom took two minutes.

    Parameters
    ----------
    n : atoms
    n_listed : neighbours of all of them
    reach : Å, that they are listed to
    """
    if n_listed > MOST_DENSE * n * 4 / 3 * np.pi * reach**3:
        raise InputError(
            f"positions: {n_listed / n:.3g} neighbours an atom within {reach:g} Å; "
            f"expected at most {MOST_DENSE:g} atoms per Å³, lengths in Å"
        )


def strain_between(before: System, now: System) -> Doubles:
    """(3, 3) E, for which x → x + x E takes the cell of before to the cell of now.

    Its rows that are periodic decide; normals to them stay where they are, so that the
    vectors of open axes, which mean nothing, do not count. Zeros if nothing changed.

    Parameters
    ----------
    before, now : with the same pbc
    """
    periodic = list(before.pbc)
    old, new = before.cell[periodic], now.cell[periodic]
    if np.array_equal(old, new):
        return np.zeros((3, 3))
    basis = short_basis(old)
    if basis is not None:
        # The same strain; long vectors with small angles would round it away.
        old, new = basis @ old, basis @ new
    return np.asarray(np.linalg.pinv(old) @ (new - old))


def squared_allowance(strain: Doubles, cutoff: float, skin: float) -> float:
    """How far (Å, squared) atoms may move beyond the strain while their list serves.

    A list has all pairs that were closer than cutoff + skin. A pair that was apart by
    d0 = x0_j + n H0 − x0_i, with n whole vectors of the cell H0, is apart by
    d = d0 F + u_j − u_i where F = 1 + E and u = x − x0 F is what an atom has moved
    beyond the strain. So |d0| ≤ (|d| + 2 max |u|) / σ with σ the least singular value
    of F, and pairs closer than the cutoff are listed while
    max |u| < (σ (cutoff + skin) − cutoff) / 2, half the skin if the cell is the same.

    Parameters
    ----------
    strain : (3, 3) see `strain_between`
    cutoff, skin : Å

    Returns
    -------
    0 where the list serves no more, whatever atoms do.
    """
    if not strain.any():
        return 0.25 * skin**2
    least = float(np.linalg.svd(np.eye(3) + strain, compute_uv=False)[-1])
    farthest = 0.5 * (least * (cutoff + skin) - cutoff)
    return farthest**2 if farthest > 0 else 0.0


def allowance(
    before: System, now: System, cutoff: float, skin: float
) -> tuple[Doubles, float]:
    """What a list that was built for another structure allows atoms to have moved.

    Returns
    -------
    strain : (3, 3) see `strain_between`
    squared : Å², see `squared_allowance`; 0: there must be a new list
    """
    same = len(before.positions) == len(now.positions) and before.pbc == now.pbc
    if not skin or not same:
        return np.zeros((3, 3)), 0.0
    strain = strain_between(before, now)
    return strain, squared_allowance(strain, cutoff, skin)
