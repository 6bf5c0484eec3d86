"""Arguments of the kernels of structures, of neighbour lists and of a caller's list."""

from __future__ import annotations

from typing import Any

import numpy as np
from dpse_fast.kernels.cuda import (
    boundary,
    caller_list,
    cells,
    images,
    neighbour_list,
    reverse,
    rows,
    skin,
)
from dpse_fast.kernels.cuda.incoming import find_incoming
from dpse_fast.kernels.cuda.layout import (
    GivenList,
    Images,
    Incoming,
    PlacesByCell,
    Tile,
)
from dpse_fast.kernels.layout import Grid, Periodicity

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import DOUBLES, HOOD, INTS, LONGS, PLACES, Example, gradients_of


def examples(precision: str) -> list[Example]:
    """Each kernel, for the inputs and pair gradients of a precision."""
    return [
        *(of_structures(np.dtype(dtype)) for dtype in (np.int32, np.int64)),
        *of_our_list(PRECISIONS[precision][0]),
        *of_callers_list(precision),
    ]


def of_structures(types: np.dtype[Any]) -> Example:
    given = (np.zeros((64, 3)), 1e7, np.zeros(64, types), -1, 1, np.zeros(4, np.int64))
    return Example(
        f"check_atoms_{types.name}", boundary.check_atoms, given, 32, False, True
    )


def of_our_list(dtype: Any) -> list[Example]:
    at = np.zeros((8, 3))
    box = Periodicity(np.zeros((3, 3)), np.zeros((3, 3)), DOUBLES)
    grid = Grid(DOUBLES, DOUBLES, LONGS, INTS)
    by_cell = PlacesByCell(DOUBLES, DOUBLES, DOUBLES, LONGS)
    listing = (by_cell, DOUBLES, grid, 7.0, 8, 2, LONGS, INTS, True)
    of_atoms = Images(DOUBLES, DOUBLES, LONGS, INTS, LONGS, INTS)
    wide = {"key_cells", "fill_cells", "list_by_type"}
    arguments = {
        images.wrap_atoms: (at, box, DOUBLES, LONGS, DOUBLES),
        images.place_images: (DOUBLES, box, LONGS, INTS, DOUBLES, LONGS),
        cells.key_rows: (at, INTS, INTS, DOUBLES, grid, 2, LONGS),
        cells.invert_order: (LONGS, INTS),
        cells.sort_places: (
            *(LONGS, INTS, INTS, DOUBLES, LONGS),
            *(INTS, INTS, DOUBLES, LONGS),
        ),
        cells.key_cells: (DOUBLES, grid, LONGS),
        cells.fill_cells: (DOUBLES, LONGS, LONGS, by_cell, grid),
        neighbour_list.list_by_type: listing,
        neighbour_list.summarise: (LONGS, DOUBLES, 8, 2, LONGS),
        reverse.find_reverse: (HOOD, of_atoms, DOUBLES, 8, 2),
        skin.farthest_move: (at, INTS, at, INTS, DOUBLES, DOUBLES),
        skin.follow: (at, INTS, INTS, INTS, DOUBLES, DOUBLES, DOUBLES),
        rows.set_factors: (0, 8, 1.0, DOUBLES, DOUBLES),
        rows.finish_energies: (0, 8, 1.0, DOUBLES, 1.0, 1.0, DOUBLES),
        rows.finish_inputs: (DOUBLES, 2, 0, 8, np.zeros(64, dtype), 8, 6),
        rows.gather_rows: (DOUBLES, 2, INTS, DOUBLES),
        rows.scatter_rows: (DOUBLES, 2, LONGS, DOUBLES),
        rows.renumber: (INTS, INTS, INTS),
    }
    found = []
    for kernel, given in arguments.items():
        name = kernel.py_func.__name__
        found.append(Example(name, kernel, given, 96, name in wide, True))
    return found


def of_callers_list(precision: str) -> list[Example]:
    given = GivenList(LONGS, INTS, INTS)
    incoming = Incoming(LONGS, INTS, PLACES)
    gradients = (Tile(0, 1), gradients_of(precision), DOUBLES)
    check, checked = caller_list.check_list_on_device, (0, INTS, INTS, INTS, LONGS)

    def example(kernel: Any, *arguments: Any, kind: str = "", registers: int = 32):
        name = f"{kernel.py_func.__name__}{kind}"
        return Example(name, kernel, arguments, registers, False, True)

    return [
        example(check, LONGS, INTS, INTS, INTS, *checked),
        example(check, LONGS, LONGS, INTS, LONGS, *checked, kind="_of_64_bits"),
        example(caller_list.key_atoms, INTS, INTS, 2, INTS),
        example(
            caller_list.sort_by_type,
            *(given, INTS, INTS, 2, LONGS, INTS, PLACES, True),
            registers=64,
        ),
        example(caller_list.list_gradients, HOOD, 2, given, PLACES, *gradients),
        example(find_incoming, HOOD, 8, 2, LONGS, incoming),
    ]
