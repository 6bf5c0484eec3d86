"""The plan of a model: tables, forms and nets, in one precision, for any device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..array_types import Int32s, Int64s, Integers
from ..errors import InputError
from ..model import Model
from ..runtime.cached_property import cached_property
from .accuracy import Accuracy
from .domain import certified_distance, unseen_pairs
from .form import Forms
from .nets import NetDefinition, net_definitions
from .tables import Tables

# Of tables and nets, and of geometry and pair gradients.
PRECISIONS = {
    "double": (np.float64, np.float64),
    "mixed": (np.float32, np.float64),
    "single": (np.float32, np.float32),
}


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """What was chosen for a model, as a file keeps it.

    Parameters
    ----------
    tables : by descriptor, by (centre, neighbour); equal ones are one object
    forms : by descriptor, by centre
    tolerance : eV/Å, that they were made for; 0 for converged tables
    certificates : by precision, measured when they were made
    made : "at load", or where they were kept
    reached : the tables are as accurate as the tolerance asks; else a warning was given
    """

    tables: Tables
    forms: Forms
    tolerance: float
    certificates: Mapping[str, Accuracy]
    made: str = "at load"
    reached: bool = True

    def serves(self, tolerance: float, precision: str) -> bool:
        """Whether the plan is as good as the tolerance (eV/Å) asks."""
        return self.tolerance <= tolerance and precision in self.certificates


@dataclass(frozen=True, eq=False)
class Plan:
    """What is evaluated; a device's ``packed_plan`` has it as the kernels read it.

    Parameters
    ----------
    model : Model
    precision : "double" (all float64), "mixed" (tables and nets float32) or "single"
        (geometry and pair gradients float32 too)
    tables : by descriptor, by (centre, neighbour); equal ones are one object
    forms : by descriptor, by centre: how it enters the fitting net
    tolerance : eV/Å, asked for; 0 for converged tables
    certificate : the measured differences to the exact nets
    made : "at load", or where the tables were kept
    is_reduced : its tables and inputs are not all that the model has
    unreduced : gives the plan in double precision with converged tables and all
        inputs that serves the types of an array, for atoms with neighbours closer than
        `certified`; None: this plan is evaluated everywhere

    Raises
    ------
    InputError
        For a precision that does not exist.
    """

    model: Model
    precision: str
    tables: Tables
    forms: Forms
    tolerance: float = 0.0
    certificate: Accuracy | None = None
    made: str = "at load"
    is_reduced: bool = False
    unreduced: Callable[[Integers], Plan] | None = None

    def __post_init__(self) -> None:
        check_precision(self.precision)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of tables and nets."""
        return np.dtype(PRECISIONS[self.precision][0])

    @property
    def geometry_dtype(self) -> np.dtype[Any]:
        """Of pairs and their gradients."""
        return np.dtype(PRECISIONS[self.precision][1])

    @property
    def species(self) -> tuple[int, ...]:
        """The types that the plan serves, ascending."""
        return tuple(sorted(self.forms[0]))

    @property
    def certified(self) -> float:
        """Å, see `certified_distance`; 0 where the plan is evaluated everywhere."""
        return certified_distance(self.model) if self.unreduced else 0.0

    @property
    def widest(self) -> int:
        """The descriptor with the longest cutoff: it sees every pair."""
        return int(np.argmax([d.rcut for d in self.model.descriptors]))

    @cached_property
    def nets(self) -> Mapping[int, NetDefinition]:
        """The fitting net of each type that the plan serves."""
        return net_definitions(self.model, self.forms)

    @cached_property
    def unseen(self) -> Int32s:
        """See `unseen_pairs`."""
        return unseen_pairs(self.model)

    def n_inputs(self, species: int) -> int:
        """Inputs of a type's fitting net: descriptors, then parameters."""
        return self.column(len(self.forms), species) + self.model.n_parameters

    def column(self, k: int, species: int) -> int:
        """Where descriptor k starts in the inputs of this type."""
        return sum(form[species].n_inputs for form in self.forms[:k])

    def input_columns(self, species: int) -> Int64s:
        """The input that each one of the model's own net is, of a plan like the file.

        Parameters
        ----------
        species : a type of a plan whose forms are not rotated and leave nothing out
        """
        parts = [
            self.column(k, species) + form[species].columns(descriptor.n_axis)
            for k, (form, descriptor) in enumerate(
                zip(self.forms, self.model.descriptors, strict=True)
            )
        ]
        end = self.n_inputs(species)
        parts.append(np.arange(end - self.model.n_parameters, end))
        return np.concatenate(parts)


def check_precision(precision: str) -> None:
    """Raise an InputError for a precision that does not exist."""
    if not isinstance(precision, str) or precision not in PRECISIONS:
        raise InputError(
            f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
