"""The golden model files and the numbers that their own programs computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Frame = dict[str, NDArray[Any]]
GOLDEN = Path(__file__).parent / "golden"
SUFFIXES = {".dp", ".yaml", ".json", ".pth", ".pt", ".pte", ".pt2", ".pb"}
FILES = sorted(p for p in GOLDEN.iterdir() if p.suffix in SUFFIXES)
OUTPUTS = ("energy", "atomic_energies", "forces", "virial", "atomic_virials")


class Case(NamedTuple):
    """A model: a file and, where it holds several, the branch."""

    file: Path
    head: str | None

    def __str__(self) -> str:
        return self.file.name + (f":{self.head}" if self.head else "")

    def frames(self) -> dict[str, Frame]:
        """The inputs and outputs of each structure; absent inputs are left out."""
        found: dict[str, Frame] = {}
        with np.load(_numbers(self.file)) as stored:
            for key in stored.files:
                *head, frame, quantity = key.split("/")
                mine = head in ([], ["Default"], [self.head])
                if mine and (stored[key].size or quantity == "cell"):
                    found.setdefault(frame, {})[quantity] = stored[key]
        return found


def _numbers(file: Path) -> Path:
    own = file.with_name(f"{file.name}.npz")
    return own if own.exists() else file.with_suffix(".npz")


def _heads(file: Path) -> list[str | None]:
    with np.load(_numbers(file)) as stored:
        heads = {key.split("/")[0] for key in stored.files if key.count("/") == 2}
    named = sorted(heads - {"Default"})
    return [*named] or [None]


CASES = [Case(file, head) for file in FILES for head in _heads(file)]


def case(name: str) -> Case:
    """The golden file of this name, which holds one model."""
    return Case(GOLDEN / name, None)


def inputs(frame: Frame) -> dict[str, Any]:
    """The arguments of a frame: positions, types, cell, fparam and aparam."""
    cell = frame["cell"] if frame["cell"].size else None
    optional = {key: frame.get(key) for key in ("fparam", "aparam")}
    required = {key: frame[key] for key in ("positions", "types")}
    return {**required, "cell": cell, **optional}
