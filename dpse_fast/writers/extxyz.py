"""Extended XYZ: energy, forces, virial and stress, as ASE and others read them."""

from __future__ import annotations

from collections.abc import Iterable
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Integers
from ..errors import InputError
from .evaluation import Evaluation, ResultWriter

NUMBER = "%.10g"
POSITION = "%.10f"
LINES_AT_ONCE = 20_000


class ExtxyzWriter(ResultWriter):
    """One frame after another.

    The header has energy (eV), virial (eV, -dE/d(strain)), where the frame is periodic
    in three dimensions stress (eV/Å³, -virial/volume), and the number of the frame in
    its trajectory. Columns: species, positions, forces, and with atomic results
    energies and virials (9 numbers an atom). Types without an element name are written
    as X, with a type column.
    """

    _file: BinaryIO

    def _begin(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._end = 0

    def _continue(self, path: Path, end: int) -> None:
        self._file = path.open("r+b", buffering=0)
        if self._file.seek(0, SEEK_END) < end:
            raise InputError(
                f"{path}: expected at least {end} bytes, which were written of it, "
                f"got {self._file.tell()}"
            )
        self._file.truncate(end)
        self._file.seek(end)
        self._end = end

    def write(self, evaluation: Evaluation) -> None:
        species, numbered = self._species(evaluation)
        columns = [evaluation.frame.positions, evaluation.forces]
        properties = "species:S:1:pos:R:3:forces:R:3"
        formats = ["%-2s", *[POSITION] * 3, *[NUMBER] * 3]
        if evaluation.atomic_energies is not None:
            columns.append(evaluation.atomic_energies[:, None])
            properties += ":energies:R:1"
            formats.append(NUMBER)
        if evaluation.atomic_virials is not None:
            columns.append(evaluation.atomic_virials.reshape(-1, 9))
            properties += ":virials:R:9"
            formats += [NUMBER] * 9
        if numbered:
            columns.append(evaluation.types[:, None].astype(np.float64))
            properties += ":type:I:1"
            formats.append("%d")
        line = " ".join(formats) + "\n"
        values = np.concatenate(columns, axis=1)
        end = self._end
        header = self._header(evaluation, properties)
        end += self._put(f"{len(species)}\n{header}\n")
        for begin in range(0, len(species), LINES_AT_ONCE):
            some = slice(begin, begin + LINES_AT_ONCE)
            rows = zip(species[some], values[some].tolist(), strict=True)
            end += self._put("".join(line % (name, *row) for name, row in rows))
        self._end = end

    def _put(self, text: str) -> int:
        """Write all of it; returns the number of bytes."""
        data = text.encode()
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(data)

    @property
    def end(self) -> int:
        """Bytes."""
        return self._end

    def _species(self, evaluation: Evaluation) -> tuple[list[str], bool]:
        from ase.data import atomic_numbers

        frame = evaluation.frame
        indices: Integers
        if frame.names is None:
            names, indices = tuple(self.description.type_map), evaluation.types
        else:
            names, indices = frame.names, frame.types
        shown = [name if name in atomic_numbers else "X" for name in names]
        return [shown[k] for k in indices.tolist()], tuple(shown) != tuple(names)

    def _header(self, evaluation: Evaluation, properties: str) -> str:
        frame = evaluation.frame
        parts = [f"Properties={properties}", f"energy={evaluation.energy!r}"]
        if frame.cell is not None:
            parts.insert(0, f'Lattice="{_numbers(frame.cell)}"')
        if frame.volume is not None:
            stress = -evaluation.virial / frame.volume
            parts.append(f'stress="{_numbers((stress + stress.T) / 2)}"')
        parts.append(f'virial="{_numbers(evaluation.virial.T)}"')
        parts.append('pbc="{}"'.format(" ".join("FT"[p] for p in frame.pbc)))
        parts.append(f"frame={frame.index}")
        parts += [
            f'{key}="{_quotable(value)}"'
            for key, value in self.description.attributes.items()
        ]
        return " ".join(parts)

    def close(self) -> None:
        with self._file:
            self._file.truncate(self._end)


def _numbers(array: ArrayLike) -> str:
    values: Iterable[float] = np.asarray(array, np.float64).reshape(-1).tolist()
    return " ".join(map(repr, values))


def _quotable(text: str) -> str:
    return " ".join(text.replace('"', "'").replace("\\", "/").split())
