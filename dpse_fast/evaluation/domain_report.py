"""From the kernels' counts to the report of a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ..array_types import Bools, Doubles, Int64s, Integers
from ..errors import AtomError
from ..kernels.counters import CLOSE_PAIRS, COINCIDENT, N_COUNTERS, SHORT_PAIRS
from ..model import Descriptor, Model
from ..plan import Plan
from ..results import (
    ALL_TYPES,
    PAIR_TABLE,
    AtomCounts,
    AtomReport,
    Report,
    SelOverflow,
)
from .domain_counts import Domain, domain_of_atoms

COINCIDENT_ATOMS = (
    "positions: another atom, or an image, lies on",
    "; expected distinct positions",
)
BELOW_TABLE = (
    "positions:",
    " has a neighbour closer than the pair table of the model starts; expected "
    "distances inside the table",
)


def check_distances(
    counters: Iterable[Integers], below_table: int, atom_of: Callable[[int], int]
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
    found = ((coincident, COINCIDENT_ATOMS), (below_table, BELOW_TABLE))
    for atom, (before, after) in found:
        if atom:
            raise AtomError(before, atom_of(atom - 1), after)


def report_of(
    plan: Plan,
    domain: Domain,
    centres: Integers,
    n_atoms: int,
    non_finite: Bools | int,
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

    def full(values: Integers) -> Int64s:
        result = np.zeros((n_atoms, *values.shape[1:]), np.int64)
        result[centres] = values
        return result

    untrained = plan.unseen != 0
    counted = domain._replace(seen=np.where(untrained, domain.seen, 0))
    atoms = None
    if len(domain.atoms.unseen):
        bad = np.asarray(non_finite)
        atoms = _of_atoms(plan.model, domain.atoms.mapped(full), bad)
    n_bad, n_virtual = int(np.sum(non_finite)), n_atoms - len(centres)
    return _report(plan.model, counted, n_bad, atoms, n_virtual)


def report_of_atoms(
    model: Model, counts: AtomCounts, non_finite: Bools, types: Integers
) -> Report:
    """The report that an evaluation of some atoms alone would give.

    Parameters
    ----------
    counts, non_finite : of these atoms, n of those of an evaluation of more
    types : (n,) of these atoms
    """
    atoms = _of_atoms(model, counts, non_finite)
    domain = domain_of_atoms(counts, types)
    return _report(model, domain, int(np.count_nonzero(non_finite)), atoms, 0)


def total(values: Doubles) -> float:
    """The sum, infinite where it overflows; the report tells of it, not NumPy."""
    return float(total_of_rows(values.reshape(-1)))


def total_of_rows(values: Doubles) -> Doubles:
    """The sum over the first axis, as `total`."""
    with np.errstate(all="ignore"):
        return np.asarray(values.sum(axis=0))


def not_finite(energies: Doubles, forces: Doubles) -> Bools:
    """(n,) whether an atom's energy or force is NaN or infinite.

    So is an energy that is too large to be summed.
    """
    if np.isfinite(total(energies)) and np.isfinite(total(forces)):
        return np.zeros(len(energies), bool)
    most = np.finfo(np.float64).max / max(len(energies), 1)
    finite: Bools = (np.abs(energies) <= most) & np.isfinite(forces).all(axis=1)
    return ~finite


def _report(
    model: Model,
    domain: Domain,
    n_non_finite: int,
    atoms: AtomReport | None,
    n_virtual: int,
) -> Report:
    """Of counts in which only pairs without training are seen."""
    names = model.type_map
    return Report(
        sel_overflow=_overflow(model, domain),
        close_pairs=_pairs(domain, CLOSE_PAIRS),
        short_pairs=_pairs(domain, SHORT_PAIRS),
        unseen_pairs={
            (names[c], names[t]): int(domain.seen[c, t])
            for c, t in np.argwhere(domain.seen).tolist()
        },
        non_finite_atoms=n_non_finite,
        virtual_atoms=n_virtual,
        unreduced_atoms=domain.n_unreduced,
        atoms=atoms,
    )


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


def _of_atoms(model: Model, counts: AtomCounts, non_finite: Bools) -> AtomReport:
    excess: dict[str, Int64s] = {}
    for descriptor, values in zip(model.descriptors, counts.excess, strict=True):
        for name, column in zip(_groups(model, descriptor), values.T, strict=True):
            if column.any():
                excess[name] = np.maximum(column, excess.get(name, 0))
    widest = int(np.argmax([descriptor.rcut for descriptor in model.descriptors]))
    return AtomReport(
        sel_excess=excess,
        close_neighbours=np.asarray(counts.close[widest], np.int64),
        unseen_neighbours=counts.unseen.sum(axis=1),
        non_finite=non_finite,
        counts=counts,
    )
