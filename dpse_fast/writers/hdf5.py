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
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..array_types import AnyArray
from .evaluation import Evaluation, ResultWriter

if TYPE_CHECKING:
    import h5py

FORMAT = "dpse-fast results"
VERSION = 1
CHUNK_BYTES = 1 << 16


class Hdf5Writer(ResultWriter):
    """Appends each frame to the datasets of the module's table."""

    _file: h5py.File

    def _open(self, path: Path) -> None:
        import h5py

        self._file = h5py.File(path, "w")
        self._file.attrs["format"] = FORMAT
        self._file.attrs["version"] = VERSION
        self._file.attrs["type_map"] = list(self.description.type_map)
        for key, value in self.description.attributes.items():
            self._file.attrs[key] = value
        self._n_atoms = 0

    def write(self, evaluation: Evaluation) -> None:
        frame = evaluation.frame
        self._n_atoms += frame.n_atoms
        cell = np.zeros((3, 3)) if frame.cell is None else frame.cell
        self._append("frames/end", np.array([self._n_atoms]))
        self._append("frames/index", np.array([frame.index]))
        self._append("frames/energy", np.array([evaluation.energy]))
        self._append("frames/virial", evaluation.virial[None])
        self._append("frames/cell", cell[None])
        self._append("frames/pbc", np.array([frame.pbc], np.int8))
        self._append("atoms/type", evaluation.types.astype(np.int32))
        self._append("atoms/position", frame.positions)
        self._append("atoms/force", evaluation.forces)
        if evaluation.atomic_energies is not None:
            self._append("atoms/energy", evaluation.atomic_energies)
        if evaluation.atomic_virials is not None:
            self._append("atoms/virial", evaluation.atomic_virials)

    def _append(self, name: str, rows: AnyArray) -> None:
        if name not in self._file:
            width = rows.dtype.itemsize * int(np.prod(rows.shape[1:]))
            self._file.create_dataset(
                name,
                shape=(0, *rows.shape[1:]),
                maxshape=(None, *rows.shape[1:]),
                chunks=(max(1, CHUNK_BYTES // width), *rows.shape[1:]),
                dtype=rows.dtype,
            )
        dataset = self._file[name]
        start = dataset.shape[0]
        dataset.resize(start + len(rows), axis=0)
        dataset[start:] = rows

    def _close(self) -> None:
        self._file.close()
