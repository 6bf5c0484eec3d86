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
    rows: Ints,
    energies: Floats,
    forces: Floats,
    virials: Floats,
    own_energies: Floats,
    own_forces: Floats,
    own_virials: Floats,
    n_non_finite: Ints,
) -> None:
    """Results of rows, and forces on ghosts, to the atoms of the caller.

    A thread a place: rows first. Also how many rows are not finite.

    Parameters
    ----------
    order : (m,) int32, the atom of each place that has forces
    real : (m,) int32, the caller's number of each atom; or (0,): the same
    rows : (n,) int32, the caller's row of each row; or (0,): its atom
    energies, forces, virials : (n,), (3 · m,), (9 · m,) or (0,)
    own_energies : (N,) or (0,) of the caller's atoms, or rows; written
    own_forces, own_virials : (3 · N,), (9 · N,) or (0,) of its atoms, written
    n_non_finite : (1,) int64, added to; rows with an energy or a force that is NaN or
        infinite
    """
    place = first_item() * WARP + lane()
    finite = True
    if place < order.size:
        atom = pick(order, place)
        if real.size:
            atom = pick(real, atom)
        for c in range(3):
            force = pick(forces, 3 * place + c)
            finite = finite and math.isfinite(force)
            put(own_forces, 3 * atom + c, force)
        if own_virials.size:
            for k in range(N_VIRIAL):
                share = pick(virials, N_VIRIAL * place + k)
                put(own_virials, N_VIRIAL * atom + k, share)
        if place < energies.size:
            energy = pick(energies, place)
            finite = finite and math.isfinite(energy)
            if own_energies.size:
                put(own_energies, pick(rows, place) if rows.size else atom, energy)
        else:
            finite = True  # ghosts are not counted
    bad = cuda.popc(cuda.ballot_sync(EVERYONE, not finite))
    if lane() == 0 and bad:
        cuda.atomic.add(n_non_finite, 0, bad)
