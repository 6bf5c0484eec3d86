"""How much memory an evaluation takes, stated before it runs."""

from __future__ import annotations

import numpy as np

from ..evaluation.session import DEFAULT_SKIN
from ..kernels._simd import lanes
from ..plan import Plan
from ..plan.neighbour_counts import listed_neighbours
from .blocks import BLOCK
from .packed_plan import packed

LARGE = 1e6  # atoms of the box that `info` speaks of
WAITING = 4  # forces of blocks that wait for those before them, a worker

# Bytes of an atom: the list's rows and centres, energies and rows of the engine.
ROWS = 8 + 4 + 8 + 8
# The copy that the next step is compared with, and what a result takes on its way.
STEP = (24 + 4) + (24 + 8 + 4)
# Of an atom or image: position, owner, type, force, position and type side by side; and
# of an image its offset.
ALL, IMAGE = 24 + 4 + 4 + 24 + 32, 24 + 4
BUILDING = 24 + 24  # of an atom or image: columns and offsets, while the list is made
SLOT = 4  # of an atom or image, a worker


def fixed_bytes(plan: Plan, threads: int) -> int:
    """Of tables, fitting nets and the threads' buffers."""
    return packed(plan).n_bytes + threads * worker_bytes(plan)


def worker_bytes(plan: Plan) -> int:
    """Buffers of one thread: a block of atoms with their listed neighbours."""
    own = packed(plan)
    item = plan.dtype.itemsize
    wide = plan.geometry_dtype.itemsize
    listed = listed_neighbours(plan.model, plan.species, DEFAULT_SKIN)
    widths = max(sum(net.widths) for net in plan.model.fitting)
    stride = max(own.place(0, c).stride for c in plan.species)
    atom = item * (stride + 3 * widths)
    pair = 6 * wide + item + 2 * 4  # d and dE/dd, offset, neighbour, table row
    register = lanes(plan.dtype)
    for part in own.descriptors:
        atom += 1.25 * pair * listed
        if part.descriptor.family.has_products:
            atom += 2 * 4 * item * register * int(part.channels.total.max())
    atom += WAITING * (32 + 4) * listed
    return int(BLOCK * atom)


def bytes_per_atom(
    plan: Plan, threads: int, skin: float = DEFAULT_SKIN, n_atoms: float = LARGE
) -> int:
    """What grows with the structure: the list with its skin, positions, sums.

    Beyond the caller's arrays, in a periodic cube as dense as what the model was
    trained on, as far as the model's statistics tell.

    Parameters
    ----------
    skin : Å
    n_atoms : in the cube; the smaller it is, the more images an atom has
    """
    listed = listed_neighbours(plan.model, plan.species, skin)
    reach = plan.model.rcut + skin
    density = listed / (4 / 3 * np.pi * reach**3)
    edge = (n_atoms / density) ** (1 / 3)
    images = (1 + 2 * reach / edge) ** 3 - 1
    step = STEP + images * IMAGE
    building = (1 + images) * BUILDING
    rest = ROWS + (1 + images) * (ALL + SLOT * threads)
    return int(4 * listed + rest + max(step, building))
