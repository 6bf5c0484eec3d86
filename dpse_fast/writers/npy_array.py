"""Descriptors as one .npy array (F, N, M), as ``dp eval-desc`` writes them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..errors import InputError
from .evaluation import ResultWriter

if TYPE_CHECKING:
    from .features import FeatureDescription, FeaturedFrame

HEADER = 128  # bytes: NumPy leaves room in it for more frames


class DescriptorArray(ResultWriter):
    """Appends each frame to the array; its header has the shape that is there."""

    description: FeatureDescription
    _file: BinaryIO

    def _begin(self, path: Path) -> None:
        self._n_frames, self._n_atoms = 0, 0
        self._file = path.open("x+b")
        self._write_header()

    def _continue(self, path: Path, end: int) -> None:
        self._file = path.open("r+b")
        try:
            np.lib.format.read_magic(self._file)
            shape = np.lib.format.read_array_header_1_0(self._file)[0]
        except ValueError as error:
            self._file.close()
            raise InputError(f"{path}: cannot be read ({error})") from None
        if len(shape) != 3 or shape[0] < end:
            self._file.close()
            raise InputError(f"{path}: expected {end} frames, got shape {shape}")
        self._n_frames, self._n_atoms = end, int(shape[1])
        self._file.truncate(HEADER + end * self._frame_bytes)
        self._write_header()

    @property
    def _dtype(self) -> np.dtype[Any]:
        return np.dtype(self.description.dtype).newbyteorder("<")

    @property
    def _frame_bytes(self) -> int:
        return self._n_atoms * self.description.descriptor * self._dtype.itemsize

    def _write_header(self) -> None:
        header = io.BytesIO()
        shape = (self._n_frames, self._n_atoms, self.description.descriptor)
        about = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, about)
        assert header.tell() == HEADER
        self._file.seek(0)
        self._file.write(header.getvalue())
        self._file.flush()

    def write(self, evaluation: FeaturedFrame) -> None:
        frame = evaluation.frame
        if self._n_frames == 0:
            self._n_atoms = frame.n_atoms
        if frame.n_atoms != self._n_atoms:
            raise InputError(
                f"{frame.name}: expected {self._n_atoms} atoms as in the first frame, "
                f"got {frame.n_atoms}, which one array cannot hold; write to .h5"
            )
        self._file.seek(HEADER + self._n_frames * self._frame_bytes)
        rows = np.ascontiguousarray(evaluation.features.descriptor, self._dtype)
        self._file.write(rows.tobytes())
        self._file.flush()
        self._n_frames += 1
        self._write_header()

    @property
    def end(self) -> int:
        """Frames."""
        return self._n_frames

    def close(self) -> None:
        self._file.close()
