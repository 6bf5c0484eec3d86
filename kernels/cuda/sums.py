"""Sums over all rows in a fixed order, and results in the caller's order."""

from __future__ import annotations

import math

from ..layout import Floats, Ints
from ._cuda import WARP, cuda, kernel
from ._ptx import EVERYONE, first_item, lane, pick, put
from .forces import N_VIRIAL, warp_total

PER_SUM = 1024  # rows that a warp adds up


@kernel
def sum_parts(values: Floats, n: int, width: int, sums: Floats, offset: int) -> None:
    """Columns of (n, width) numbers, summed over each `PER_SUM` rows.

    A warp makes one number, in an order that n alone decides.

    Parameters
    ----------
    sums : (n_parts · width,) from ``offset`` on, written
    """
    own, item = lane(), first_item()
    column, part = item % width, item // width
    begin = part * PER_SUM
    if begin >= n:
        return
    total = 0.0
    for row in range(begin + own, min(begin + PER_SUM, n), WARP):
        total += pick(values, row * width + column)
    total = warp_total(total)
    if own == 0:
        put(sums, offset + item, total)


@kernel
def hand_over(
    order: Ints,
    real: Ints,
    energies: Floats,
    forces: Floats,
    virials: Floats,
    own_energies: Floats,
    own_forces: Floats,
    own_virials: Floats,
    n_non_finite: Ints,
) -> None:
    """Results of rows to the atoms of the caller, and how many are not finite.

    A thread a row.

    Parameters
    ----------
    order : (n,) int32, the atom of each row
    real : (n,) int32, the caller's number of each atom; or (0,): the same
    energies, forces, virials : (n,), (3 · n,), (9 · n,) or (0,) of rows
    own_energies, own_forces, own_virials : (N,) or (0,), (3 · N,), (9 · N,) or (0,)
        of the caller's atoms, written
    n_non_finite : (1,) int64, added to; rows with an energy or a force that is NaN or
        infinite
    """
    row = first_item() * WARP + lane()
    finite = True
    if row < order.size:
        atom = pick(order, row)
        if real.size:
            atom = pick(real, atom)
        energy = pick(energies, row)
        finite = math.isfinite(energy)
        for c in range(3):
            force = pick(forces, 3 * row + c)
            finite = finite and math.isfinite(force)
            put(own_forces, 3 * atom + c, force)
        if own_energies.size:
            put(own_energies, atom, energy)
        if own_virials.size:
            for k in range(N_VIRIAL):
                put(own_virials, N_VIRIAL * atom + k, pick(virials, N_VIRIAL * row + k))
    bad = cuda.popc(cuda.ballot_sync(EVERYONE, not finite))
    if lane() == 0 and bad:
        cuda.atomic.add(n_non_finite, 0, bad)
