"""Arguments of the kernels of the neighbour list, the same in all precisions."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda import cells, images, neighbour_list, reverse, rows, skin
from dpse_fast.kernels.cuda.layout import FullList, Images, PlacesByCell
from dpse_fast.kernels.layout import Grid, Periodicity

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import Example


def examples(precision: str) -> list[Example]:
    """Each kernel."""
    doubles, ints, longs = (np.zeros(64, t) for t in (np.float64, np.int32, np.int64))
    at = np.zeros((8, 3))
    box = Periodicity(np.zeros((3, 3)), np.zeros((3, 3)), doubles)
    grid = Grid(doubles, doubles, longs, ints)
    hood = FullList(longs, ints, np.zeros(64, np.uint16), ints, ints, ints)
    inputs = np.zeros(64, PRECISIONS[precision][0])
    by_cell = PlacesByCell(doubles, doubles, doubles, longs)
    listing = (by_cell, doubles, grid, 7.0, 8, 2, longs, ints, True)
    of_atoms = Images(doubles, doubles, longs, ints, longs, ints)
    wide = {"key_cells", "fill_cells", "list_by_type"}
    arguments = {
        images.wrap_atoms: (at, box, doubles, longs, doubles),
        images.place_images: (doubles, box, longs, ints, doubles, longs),
        cells.key_rows: (at, ints, ints, doubles, grid, 2, longs),
        cells.invert_order: (longs, ints),
        cells.sort_places: (
            *(longs, ints, ints, doubles, longs),
            *(ints, ints, doubles, longs),
        ),
        cells.key_cells: (doubles, grid, longs),
        cells.fill_cells: (doubles, longs, longs, by_cell, grid),
        neighbour_list.list_by_type: listing,
        neighbour_list.summarise: (longs, doubles, 8, 2, longs),
        reverse.find_reverse: (hood, of_atoms, doubles, 8, 2),
        skin.farthest_move: (at, ints, at, ints, doubles, doubles),
        skin.follow: (at, ints, ints, ints, doubles, doubles, doubles),
        rows.set_factors: (0, 8, 1.0, doubles, doubles),
        rows.finish_energies: (0, 8, 1.0, doubles, 1.0, 1.0, doubles),
        rows.finish_inputs: (doubles, 2, 0, 8, inputs, 8, 6),
        rows.gather_rows: (doubles, 2, ints, doubles),
        rows.renumber: (ints, ints, ints),
    }
    found = []
    for kernel, given in arguments.items():
        name = kernel.py_func.__name__
        found.append(Example(name, kernel, given, 96, name in wide, True))
    return found
