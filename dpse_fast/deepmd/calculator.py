"""ASE's calculator ``DP`` with deepmd-kit's arguments and results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from ..array_types import Int64s
from ..ase import ABSENT, DeepPotential, types_by_number
from ..errors import InputError
from ..evaluation.session import DEFAULT_SKIN
from ..inputs.environment import with_environment
from ..inputs.plain_numbers import shown
from ..md.potentials import ModelLike, potential_of
from ..potential import Potential
from ..results import Result
from .deep_eval import OPTIONS, refuse_unknown, warn_of_unused
from .deep_pot import DeepPot
from .frames import atomic_parameters, frame_parameters

__all__ = ["DP"]


class DP(DeepPotential):
    """`dpse_fast.ase.DeepPotential` with the interface of deepmd-kit's calculator.

    Results are energy, free_energy, forces, virial (3, 3) eV and stress. Other than
    deepmd-kit's, it also has those of atoms (energies, stresses), boundaries are
    periodic along each axis as the structure says, the stress is symmetrised and needs
    a structure that is periodic along all axes, and the neighbour list is kept from
    step to step.

    Parameters
    ----------
    model : a model file of any readable format; also a `Potential` or `Model`
    label : of the calculator, in ASE
    type_dict : types by chemical symbols; None: the names in the model
    neighbor_list, nlist_backend : without effect on results; a warning says so
    head : branch of a multi-task checkpoint
    atoms : a structure of which this becomes the calculator
    options : of `DeepPotential` and `dpse_fast.load`
        Options of `load` that are not given are taken from the environment, see
        `dpse_fast.inputs.environment`.

    Raises
    ------
    ModelFileError, InputError
        As `DeepPotential`.
    """

    name = "DP"
    implemented_properties = [  # noqa: RUF012
        *DeepPotential.implemented_properties,
        "virial",
    ]

    def __init__(
        self,
        model: ModelLike,
        label: str = "DP",
        type_dict: Mapping[str, int] | None = None,
        neighbor_list: Any = None,
        head: str | None = None,
        nlist_backend: str = "auto",
        *,
        atoms: Atoms | None = None,
        **options: Any,
    ) -> None:
        refuse_unknown(options, {*OPTIONS, "skin", "fparam", "aparam"})
        warn_of_unused(neighbor_list=neighbor_list, nlist_backend=nlist_backend)
        if head is not None:
            options["head"] = head
        if not isinstance(model, Potential):
            options = with_environment(options, skin=True)
        skin = options.pop("skin", DEFAULT_SKIN)
        given = {name: options.pop(name, None) for name in ("fparam", "aparam")}
        super().__init__(potential_of(model, options), skin=skin, **given)
        self.label = label
        names = self.potential.type_map
        self.type_dict = dict(type_dict or {n: t for t, n in enumerate(names)})
        if type_dict:
            self._type_of = types_by_number(_checked(self.type_dict, len(names)))
        if atoms is not None:
            atoms.calc = self

    @property
    def dp(self) -> DeepPot:
        """The model as a `DeepPot`."""
        assert isinstance(self.potential, Potential)
        return DeepPot(self.potential)

    def _types(self, structure: Atoms) -> Int64s | list[str]:
        types: Int64s = self._type_of[structure.numbers]
        absent = sorted(set(structure.symbols[types == ABSENT]))
        if absent:
            raise InputError(
                f"type_dict: expected a type for each element of the structure, got "
                f"none for {', '.join(absent)}; it has {', '.join(self.type_dict)}"
            )
        return types

    def _parameters(self, atoms: Atoms) -> dict[str, Any]:
        """In the shapes of `Potential.compute`, of all that deepmd-kit accepts."""
        model, found = self.potential.model, super()._parameters(atoms)
        given = frame_parameters(found.get("fparam"), model.fparam, 1)
        if given is not None:
            found["fparam"] = given[0]
        given = atomic_parameters(found.get("aparam"), model.aparam, 1, len(atoms))
        if given is not None:
            found["aparam"] = given[0]
        return found

    def _results(self, result: Result, volume: float | None) -> dict[str, Any]:
        return super()._results(result, volume) | {"virial": result.virial}


def _checked(type_dict: Mapping[str, int], n_types: int) -> Mapping[str, int]:
    for symbol, number in type_dict.items():
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not whole or not 0 <= number < n_types:
            raise InputError(
                f"type_dict: expected types from 0 to {n_types - 1}, got "
                f"{shown(number)} for {shown(symbol)}"
            )
    return type_dict
