"""Arguments of the kernels of a caller's list."""

from __future__ import annotations

from typing import Any

import numpy as np
from dpse_fast.kernels.cuda import caller_list
from dpse_fast.kernels.cuda.incoming import find_incoming, make_gather_incoming
from dpse_fast.kernels.cuda.layout import (
    FullList,
    GivenList,
    Incoming,
    PairGradients,
    Tile,
)

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import Example


def examples(precision: str) -> list[Example]:
    """Each kernel, for the pair gradients of a precision."""
    reals, longs, ints = (np.zeros(64, t) for t in (np.float64, np.int64, np.int32))
    halves = np.zeros(64, np.uint16)
    hood = FullList(longs, ints, halves, ints, ints, ints)
    given = GivenList(longs, ints, ints)
    incoming = Incoming(longs, ints, halves)
    gradients = PairGradients(np.zeros(64, PRECISIONS[precision][1]), 0)
    tile = Tile(0, 1)
    checked = (0, ints, ints, ints, longs)

    def example(kernel: Any, *arguments: Any, kind: str = "", registers: int = 32):
        name = f"{kernel.py_func.__name__}{kind}"
        return Example(name, kernel, arguments, registers, False, True)

    found = [
        example(
            caller_list.check_list_on_device,
            *(longs, ints, ints, ints, *checked),
        ),
        example(
            caller_list.check_list_on_device,
            *(longs, longs, ints, longs, *checked),
            kind="_of_64_bits",
        ),
        example(caller_list.key_atoms, ints, ints, 2, ints),
        example(
            caller_list.sort_by_type,
            *(given, ints, ints, 2, longs, ints, halves, True),
            registers=64,
        ),
        example(
            caller_list.list_gradients,
            *(hood, 2, given, halves, tile, gradients, reals),
        ),
        example(find_incoming, hood, 8, 2, longs, incoming),
    ]
    for atomic in (False, True):
        gather = (hood, 2, reals, incoming, tile, gradients, 1, reals, reals, reals)
        found.append(
            Example(
                f"gather_incoming{'_atomic' if atomic else ''}",
                make_gather_incoming(atomic),
                gather,
                registers=72,
                wide_loads=True,
                float64=True,
            )
        )
    return found
