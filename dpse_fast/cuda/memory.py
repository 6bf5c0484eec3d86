"""How much memory of a GPU an evaluation takes, stated before it runs."""

from __future__ import annotations

from ..errors import InputError
from ..evaluation.session import DEFAULT_SKIN
from ..plan import Plan
from ..plan.neighbour_counts import listed_neighbours
from .device import Device
from .packed_plan import PackedPlan

# Of an atom: position and place of rows and images with their offsets and owners,
# the copies that the next step is compared with, energies, factors, forces, virials.
ROW = 32 + 24 + 4 + 4 + (24 + 4) + 8 + 8 + 24 + 72 / 8 + 4 + 4 + 24
SEGMENT = 8 + 4 + 4  # of an atom and neighbour type: its part of the list
LISTED = 4 + 2  # of a neighbour, without the place of the reverse pair 4


def fixed_bytes(plan: Plan) -> int:
    """Of tables and fitting nets."""
    return PackedPlan(plan).n_bytes


def bytes_per_atom(plan: Plan, deterministic: bool, skin: float = DEFAULT_SKIN) -> int:
    """What grows with the structure, in boxes much larger than the cutoff.

    Beyond it come buffers for a batch of rows and for pair gradients, as much as is
    free up to those of all pairs; they shrink where memory is short.
    """
    listed = listed_neighbours(plan.model, plan.species, skin)
    pair = LISTED if deterministic else LISTED - 2
    return int(pair * listed + SEGMENT * len(plan.species) + ROW)


def no_memory(device: Device, n: int) -> InputError:
    """The error for n atoms that memory was not enough for."""
    free, total = device.memory()
    return InputError(
        f"positions: {n} atoms do not fit into the GPU's memory of "
        f"{total / 1e9:.3g} GB, of which {free / 1e9:.3g} GB are free; expected "
        "fewer atoms, a precision of 'mixed' or 'single', a smaller skin, or "
        "device='cpu'"
    )
