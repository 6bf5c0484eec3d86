"""How much memory an evaluation takes, stated before it runs."""

from __future__ import annotations

from .engine import BLOCK
from .plan import Plan
from .session import DEFAULT_SKIN

IMAGES = 1.3  # atoms with their periodic images per atom, in a box of 10⁵ of water
ARRAYS = 10  # (n, 3) float64 arrays of positions, offsets and sums alive at once


def worker_bytes(plan: Plan) -> int:
    """Buffers of one thread: a block of atoms with ``sel`` neighbours each."""
    item = plan.dtype.itemsize
    wide = plan.geometry_dtype.itemsize
    pair = 6 * wide + item + 2 * 4  # d and dE/dd, offset, neighbour, table row
    widths = max(sum(net.widths) for net in plan.model.fitting)
    stride = max(plan.place(0, c).stride for c in plan.fitting)
    atom = item * (stride + 3 * widths)
    for descriptor in plan.model.descriptors:
        atom += 8 * item * descriptor.width + pair * descriptor.n_slots
    return int(BLOCK * atom)


def bytes_per_atom(plan: Plan, threads: int) -> int:
    """What grows with the structure: the list with its skin, positions, sums.

    An estimate: it takes ``sel`` for the number of neighbours within the cutoff
    and a large, dense box.
    """
    widest = plan.descriptors[plan.widest].descriptor
    skin = (1 + DEFAULT_SKIN / widest.rcut) ** 3
    listed = 4 * widest.n_slots * skin
    return round(listed + 24 * IMAGES * (ARRAYS + threads))
