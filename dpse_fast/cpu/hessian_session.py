"""Second derivatives of the energy, on the processors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..array_types import Doubles, Int64s
from ..errors import InputError
from ..evaluation.atom_names import numbered
from ..evaluation.backend import Evaluation, Evaluator, PlanSource, Request
from ..evaluation.base_session import BaseSession, SessionOptions, present_types
from ..evaluation.domain_report import report_of
from ..inputs.arrays import VIRTUAL
from ..inputs.atom_selection import check_selection, check_vector
from ..inputs.neighbour_list import CallerList
from ..inputs.structure import CheckedStructure, check_structure
from ..kernels.cpu.images import add_to_owners
from ..plan import Plan
from ..results import Report, SecondDerivatives
from .force_differences import REACH, differences
from .host_backend import HostBackend
from .spatial_order import memory
from .symmetric import make_symmetric
from .touched_rows import Cluster, TouchedRows


class _Given(NamedTuple):
    """A structure made ready."""

    structure: CheckedStructure
    plan: Plan
    evaluator: Evaluator
    touched: TouchedRows
    request: Request

    def number(self, atom: int) -> int:
        """The caller's atom behind one that exists."""
        real = self.structure.real
        return atom if real is None else int(real[atom])

    def own_numbers(self, atoms: Int64s) -> Int64s:
        """Of the caller's atoms, -1 for those that are virtual."""
        real = self.structure.real
        if real is None:
            return atoms
        numbers = np.full(self.structure.n_atoms, VIRTUAL)
        numbers[real] = np.arange(len(real))
        return np.asarray(numbers[atoms])

    def evaluate(
        self, cluster: Cluster, rows: CallerList, positions: Doubles, copies: int
    ) -> Evaluation:
        """The rows of copies of a cluster."""
        n, own = len(cluster.owners), self.request.atoms[cluster.centres]
        request = self.request._replace(atoms=np.tile(own, (copies, 1)))
        with numbered(lambda k: self.number(int(cluster.owners[k % n]))):
            (found,) = self.evaluator.evaluate_rows(
                rows, positions, [request], lambda: None
            )
        assert found is not None
        return found

    def differences(self, cluster: Cluster, directions: Doubles) -> Doubles:
        """(D, N, 3) eV/Å² of the atoms that exist; see `differences`."""

        def forces(rows: CallerList, positions: Doubles, copies: int) -> Doubles:
            return np.asarray(self.evaluate(cluster, rows, positions, copies).forces)

        found = differences(cluster, directions, forces)
        n_directions, n = len(directions), self.structure.n
        total = np.zeros((n, 3 * n_directions))
        by_atom = np.ascontiguousarray(found.transpose(1, 0, 2)).reshape(
            -1, 3 * n_directions
        )
        add_to_owners(cluster.owners, by_atom, total)
        return total.reshape(n, n_directions, 3).transpose(1, 0, 2)


