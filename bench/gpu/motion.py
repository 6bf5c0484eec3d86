"""Boxes of copies of a cell, moved as in molecular dynamics, on the device."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from dpse_fast.cli.replicated_box import replicas
from dpse_fast.trajectory import Frame, model_types

from .backend import Backend

SKIN = 1.0  # Å
BLOCK = 10  # steps; the list is built in the first of each
SHIFT = 0.6 * SKIN  # Å, of all atoms, so that the list no longer serves
AMPLITUDE, MOST_DEVIATIONS = 0.03, 4.0  # Å, and of a normal distribution
HOW = (
    f"Blocks of {BLOCK} steps on a session with a skin of {SKIN:g} Å. In the first "
    f"step of a block all atoms are {SHIFT:g} Å along x from where they were, so that "
    "the list is built anew; in all steps each atom vibrates by up to "
    f"{AMPLITUDE * MOST_DEVIATIONS:g} Å about its place, so that no other step builds "
    "one. Time is that of session.compute alone, between two events of the device, "
    "with positions and types already there and forces left there; a block counts "
    "whole, the median of the blocks is given."
)


class Box:
    """A periodic box of about so many atoms, `n_atoms`."""

    def __init__(
        self, backend: Backend, frame: Frame, type_map: tuple[str, ...], n_atoms: int
    ) -> None:
        assert frame.cell is not None
        xp = backend.xp
        counts = replicas(n_atoms / frame.n_atoms)
        shifts = np.array(list(product(*map(range, counts)))) @ frame.cell
        placed = xp.asarray(shifts)[:, None] + xp.asarray(frame.positions)
        self._places = placed.reshape(-1, 3)
        self.n_atoms = len(self._places)
        types = model_types(frame, type_map).astype(np.int32)
        self._types = xp.tile(xp.asarray(types), len(shifts))
        self._cell = np.array(counts)[:, None] * frame.cell
        random = xp.random.default_rng(1)
        self._deviations = random.standard_normal((self.n_atoms, 3), dtype=np.float32)
        limits = (-MOST_DEVIATIONS, MOST_DEVIATIONS)
        xp.clip(self._deviations, *limits, out=self._deviations)
        self._positions = xp.empty_like(self._places)

    def arguments(self, step: int) -> tuple[Any, Any, Any]:
        """Of ``compute``: positions (N, 3) Å, one array that is written anew, and types
        (N,) of the model on the device, cell (3, 3) Å on the host."""
        self._positions[...] = self._deviations
        self._positions *= AMPLITUDE * np.sin(1.0 + step)
        self._positions += self._places
        if (step // BLOCK) % 2:
            self._positions[:, 0] += SHIFT
        return self._positions, self._types, self._cell
