"""A Deep Potential as a calculator of ASE."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import (
    Calculator,
    PropertyNotImplementedError,
    all_changes,
    external_calculators,
    register_calculator_class,
)
from ase.data import chemical_symbols
from numpy.typing import ArrayLike

from .array_types import Doubles, Int64s
from .committee import Committee
from .errors import InputError
from .evaluation.committee_result import CommitteeResult
from .evaluation.session import DEFAULT_SKIN
from .inputs.arrays import array_of
from .inputs.choices import whole_number
from .inputs.structure import check_length
from .md.potentials import Models, committee_or_potential_of
from .potential import Potential
from .results import Result
from .trajectory.boundaries import boundaries_of
from .trajectory.structure import atomic_parameters

ATOMIC = {"energies", "stresses"}
OF_COMMITTEE = ("energy", "forces", "stress")  # with _comm and _var of them
COMMITTEE = {f"{name}_{kind}" for name in OF_COMMITTEE for kind in ("comm", "var")}
COMMITTEE |= {"forces_deviation"}
STRESS = {"stress", "stresses", "stress_comm", "stress_var"}
ABSENT = -1
NAME = "dpse"  # of the calculator in ASE


class DeepPotential(Calculator):
    """Energy, forces and stress; of each atom too, when asked for.

    Energies are in eV, forces in eV/Å, stresses in eV/Å³ with ASE's sign (positive
    under tension) as xx, yy, zz, yz, xz, xy. The stresses of the atoms sum to the
    stress. The neighbour list is kept from step to step while atoms move little.

    As any calculator of ASE it serves one thread at a time: a deep copy for each
    thread shares the potential, and so its plan. A pickle carries the model.

    Several models are a committee; ``calc.results`` then also has, with MACE's names,
    ``energy_comm`` (M,), ``forces_comm`` (M, N, 3) and ``stress_comm`` (M, 6) of the M
    models, their variances ``energy_var``, ``forces_var`` and ``stress_var``, and
    ``forces_deviation`` (N,), deepmd-kit's deviation of each atom's force.

    Parameters
    ----------
    model : Potential, Committee, Model or path of a model file, or a list of these two
        for a committee; None for the embedded one
    deviation_every : of a committee; None: in every calculation
        All models are evaluated in the first calculation and in every n-th one after
        it, and in the others only the first model, which must be the driver.
    skin : Å, see `Potential.session`
    fparam, aparam : frame and atomic parameters of a model that takes them
        Those in ``atoms.info["fparam"]`` and ``atoms.arrays["aparam"]`` (or
        ``atoms.info["aparam"]``, one row for all atoms) come first.
    options : of `dpse_fast.load`, unless `model` is a Potential or a Committee

    Raises
    ------
    ModelFileError, InputError
        As `dpse_fast.load`; `InputError` also for structures that cannot be
        evaluated.
    """

    name = NAME
    implemented_properties = [  # noqa: RUF012
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
        "stresses",
    ]
    ignored_changes = {"initial_charges", "initial_magmoms"}  # noqa: RUF012
    discard_results_on_any_change = True

    def __init__(
        self,
        model: Models = None,
        *,
        deviation_every: int | None = None,
        skin: float = DEFAULT_SKIN,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
        **options: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.potential = committee_or_potential_of(model, options)
        self._every = _checked_every(deviation_every, self.potential)
        self._calculations = 0
        if isinstance(self.potential, Committee):
            own = [*self.implemented_properties, *sorted(COMMITTEE)]
            self.implemented_properties = own
        for name, value in (("fparam", fparam), ("aparam", aparam)):
            if value is not None and getattr(self.potential.model, name) is None:
                raise InputError(f"{name}: expected none, the model takes no {name}")
        self._skin = check_length(skin, "skin")
        self._given = {"fparam": fparam, "aparam": aparam}
        self._last: dict[str, Any] = {}
        self._session = self.potential.session(skin)
        names = self.potential.type_map
        self._type_of = types_by_number({name: t for t, name in enumerate(names)})

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "_session"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._session = self.potential.session(self._skin)

    def __deepcopy__(self, memo: dict[int, Any]) -> DeepPotential:
        other = type(self).__new__(type(self))
        memo[id(self)] = other
        state = self.__getstate__()
        potential = state.pop("potential")
        other.__setstate__({**copy.deepcopy(state, memo), "potential": potential})
        return other

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """What has changed since the last calculation, parameters included."""
        changes: list[str] = super().check_state(  # type: ignore[no-untyped-call]
            atoms, tol
        )
        if self.atoms is None:
            return changes
        now = self._parameters(atoms)
        before: Any = self._last
        different = [k for k in now if not np.array_equal(now[k], before.get(k))]
        return changes + different

    def _parameters(self, atoms: Atoms) -> dict[str, Any]:
        """The parameters that the model takes, as the structure or we hold them."""
        model = self.potential.model
        found: dict[str, Any] = {}
        if model.fparam is not None:
            found["fparam"] = atoms.info.get("fparam", self._given["fparam"])
        if model.aparam is not None:
            own = atomic_parameters(atoms)
            found["aparam"] = self._given["aparam"] if own is None else own
        return {
            k: None if v is None else array_of(v, k, "numbers").copy()
            for k, v in found.items()
        }

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate the structure; results of atoms only if `properties` asks."""
        wanted = set(properties or ["energy"])
        super().calculate(  # type: ignore[no-untyped-call]
            atoms, sorted(wanted), system_changes
        )
        structure: Atoms = self.atoms  # type: ignore[assignment]
        cell, pbc = boundaries_of(structure, "atoms")
        if wanted & STRESS and not all(pbc):
            raise PropertyNotImplementedError(
                f"stress: expected a structure periodic along a, b and c, got pbc "
                f"{list(pbc)}"
            )
        self._last = self._parameters(structure)
        more: dict[str, Any] = dict(self._last)
        if isinstance(self.potential, Committee):
            due = self._calculations % self._every == 0
            more["deviation"] = due or bool(wanted & COMMITTEE)
        result = self._session.compute(
            structure.positions,
            self._types(structure),
            cell if any(pbc) else None,
            pbc=pbc,
            atomic=bool(wanted & ATOMIC),
            **more,
        )
        self._calculations += 1
        volume = None
        if cell is not None and all(pbc):
            volume = float(abs(np.linalg.det(cell)))
        self.results = self._results(result, volume)

    def get_hessian(self, atoms: Atoms | None = None) -> Doubles:
        """Second derivatives of the energy by positions, (3N, 3N) eV/Å².

        As `Potential.hessian`; of a committee those of its driver. Constraints do not
        change them.

        Parameters
        ----------
        atoms : None: those of the last calculation

        Raises
        ------
        InputError
            Where there are none, and for structures that cannot be evaluated.
        """
        structure = self.atoms if atoms is None else atoms
        if structure is None:
            raise InputError("atoms: expected a structure before any calculation")
        cell, pbc = boundaries_of(structure, "atoms")
        own = self.potential
        members = own.potentials if isinstance(own, Committee) else (own,)
        if isinstance(own, Committee) and own.driver == "first":
            members = members[:1]
        types = self._types(structure)
        names = np.array(own.type_map)
        matrices = (
            one.hessian(
                structure.positions,
                types if one.type_map == own.type_map else list(names[types]),
                cell if any(pbc) else None,
                pbc=pbc,
                **self._parameters(structure),
            )
            for one in members
        )
        return np.asarray(sum(matrices) / len(members))

    def _types(self, structure: Atoms) -> Int64s | list[str]:
        """The model's types of the atoms; names, if not all of them are known."""
        types = self._type_of[structure.numbers]
        return list(structure.symbols) if (types == ABSENT).any() else types

    def _results(self, result: Result, volume: float | None) -> dict[str, Any]:
        """What ASE is given; `volume` is None unless the structure is periodic."""
        return _results(result, volume)


