"""Frames that `eval` is given, and those that it has written."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from ase import Atoms
from ase.io import read

OUTPUTS = ("out.xyz", "out.h5")
N_FRAMES = 6


def frames_of(path: Path) -> list[int]:
    """The numbers of the frames in a file of results."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            assert len(file["atoms/force"]) == file["frames/end"][-1]
            return list(file["frames/index"][: len(file["frames/end"])])
    return [atoms.info["frame"] for atoms in read(path, index=":")]


def gas(seed: int, n: int = 5) -> Atoms:
    """Atoms far enough from each other, in a box."""
    rng = np.random.default_rng(seed)
    places = np.array(np.unravel_index(rng.permutation(27)[:n], (3, 3, 3))).T
    symbols = ["O", *["H"] * (n - 1)]
    return Atoms(symbols, 3.0 * places + rng.uniform(0, 1, (n, 3)), cell=[9] * 3, pbc=1)
