"""A Deep Potential as a calculator of ASE."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import (
    Calculator,
    PropertyNotImplementedError,
    all_changes,
)
from ase.data import chemical_symbols
from ase.stress import full_3x3_to_voigt_6_stress
from numpy.typing import NDArray

from .model import Model
from .potential import DEFAULT_SKIN, Potential, Result, load
from .trajectory.frame import boundaries_of

ATOMIC = {"energies", "stresses"}
STRESS = {"stress", "stresses"}
ABSENT = -1


class DeepPotential(Calculator):  # type: ignore[misc]
    """Energy, forces and stress; of each atom too, when asked for.

    Energies are in eV, forces in eV/Å, stresses in eV/Å³ with ASE's sign (positive
    under tension) as xx, yy, zz, yz, xz, xy. The stresses of the atoms sum to the
    stress. The neighbour list is kept from step to step while atoms move little.

    Parameters
    ----------
    model : Potential, Model or path of a model file; None for the embedded one
    skin : Å, see `Potential.session`
    options : of `dpse_fast.load`, unless `model` is a Potential

    Raises
    ------
    ModelFileError, InputError
        As `dpse_fast.load`; `InputError` also for structures that cannot be
        evaluated.
    """

    implemented_properties: ClassVar[list[str]] = [
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
        "stresses",
    ]
    ignored_changes: ClassVar[set[str]] = {"initial_charges", "initial_magmoms"}
    discard_results_on_any_change = True

    def __init__(
        self,
        model: Potential | Model | str | os.PathLike[str] | None = None,
        *,
        skin: float = DEFAULT_SKIN,
        **options: Any,
    ) -> None:
        super().__init__()
        if isinstance(model, Potential):
            if options:
                names = ", ".join(options)
                raise TypeError(f"a Potential is loaded already; got {names} as well")
            self.potential = model
        else:
            self.potential = load(model, **options)
        self._session = self.potential.session(skin)
        self._type_of = _types_by_number(self.potential.type_map)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate the structure; results of atoms only if `properties` asks."""
        wanted = set(properties or ["energy"])
        super().calculate(atoms, sorted(wanted), system_changes)
        cell, pbc = boundaries_of(self.atoms, "atoms")
        if wanted & STRESS and not all(pbc):
            raise PropertyNotImplementedError(
                f"stress: expected a structure periodic along a, b and c, got pbc "
                f"{list(pbc)}"
            )
        types = self._type_of[self.atoms.numbers]
        result = self._session.compute(
            self.atoms.positions,
            self.atoms.symbols if (types == ABSENT).any() else types,
            cell if any(pbc) else None,
            pbc=pbc,
            atomic=bool(wanted & ATOMIC),
        )
        volume = self.atoms.get_volume() if all(pbc) else None
        self.results = _results(result, volume)


def _results(result: Result, volume: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "energy": result.energy,
        "free_energy": result.energy,
        "forces": result.forces,
    }
    if result.atomic_energies is not None:
        found["energies"] = result.atomic_energies
    if volume is None:
        return found
    found["stress"] = full_3x3_to_voigt_6_stress(-result.virial / volume)
    if result.atomic_virials is not None:
        stresses = -result.atomic_virials / volume
        found["stresses"] = full_3x3_to_voigt_6_stress(stresses)
    return found


def _types_by_number(type_map: Sequence[str]) -> NDArray[np.int64]:
    where = {name: t for t, name in enumerate(type_map)}
    return np.array([where.get(symbol, ABSENT) for symbol in chemical_symbols])
