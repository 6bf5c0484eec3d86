"""Labels and predictions of every frame as text, in the files of ``dp test -d``.

======================= ============================================== ============
file                    columns                                        rows a frame
======================= ============================================== ============
PREFIX.e.out            energy of the data, of the model               1
PREFIX.e_peratom.out    the same per atom                              1
PREFIX.f.out            force of the data x, y, z, of the model        N
PREFIX.v.out            virial of the data xx, xy … zz, of the model   1
PREFIX.v_peratom.out    the same per atom                              1
PREFIX.s.out            stress, where there are labels of the virial   1
======================= ============================================== ============

Labels that a frame does not have are ``nan``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, reason
from .evaluation import Evaluation
from .run_output import partial_of, set_aside

TENSOR = [i + j for i in "xyz" for j in "xyz"]
COMPONENTS = {
    "e": ("e", [""]),
    "e_peratom": ("e", [""]),
    "f": ("f", ["x", "y", "z"]),
    "v": ("v", TENSOR),
    "v_peratom": ("v", TENSOR),
    "s": ("s", TENSOR),
}  # of each file: the letter of the quantity, and its components
STRESS = "s"


class DetailFiles:
    """Writes each frame as soon as it is known; files get their names at the end.

    Until then they are called ``PREFIX.e.partial.out`` and so on.

    Parameters
    ----------
    prefix : path; what follows its last dot is replaced, as deepmd-kit does
    systems : names of the systems, the first of which is in the header

    Attributes
    ----------
    earlier : new names of what an earlier run left that did not end; mostly none

    Raises
    ------
    InputError
        If the files cannot be written.
    """

    done: tuple[Any, ...] = ()  # no earlier run is continued

    def __init__(self, prefix: str | Path, systems: list[str]) -> None:
        self.paths = detail_paths(prefix)
        self._systems = systems
        self._files: dict[str, TextIO] = {}
        self.n_frames = 0
        self.is_complete = False
        self.earlier = self._set_aside()
        with ExitStack() as opened:
            for name in self.paths:
                if name != STRESS:
                    self._files[name] = opened.enter_context(self._open(name))
            opened.pop_all()

    @property
    def written(self) -> list[Path]:
        """The files of a run that has ended."""
        return [self.paths[name] for name in self._files] if self.is_complete else []

    @property
    def partial(self) -> list[Path]:
        """The files of a run that did not end."""
        return [partial_of(self.paths[name]) for name in self._files]

    def _set_aside(self) -> list[Path]:
        try:
            found = [set_aside(path) for path in self.paths.values()]
        except OSError as error:
            raise self._failed("e", error) from None
        return [path for path in found if path is not None]

    def _open(self, name: str) -> TextIO:
        try:
            return partial_of(self.paths[name]).open("w", encoding="utf-8")
        except OSError as error:
            raise self._failed(name, error) from None

    def _failed(self, name: str, error: OSError) -> InputError:
        path = self.paths[name]
        return InputError(f"detail file {path}: cannot be written ({reason(error)})")

    def add(self, evaluation: Evaluation, entry: Mapping[str, Any]) -> None:
        """Write a frame, whose record has the number of its system."""
        frame, labels = evaluation.frame, evaluation.frame.labels
        system, n = self._systems[entry["record"]["system"]], max(frame.n_atoms, 1)
        energy = _pair(labels.energy, evaluation.energy, 1)
        virial = _pair(labels.virial, evaluation.virial, 9)
        rows = {
            "e": energy,
            "e_peratom": energy / n,
            "f": _pair(labels.forces, evaluation.forces, 3),
            "v": virial,
            "v_peratom": virial / n,
        }
        if labels.virial is not None and frame.volume:
            rows[STRESS] = -virial / frame.volume
        for name, table in rows.items():
            self._write(name, system, table)
        self.n_frames += 1

    def pass_over(self, entry: Mapping[str, Any]) -> None:
        """Nothing: the frame has no results."""

    def _write(self, name: str, system: str, table: Any) -> None:
        if name not in self._files:
            self._files[name] = self._open(name)
        try:
            if not self._files[name].tell():
                self._files[name].write(f"# {_header(name, system)}\n")
            np.savetxt(self._files[name], table)
            self._files[name].flush()
        except OSError as error:
            raise self._failed(name, error) from None

    def complete(self) -> None:
        """Close the files and give them their names."""
        for name, file in self._files.items():
            file.close()
            partial_of(self.paths[name]).replace(self.paths[name])
        self.is_complete = True

    def leave(self) -> bool:
        """Close the files of a run that has failed; returns whether they have frames.

        Without frames none is left behind.
        """
        for name, file in self._files.items():
            file.close()
            if not self.n_frames:
                partial_of(self.paths[name]).unlink(missing_ok=True)
        return bool(self.n_frames)


def detail_paths(prefix: str | Path) -> dict[str, Path]:
    """The file of each quantity.

    Raises
    ------
    InputError
        If the prefix names none, or a folder that does not exist.
    """
    place = Path(prefix)
    if not place.name or str(prefix).endswith("/"):
        raise InputError(f"detail file {prefix}: expected a prefix of names of files")
    if not place.parent.is_dir():
        raise InputError(
            f"detail file {prefix}: the folder {place.parent} does not exist"
        )
    return {name: place.with_suffix(f".{name}.out") for name in COMPONENTS}


def _header(name: str, system: str) -> str:
    letter, components = COMPONENTS[name]
    columns = [f"{of}_{letter}{k}" for of in ("data", "pred") for k in components]
    unit = " (eV/Å³)" if name == STRESS else ""
    return f"{system}{unit}: {' '.join(columns)}"


def _pair(label: ArrayLike | None, predicted: ArrayLike, width: int) -> Any:
    """(rows, 2·width): the label beside the prediction."""
    found = np.asarray(predicted, np.float64).reshape(-1, width)
    known = np.full_like(found, np.nan) if label is None else np.asarray(label)
    return np.hstack([known.reshape(-1, width), found])
