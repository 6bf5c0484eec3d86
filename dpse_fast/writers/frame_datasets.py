"""Frames of any size in resizable HDF5 datasets, of atoms and of frames.

``frames/end`` (F,) tells that frame f has the atoms end[f-1]:end[f]. A frame is whole
when it is there, which is written last. The file opens and has all whole frames at any
moment, also after the program was killed.
"""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from ..array_types import AnyArray
from ..errors import InputError, reason
from ..runtime.interrupts import raise_interrupt_behind
from .evaluation import ResultWriter, copy_of
from .hdf5_superblock import OpenSuperblock

if TYPE_CHECKING:
    import h5py

LIBRARY_VERSIONS = ("v110", "v110")  # of HDF5, whose layout concurrent readers need
CHUNK_BYTES = {"frames": 1 << 12, "atoms": 1 << 16}
MOST_GROWTH = 1 << 20  # of the file with a frame, beside twice the frame's bytes
END = "frames/end"

Rows = dict[str, AnyArray]


class Column(NamedTuple):
    """A dataset: the type of its numbers, and the shape of a row."""

    dtype: type[np.generic]
    shape: tuple[int, ...] = ()


class FrameDatasets(ResultWriter):
    """Appends each frame to the datasets.

    Attributes
    ----------
    format, version : what the file says that it is
    """

    format: ClassVar[str]
    version: ClassVar[int]
    _file: h5py.File

    @abstractmethod
    def columns(self) -> dict[str, Column]:
        """The datasets, ``atoms/…`` and ``frames/…``, in the order of their writing.

        The last one is `END`.
        """

    @abstractmethod
    def rows(self, evaluation: Any) -> dict[str, Any]:
        """What a frame adds to each of them but to `END`."""

    def _begin(self, path: Path) -> None:
        self._columns = self.columns()
        path.write_bytes(self._without_frames())
        self._n_frames = self._n_atoms = 0
        self._file = _opened(path)
        self._superblock = OpenSuperblock(path)
        try:
            self._file.swmr_mode = True
            self._reserve(0)
        except BaseException:
            self.close()
            raise

    def _without_frames(self) -> bytes:
        """A file of results with empty datasets, made in memory.

        HDF5 crashes the process where a disk has no room for it.
        """
        import h5py

        image = io.BytesIO()
        with h5py.File(image, "w", libver=LIBRARY_VERSIONS) as file:
            file.attrs["format"], file.attrs["version"] = self.format, self.version
            file.attrs["type_map"] = list(self.description.type_map)
            for key, value in self.description.attributes.items():
                file.attrs[key] = value
            for name, column in self._columns.items():
                _new_dataset(file, name, column)
        return image.getvalue()

    def _continue(self, path: Path, end: int) -> None:
        """Made anew frame by frame, so that it is as if it was written at once."""
        copy = copy_of(path)
        try:
            self._begin(copy)
            try:
                for rows in _frames(path, end, list(self._columns)):
                    self._append(rows)
                copy.replace(path)
            except BaseException:
                self.close()
                raise
        except BaseException:
            copy.unlink(missing_ok=True)
            raise

    def write(self, evaluation: Any) -> None:
        rows = self.rows(evaluation)
        rows[END] = self._n_atoms + evaluation.frame.n_atoms
        self._append(
            {
                name: np.asarray(rows[name], column.dtype).reshape(-1, *column.shape)
                for name, column in self._columns.items()
            }
        )

    def _append(self, rows: Rows) -> None:
        self._reserve(sum(values.nbytes for values in rows.values()))
        begins = {"atoms": self._n_atoms, "frames": self._n_frames}
        for name, values in rows.items():
            dataset = self._file[name]
            start = begins[name.partition("/")[0]]
            dataset.resize(start + len(values), axis=0)
            dataset[start:] = values
            dataset.flush()
        self._n_frames += 1
        self._n_atoms = int(rows[END][0])

    def _reserve(self, n_bytes: int) -> None:
        size = int(self._file.id.get_filesize())
        self._superblock.reserve(size + 2 * n_bytes + MOST_GROWTH)

    @property
    def end(self) -> int:
        """Frames."""
        return self._n_frames

    def close(self) -> None:
        try:
            self._file.close()
        finally:
            self._superblock.close()


def _opened(path: Path) -> h5py.File:
    import h5py

    return h5py.File(path, "r+", libver=LIBRARY_VERSIONS, locking="best-effort")


def _new_dataset(file: h5py.File, name: str, column: Column) -> None:
    width = np.dtype(column.dtype).itemsize * int(np.prod(column.shape, dtype=int))
    file.create_dataset(
        name,
        shape=(0, *column.shape),
        maxshape=(None, *column.shape),
        chunks=(max(CHUNK_BYTES[name.partition("/")[0]] // width, 1), *column.shape),
        dtype=column.dtype,
    )


def _frames(path: Path, n_frames: int, names: list[str]) -> Iterator[Rows]:
    """The rows of the first frames of a file of results."""
    import h5py

    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            ends = [0, *file[END][:n_frames].tolist()]
            if len(ends) <= n_frames:
                raise InputError(
                    f"{path}: expected {n_frames} frames, got {len(ends) - 1}"
                )
            for k in range(n_frames):
                parts = {"frames": slice(k, k + 1), "atoms": slice(*ends[k : k + 2])}
                yield {
                    name: file[name][parts[name.partition("/")[0]]] for name in names
                }
    except (OSError, RuntimeError, KeyError, SystemError) as error:
        raise_interrupt_behind(error)
        raise InputError(f"{path}: cannot be read ({reason(error)})") from None
