"""What deepmd-kit computes with a model file, stored as ``FRAME/QUANTITY``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from structures import parameters, structure


class Case(Protocol):
    """A model that is run: its types, structures and numbers of parameters."""

    @property
    def n_types(self) -> int: ...
    @property
    def frames(self) -> tuple[str, ...]: ...
    @property
    def parameters(self) -> tuple[int, int]: ...


def store(file: Path, case: Case, reference: Path, by_neighbour: bool = True) -> None:
    """Evaluate every frame of a case with a file and write the numbers.

    Without `by_neighbour` the program divides the virial among the atoms in another
    way than by neighbours, and its atomic virials are left out.
    """
    from deepmd.infer import DeepPot

    potential = DeepPot(str(file))
    found: dict[str, NDArray[Any]] = {}
    for frame in case.frames:
        positions, cell, types = structure(frame, case.n_types)
        fparam, aparam = parameters(frame, case.n_types, case.parameters)
        n = len(types)
        result = potential.eval(
            positions[None],
            None if cell is None else cell.reshape(1, 9),
            types.tolist(),
            atomic=True,
            fparam=None if fparam is None else fparam[None],
            aparam=None if aparam is None else aparam[None],
        )
        energy, forces, virial, shares, virials = (np.asarray(a)[0] for a in result[:5])
        assert np.isfinite(forces).all(), file
        found |= {
            f"{frame}/positions": positions,
            f"{frame}/cell": np.empty((0, 3)) if cell is None else cell,
            f"{frame}/types": types,
            f"{frame}/energy": energy.reshape(()),
            f"{frame}/forces": forces.reshape(n, 3),
            f"{frame}/virial": virial.reshape(3, 3),
            f"{frame}/atomic_energies": shares.reshape(n),
        }
        if by_neighbour:
            found[f"{frame}/atomic_virials"] = virials.reshape(n, 3, 3)
        for key, values in (("fparam", fparam), ("aparam", aparam)):
            if values is not None:
                found[f"{frame}/{key}"] = values
        print(file.name, frame, energy, np.abs(forces).max(), np.ptp(shares))
    np.savez_compressed(reference, **found)
