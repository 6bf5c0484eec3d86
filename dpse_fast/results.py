"""What an evaluation gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .array_types import AnyArray, Bools, Doubles, Int64s, Integers
from .heat_flux import HeatFlux, heat_flux

ALL_TYPES = "all types"
PAIR_TABLE = "pair table"


@dataclass(frozen=True)
class SelOverflow:
    """Atoms with more neighbours than the model's ``sel`` has room for.

    Where a file lists the nearest of all types first, an atom with too many of one
    type may keep fewer of another than ``sel`` has.

    Parameters
    ----------
    n_atoms : how many
    types : neighbour type → atoms with too many neighbours of it; "all types"
        where the model has one ``sel`` for all, "pair table" for that of the table
    """

    n_atoms: int
    types: dict[str, int]

    def __str__(self) -> str:
        each = ", ".join(f"{n} of {name}" for name, n in self.types.items())
        return f"{self.n_atoms} atoms have more neighbours than sel ({each})"


class AtomCounts(NamedTuple):
    """What an `AtomReport` sums up, as the kernels count it.

    Of N atoms, T neighbour types, and G groups of types that share a ``sel``.
    """

    excess: list[Integers]  # by descriptor, (N, G) neighbours beyond sel
    close: list[Integers]  # by descriptor, (N,) below the shortest trained distance
    short: list[Integers]  # by descriptor, (N,) far below it, see `Report`
    unseen: Integers  # (N, T) of a pair of types that the training data lack
    over_table: Integers  # (N,) 1: more neighbours than the pair table's sel
    unreduced: Integers  # (N,) 1: evaluated with the unreduced plan, see `Report`

    def mapped(self, change: Callable[[AnyArray], AnyArray]) -> AtomCounts:
        """With the rows of each array changed."""
        return AtomCounts(
            excess=[change(values) for values in self.excess],
            close=[change(values) for values in self.close],
            short=[change(values) for values in self.short],
            unseen=change(self.unseen),
            over_table=change(self.over_table),
            unreduced=change(self.unreduced),
        )


@dataclass(frozen=True, eq=False)
class AtomReport:
    """`Report` atom by atom.

    Parameters
    ----------
    sel_excess : neighbour type → (N,) neighbours beyond ``sel``
    close_neighbours : (N,) below the shortest distance of the training data
    unseen_neighbours : (N,) of a pair of types that the training data lack
    non_finite : (N,) bool, energy or force is NaN or infinite
    counts : AtomCounts, what the others are made of
    """

    sel_excess: dict[str, Int64s]
    close_neighbours: Int64s
    unseen_neighbours: Int64s
    non_finite: Bools
    counts: AtomCounts = field(repr=False)

    def mapped(self, change: Callable[[AnyArray], AnyArray]) -> AtomReport:
        """With the rows of each array changed."""
        return AtomReport(
            {name: change(values) for name, values in self.sel_excess.items()},
            change(self.close_neighbours),
            change(self.unseen_neighbours),
            change(self.non_finite),
            self.counts.mapped(change),
        )


@dataclass(frozen=True, eq=False)
class Report:
    """What of a structure lies beyond the model's domain.

    Parameters
    ----------
    sel_overflow : SelOverflow, or None where no atom has too many neighbours
    close_pairs : pairs below the shortest distance of the training data, if known
    short_pairs : those of them below half of it, or below 0.5 Å if unknown
    unseen_pairs : pairs of types that the training data lack, or that the model
        has no slots for: (centre, neighbour) → neighbours within the cutoff
    non_finite_atoms : atoms whose energy or force is NaN or infinite
    virtual_atoms : atoms of type -1
    unreduced_atoms : atoms with a neighbour closer than the plan is certified for;
        they are evaluated with all tables and inputs, which takes longer
    atoms : AtomReport, if asked for with ``atomic=True``
    """

    sel_overflow: SelOverflow | None = None
    close_pairs: int = 0
    short_pairs: int = 0
    unseen_pairs: dict[tuple[str, str], int] = field(default_factory=dict)
    non_finite_atoms: int = 0
    virtual_atoms: int = 0
    unreduced_atoms: int = 0
    atoms: AtomReport | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to report."""
        counts = (self.close_pairs, self.short_pairs, self.non_finite_atoms)
        return bool(self.sel_overflow or self.unseen_pairs or any(counts))

    def summary(self) -> dict[str, object]:
        """Everything but the atoms, ready for JSON."""
        over = self.sel_overflow
        return {
            "sel_overflow": None
            if over is None
            else {"atoms": over.n_atoms} | over.types,
            "close_pairs": self.close_pairs,
            "short_pairs": self.short_pairs,
            "unseen_pairs": {f"{c}-{t}": n for (c, t), n in self.unseen_pairs.items()},
            "non_finite_atoms": self.non_finite_atoms,
            "virtual_atoms": self.virtual_atoms,
            "unreduced_atoms": self.unreduced_atoms,
        }


