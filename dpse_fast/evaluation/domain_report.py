"""From the kernels' counts to the report of a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ..cpu.pipeline import Domain
from ..errors import AtomError
from ..kernels.counters import CLOSE_PAIRS, COINCIDENT, N_COUNTERS, SHORT_PAIRS
from ..model import Descriptor, Model
from ..plan import Plan
from ..results import ALL_TYPES, PAIR_TABLE, AtomReport, Report, SelOverflow

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

COINCIDENT_ATOMS = (
    "another atom, or an image, lies on atom {}; expected distinct positions"
)
BELOW_TABLE = (
    "atom {} has a neighbour closer than the pair table of the model starts; expected "
    "distances inside the table"
)


def check_distances(
    counters: Iterable[Ints], below_table: int, atom_of: Callable[[int], int]
) -> None:
    """Refuse atoms at one place, and below the pair table.

    Parameters
    ----------
    counters, below_table : see `Domain`
    atom_of : the caller's atom behind an index of theirs

    Raises
    ------
    AtomError
        Naming one of them.
    """
    coincident = max(int(c[COINCIDENT]) for c in counters)
    for atom, what in ((coincident, COINCIDENT_ATOMS), (below_table, BELOW_TABLE)):
        if atom:
            raise AtomError(what, atom_of(atom - 1))


def report_of(
    plan: Plan,
    domain: Domain,
    centres: Ints,
    n_atoms: int,
    non_finite: NDArray[np.bool_] | int,
) -> Report:
    """The report of an evaluation.

    Parameters
    ----------
    plan : what was evaluated
    centres : (n_rows,) the caller's atom behind each row of the list
    n_atoms : N, the caller's
    non_finite : which atoms of the caller have an energy or a force that is NaN or
        infinite (N,), or only how many, if there is no report of atoms
    """
    close, short = (_pairs(domain, column) for column in (CLOSE_PAIRS, SHORT_PAIRS))
    return Report(
        sel_overflow=_overflow(plan.model, domain),
        close_pairs=close,
        short_pairs=short,
        unseen_pairs=_unseen(plan, domain),
        non_finite_atoms=int(np.sum(non_finite)),
        virtual_atoms=n_atoms - len(centres),
        atoms=_of_atoms(plan.model, domain, centres, n_atoms, np.asarray(non_finite))
        if len(domain.atoms.close)
        else None,
    )


def not_finite(energies: Floats, forces: Floats) -> NDArray[np.bool_]:
    """(n,) whether an atom's energy or force is NaN or infinite."""
    if np.isfinite(energies.sum()) and np.isfinite(forces.sum()):
        return np.zeros(len(energies), bool)
    finite: NDArray[np.bool_] = np.isfinite(energies) & np.isfinite(forces).all(axis=1)
    return ~finite


def _pairs(domain: Domain, column: int) -> int:
    """Every pair is counted from both its atoms; images on their own, once."""
    return max(-(-int(counters[column]) // 2) for counters in domain.counters)


def _groups(model: Model, descriptor: Descriptor) -> tuple[str, ...]:
    return (ALL_TYPES,) if descriptor.mixed else model.type_map


def _overflow(model: Model, domain: Domain) -> SelOverflow | None:
    if not domain.n_over:
        return None
    types: dict[str, int] = {}
    for descriptor, counters in zip(model.descriptors, domain.counters, strict=True):
        names = _groups(model, descriptor)
        for name, n in zip(names, counters[N_COUNTERS:].tolist(), strict=True):
            if n:
                types[name] = max(n, types.get(name, 0))
    if domain.n_over_table:
        types[PAIR_TABLE] = domain.n_over_table
    return SelOverflow(domain.n_over, types)


def _unseen(plan: Plan, domain: Domain) -> dict[tuple[str, str], int]:
    names = plan.model.type_map
    unseen = plan.descriptors[plan.widest].environments.unseen
    met = (unseen != 0) & (domain.seen > 0)
    return {
        (names[c], names[t]): int(domain.seen[c, t])
        for c, t in zip(*(axis.tolist() for axis in met.nonzero()), strict=True)
    }


def _of_atoms(
    model: Model,
    domain: Domain,
    centres: Ints,
    n_atoms: int,
    non_finite: NDArray[np.bool_],
) -> AtomReport:
    def full(values: Ints) -> NDArray[np.int64]:
        result = np.zeros(n_atoms, np.int64)
        result[centres] = values
        return result

    excess: dict[str, NDArray[np.int64]] = {}
    for descriptor, values in zip(model.descriptors, domain.atoms.excess, strict=True):
        for name, column in zip(_groups(model, descriptor), values.T, strict=True):
            if column.any():
                excess[name] = np.maximum(full(column), excess.get(name, 0))
    return AtomReport(
        sel_excess=excess,
        close_neighbours=full(domain.atoms.close),
        unseen_neighbours=full(domain.atoms.unseen),
        non_finite=non_finite,
    )
