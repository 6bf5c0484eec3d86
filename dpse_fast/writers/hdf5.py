"""HDF5 results: frames of any size in resizable datasets.

Layout (``format = "dpse-fast results"``, ``version = 1`` in the root attributes,
beside ``type_map`` and where the numbers come from):

===================== ============== =======================================
dataset               shape          meaning
===================== ============== =======================================
frames/end            (F,)           frame f has the atoms end[f-1]:end[f]
frames/index          (F,)           its number in the trajectory
frames/energy         (F,)           eV
frames/virial         (F, 3, 3)      eV, -dE/d(strain)
frames/cell           (F, 3, 3)      rows, Å; zeros without a cell
frames/pbc            (F, 3)         0 or 1
atoms/type            (A,)           index into type_map
atoms/position        (A, 3)         Å
atoms/force           (A, 3)         eV/Å
atoms/energy          (A,)           eV, if asked for
atoms/virial          (A, 3, 3)      eV, if asked for
===================== ============== =======================================

A frame is whole when ``frames/end`` has it, which is written last. The file opens and
has all whole frames at any moment, also after the program was killed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .evaluation import Evaluation
from .frame_datasets import END, Column, FrameDatasets

COLUMNS = {
    "atoms/type": Column(np.int32),
    "atoms/position": Column(np.float64, (3,)),
    "atoms/force": Column(np.float64, (3,)),
    "atoms/energy": Column(np.float64),
    "atoms/virial": Column(np.float64, (3, 3)),
    "frames/index": Column(np.int64),
    "frames/energy": Column(np.float64),
    "frames/virial": Column(np.float64, (3, 3)),
    "frames/cell": Column(np.float64, (3, 3)),
    "frames/pbc": Column(np.int8, (3,)),
    END: Column(np.int64),
}  # in the order in which they are written
IF_ATOMIC = ("atoms/energy", "atoms/virial")


class Hdf5Writer(FrameDatasets):
    """Writes the datasets of the module's table."""

    format, version = "dpse-fast results", 1

    def columns(self) -> dict[str, Column]:
        atomic = self.description.atomic
        return {k: c for k, c in COLUMNS.items() if atomic or k not in IF_ATOMIC}

    def rows(self, evaluation: Evaluation) -> dict[str, Any]:
        frame = evaluation.frame
        return {
            "atoms/type": evaluation.types,
            "atoms/position": frame.positions,
            "atoms/force": evaluation.forces,
            "atoms/energy": evaluation.atomic_energies,
            "atoms/virial": evaluation.atomic_virials,
            "frames/index": frame.index,
            "frames/energy": evaluation.energy,
            "frames/virial": evaluation.virial,
            "frames/cell": np.zeros((3, 3)) if frame.cell is None else frame.cell,
            "frames/pbc": frame.pbc,
        }