class HessianSession(BaseSession):
    """Computes second derivatives as differences of forces.

    Where an atom moves, only the energies of the atoms within the cutoff of it change,
    and only these are evaluated.

    Parameters
    ----------
    threads : that share the work
    plans : give plans that leave nothing out
    """

    def __init__(
        self, threads: int, plans: PlanSource, options: SessionOptions
    ) -> None:
        backend = HostBackend(threads, "second derivatives")
        super().__init__(backend, [plans], options)

    def _forget_lists(self) -> None:
        """A list is made in every call."""

    def matrix(self, *structure: Any, atoms: Any, **given: Any) -> SecondDerivatives:
        """As `Potential.second_derivatives`."""
        with self._lock.lock, self._whole():
            checked, request = self._checked(*structure, **given)
            n_all = checked.n_atoms
            chosen = check_selection(atoms, n_all)
            _check_memory(len(chosen), n_all)
            with self._in_memory(lambda: checked.n):
                rows = np.zeros((3 * len(chosen), 3 * n_all))
                if not checked.n:
                    return SecondDerivatives(rows, 0.0, Report(virtual_atoms=n_all))
                ready = self._ready(checked, request)
                own = ready.own_numbers(chosen)
                _, report = self._look_at(ready, own[own >= 0])
                _fill(ready, own, rows.reshape(len(chosen), 3, n_all, 3))
                asymmetry = make_symmetric(rows, chosen)
            return SecondDerivatives(rows, asymmetry, report)

    def product(self, *structure: Any, vector: Any, **given: Any) -> Doubles:
        """The second derivatives times a vector, (N, 3)."""
        with self._lock.lock, self._whole():
            checked, request = self._checked(*structure, **given)
            along = check_vector(vector, checked.n_atoms)
            if checked.real is not None:
                along = along[checked.real]
            longest = float(np.sqrt((along * along).sum(axis=1)).max(initial=0.0))
            found = np.zeros((checked.n, 3))
            if longest:
                with self._in_memory(lambda: checked.n):
                    ready = self._ready(checked, request)
                    moved = np.flatnonzero(along.any(axis=1))
                    cluster, _ = self._look_at(ready, moved)
                    direction = (along / longest)[cluster.owners]
                    found = longest * ready.differences(cluster, direction[None])[0]
            return checked.for_all(found)

    def _checked(
        self,
        positions: Any,
        types: Any,
        cell: Any,
        *,
        pbc: bool | Sequence[bool] | None,
        fparam: Any,
        aparam: Any,
    ) -> tuple[CheckedStructure, Request]:
        structure = check_structure(
            self._backend, positions, types, cell, pbc, self._model.type_map
        )
        (request,) = self._requests(fparam, aparam, structure.n_atoms)
        if structure.real is not None:
            request = request._replace(atoms=request.atoms[structure.real])
        return structure, request

    def _ready(self, structure: CheckedStructure, request: Request) -> _Given:
        members = self._members(lambda: present_types(structure.system.types))
        evaluator = self._evaluator_for(members)
        listed = evaluator.neighbour_list(REACH)
        listed.update(structure.system)
        touched = TouchedRows(listed.hood, listed.owners)
        return _Given(structure, members[0].plan, evaluator, touched, request)

    def _look_at(self, ready: _Given, moved: Int64s) -> tuple[Cluster, Report]:
        """What changes where these atoms move, evaluated where it is; warns."""
        cluster = ready.touched.cluster(ready.touched.by(moved))
        n_atoms = ready.structure.n_atoms
        if not len(cluster.centres):
            return cluster, Report(virtual_atoms=n_atoms)
        found = ready.evaluate(cluster, cluster.rows, cluster.positions, 1)
        assert found.domain is not None
        n_bad, centres = int(np.sum(found.non_finite)), np.arange(len(cluster.centres))
        report = report_of(ready.plan, found.domain, centres, n_atoms, n_bad)
        report = replace(report, virtual_atoms=n_atoms - ready.structure.n)
        self._warnings([report])
        return cluster, report


def _fill(ready: _Given, atoms: Int64s, blocks: Doubles) -> None:
    """Write the second derivatives by some atoms and all others.

    Parameters
    ----------
    atoms : (n,) of those that exist; -1: a virtual one
    blocks : (n, 3, N, 3), modified
    """
    real = ready.structure.real
    for place, atom in enumerate(atoms.tolist()):
        if atom == VIRTUAL:
            continue
        cluster = ready.touched.cluster(ready.touched.by(np.array([atom])))
        moved = (cluster.owners == atom).astype(np.float64)
        directions = np.eye(3)[:, None, :] * moved[:, None]
        found = ready.differences(cluster, directions)
        blocks[place][:, slice(None) if real is None else real] = found


def _check_memory(n_chosen: int, n_atoms: int) -> None:
    size = 8 * 9 * n_chosen * n_atoms
    if size > memory():
        raise InputError(
            f"atoms: the second derivatives by {n_chosen} of {n_atoms} atoms take "
            f"{size / 1e9:.3g} GB and exceed the memory of {memory() / 1e9:.3g} GB; "
            "expected fewer atoms at a time, or a vector to multiply with"
        )