def _results(result: Result, volume: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "energy": result.energy,
        "free_energy": result.energy,
        "forces": result.forces,
    }
    if result.atomic_energies is not None:
        found["energies"] = result.atomic_energies
    if volume is not None:
        found["stress"] = _voigt(-result.virial / volume)
        if result.atomic_virials is not None:
            found["stresses"] = _voigt(-result.atomic_virials / volume)
    if isinstance(result, CommitteeResult) and result.members is not None:
        found |= _of_members(result, volume)
    return found


def _of_members(result: CommitteeResult, volume: float | None) -> dict[str, Any]:
    """What MACE's calculator has of a committee, and deepmd-kit's deviation."""
    members, deviation = result.members, result.deviation
    assert members is not None
    assert deviation is not None
    found: dict[str, Any] = {"forces_deviation": deviation.forces}
    each = {"energy": members.energies, "forces": members.forces}
    if volume is not None:
        each["stress"] = _voigt(-members.virials / volume)
    for name, values in each.items():
        found[f"{name}_comm"] = values
        found[f"{name}_var"] = values.var(axis=0)
    found["energy_var"] = float(found["energy_var"])
    return found


def _checked_every(every: int | None, potential: Potential | Committee) -> int:
    """From one calculation of all models to the next."""
    if every is None:
        return 1
    if not isinstance(potential, Committee):
        raise InputError("deviation_every: expected several models, got one")
    found = whole_number(every, 1, 10**9, "deviation_every")
    if found > 1 and potential.driver == "mean":
        raise InputError(
            "deviation_every: expected 1 with driver='mean', which takes all models, "
            f"got {every}"
        )
    return found


def _voigt(tensors: Doubles) -> Doubles:
    """(…, 3, 3) symmetrised as (…, 6): xx, yy, zz, yz, xz, xy."""
    symmetric = (tensors + np.swapaxes(tensors, -1, -2)) / 2
    return symmetric[..., [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]


def types_by_number(types: Mapping[str, int]) -> Int64s:
    """The types of the elements by atomic number, ABSENT for those without."""
    return np.array([types.get(symbol, ABSENT) for symbol in chemical_symbols])


if NAME not in external_calculators:
    register_calculator_class(NAME, DeepPotential)  # type: ignore[no-untyped-call]
