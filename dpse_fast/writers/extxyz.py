"""Extended XYZ: energy, forces, virial and stress, as ASE and others read them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Integers
from .evaluation import Evaluation, ResultWriter

NUMBER = "%.10g"
POSITION = "%.10f"


class ExtxyzWriter(ResultWriter):
    """One frame after another.

    The header has energy (eV), virial (eV, -dE/d(strain)) and, where the frame is
    periodic in three dimensions, stress (eV/Å³, -virial/volume). Columns: species,
    positions, forces, and with atomic results energies and virials (9 numbers an
    atom). Types without an element name are written as X, with a type column.
    """

    _file: TextIO

    def _open(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

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
        self._file.write(f"{len(species)}\n{self._header(evaluation, properties)}\n")
        line = " ".join(formats) + "\n"
        values = np.concatenate(columns, axis=1)
        self._file.writelines(
            line % (name, *row)
            for name, row in zip(species, values.tolist(), strict=True)
        )

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
        parts += [
            f'{key}="{_quotable(value)}"'
            for key, value in self.description.attributes.items()
        ]
        return " ".join(parts)

    def _close(self) -> None:
        self._file.close()


def _numbers(array: ArrayLike) -> str:
    values: Iterable[float] = np.asarray(array, np.float64).reshape(-1).tolist()
    return " ".join(map(repr, values))


def _quotable(text: str) -> str:
    return " ".join(text.replace('"', "'").replace("\\", "/").split())
