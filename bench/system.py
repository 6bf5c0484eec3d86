"""The structures that everybody evaluates."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import dpse_fast
from dpse_fast import Potential
from dpse_fast.cli.replicated_box import replicated, water_cell
from dpse_fast.errors import InputError
from dpse_fast.trajectory import Frame, model_types, read_frames


class System(NamedTuple):
    """Arguments of ``compute``."""

    positions: NDArray[np.float64]  # (N, 3) Å
    types: NDArray[Any]  # (N,) of the model
    cell: NDArray[np.float64]  # (3, 3) Å

    def save(self, path: Path) -> str:
        """Write what the workers read; gives the path."""
        np.savez(path, **self._asdict())
        return str(path)


def first_frame(structure: str | None, potential: Potential) -> Frame:
    """Of a trajectory file, or of the water that comes with the package.

    Raises
    ------
    InputError
        If the model does not suit the structure, or takes parameters.
    """
    model = potential.model
    if model.fparam or model.aparam:
        raise InputError("model: expected one without frame or atomic parameters")
    frame = next(read_frames(structure)) if structure else water_cell()
    if structure is None and not set(frame.names or ()) <= set(potential.type_map):
        raise InputError(
            "structure: the model has no water to copy; name a periodic cell of its "
            f"types {', '.join(potential.type_map)} with --structure"
        )
    return frame


def system_of(frame: Frame, potential: Potential, n_atoms: int) -> System:
    """About so many atoms: whole copies of the frame."""
    box = replicated(frame, n_atoms)
    assert box.cell is not None
    return System(box.positions, model_types(box, potential.type_map), box.cell)


def system_named(structure: str | None, model: str | None, n_atoms: int) -> System:
    """As `system_of`, of files."""
    potential = dpse_fast.load(model)
    return system_of(first_frame(structure, potential), potential, n_atoms)


def shortest_distance(system: System) -> float:
    """Å, between two atoms or their images."""
    from ase import Atoms
    from ase.neighborlist import neighbor_list

    atoms = Atoms(positions=system.positions, cell=system.cell, pbc=True)
    found = neighbor_list("d", atoms, 6.0)  # type: ignore[no-untyped-call]
    return float(found.min(initial=6.0))
