"""Where a C program wants results, of one model each."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from ..array_types import Doubles
from ..evaluation.listed_session import ListedResult
from ..results import Result
from .caller_list import ListSizes
from .memory import CallerMemory


class StructurePlaces(NamedTuple):
    """Of a structure; None where not wanted.

    Parameters
    ----------
    energy : (1,)
    forces : (n, 3)
    virial : (3, 3)
    energies : (n,)
    virials : (n, 3, 3)
    """

    energy: Doubles
    forces: Doubles
    virial: Doubles | None
    energies: Doubles | None
    virials: Doubles | None

    @classmethod
    def of(cls, memory: CallerMemory, name: str, found: Any, n: int) -> Self:
        """The pointers of a ``dpse_found``.

        Parameters
        ----------
        name : what their names begin with in errors
        """
        written, or_none = memory.written, memory.written_or_none
        return cls(
            written(f"{name}energy", found.energy, 1),
            written(f"{name}forces", found.forces, (n, 3)),
            or_none(f"{name}virial", found.virial, (3, 3)),
            or_none(f"{name}atomic_energies", found.atomic_energies, n),
            or_none(f"{name}atomic_virials", found.atomic_virials, (n, 3, 3)),
        )

    @property
    def of_atoms(self) -> bool:
        return self.energies is not None or self.virials is not None

    def write(self, result: Result) -> None:
        self.energy[0] = result.energy
        self.forces[:] = result.forces
        _write(self.virial, result.virial)
        _write(self.energies, result.atomic_energies)
        _write(self.virials, result.atomic_virials)


class ListPlaces(NamedTuple):
    """Of a caller's list; None where not wanted.

    Parameters
    ----------
    sums : the ``dpse_sums``
    forces : (n_all, 3), added to
    energies : (n_rows,)
    virials : (n_all, 3, 3)
    gradients : (n_list, 3)
    """

    sums: Any
    forces: Doubles | None
    energies: Doubles | None
    virials: Doubles | None
    gradients: Doubles | None

    @classmethod
    def of(cls, memory: CallerMemory, name: str, sums: Any, sizes: ListSizes) -> Self:
        """The pointers of a ``dpse_sums``; see `StructurePlaces.of`."""
        n_all, n_rows, n_list = sizes

        def place(member: str, shape: Any) -> Doubles | None:
            pointer = getattr(sums, member)
            return memory.written_or_none(f"{name}{member}", pointer, shape)

        return cls(
            sums,
            place("forces", (n_all, 3)),
            place("atomic_energies", n_rows),
            place("atomic_virials", (n_all, 3, 3)),
            place("pair_gradients", (n_list, 3)),
        )

    @property
    def of_atoms(self) -> bool:
        return self.energies is not None or self.virials is not None

    def write(self, result: ListedResult) -> None:
        """All but the forces, which the evaluation has added."""
        self.sums.energy = result.energy
        self.sums.virial[0:9] = result.virial.reshape(-1).tolist()
        _write(self.energies, result.atomic_energies)
        _write(self.virials, result.atomic_virials)
        _write(self.gradients, result.pair_gradients)


def _write(place: Doubles | None, values: Doubles | None) -> None:
    if place is not None:
        place[:] = values