@dataclass(frozen=True, eq=False)
class Result:
    """What `Potential.compute` gives.

    Parameters
    ----------
    energy : eV
    forces : (N, 3) eV/Å
    virial : (3, 3) eV
        -Σ dE/dd ⊗ d as deepmd-kit's: -dE/dstrain; the stress is -virial/volume.
    atomic_energies : (N,) eV, or None
    atomic_virials : (N, 3, 3) eV, or None
        Each pair's part on its neighbour atom, as deepmd-kit's.
    report : Report
    """

    energy: float
    forces: Doubles
    virial: Doubles
    atomic_energies: Doubles | None
    atomic_virials: Doubles | None
    report: Report

    @classmethod
    def of_nothing(cls, n_atoms: int, atomic: bool) -> Result:
        """Of a structure all of whose atoms are virtual."""
        return cls(
            energy=0.0,
            forces=np.zeros((n_atoms, 3)),
            virial=np.zeros((3, 3)),
            atomic_energies=np.zeros(n_atoms) if atomic else None,
            atomic_virials=np.zeros((n_atoms, 3, 3)) if atomic else None,
            report=Report(virtual_atoms=n_atoms),
        )

    def heat_flux(self, velocities: ArrayLike, kinetic_energies: ArrayLike) -> HeatFlux:
        """J = Σ (U_i + K_i) v_i + Σ W_iᵀ v_i, and its parts; the volume is not in it.

        U_i and W_i are the energies and virials of the atoms, so the result must have
        been asked for with ``atomic=True``. A virtual atom has neither, and adds only
        the kinetic energy given for it.

        Parameters
        ----------
        velocities : (N, 3) Å per any unit of time, which is then that of the flux
        kinetic_energies : (N,) eV, ½ m v²

        Raises
        ------
        InputError
            If the result has no energies and virials of atoms, or has them on a GPU;
            for arguments of another shape, numbers that are not finite, and kinetic
            energies below zero.
        """
        return heat_flux(
            self.atomic_energies, self.atomic_virials, velocities, kinetic_energies
        )

    @property
    def sel_overflow(self) -> SelOverflow | None:
        """Of the report."""
        return self.report.sel_overflow

    @property
    def short_pairs(self) -> int:
        """Of the report."""
        return self.report.short_pairs


@dataclass(frozen=True, eq=False)
class Features:
    """What `Potential.features` gives, with deepmd-kit's names and order of numbers.

    Parameters
    ----------
    descriptor : (N, M)
    atomic_feature : (N, W) what the last layer of the fitting net takes, or None
        Rows of virtual atoms are zero, in both.
    structural_feature : (W,) or None
        The sum of atomic_feature over the atoms whose energy the model counts.
    report : Report
    """

    descriptor: Doubles
    atomic_feature: Doubles | None
    structural_feature: Doubles | None
    report: Report


@dataclass(frozen=True, eq=False)
class SecondDerivatives:
    """What `Potential.second_derivatives` gives.

    Parameters
    ----------
    hessian : (3n, 3N) eV/Å², d²E/dx dx' of n atoms and all N
        Row 3i + a is axis a of the i-th of these atoms, column 3j + b axis b of atom j.
        Rows and columns of virtual atoms are zero.
    asymmetry : eV/Å²
        The largest difference between the two values that were found for d²E/dx dx'
        and d²E/dx' dx, whose mean is in hessian.
    report : Report, of the atoms whose energy depends on where the n atoms are
    """

    hessian: Doubles
    asymmetry: float
    report: Report
