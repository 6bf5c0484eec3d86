"""Evaluations one after another, which keep the neighbour list and the buffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..inputs.arrays import Give
from ..inputs.structure import (
    CheckedStructure,
    check_flag,
    check_length,
    check_structure,
)
from ..results import Report, Result
from .backend import Backend, PlanSource, Request, StructureList
from .base_session import BaseSession, SessionOptions, present_types
from .domain_report import report_of

DEFAULT_SKIN = 1.0  # Å


class StructureSession(BaseSession):
    """Computes step after step, keeping the neighbour list and all buffers.

    The list is rebuilt when an atom has moved by half the skin, when the cell has
    changed too much for what is left of the skin, or when the types or the number of
    atoms change.

    Parameters
    ----------
    skin : Å; with 0 the list is built in every call

    Attributes
    ----------
    list_builds : how often the neighbour list was built
    """

    def __init__(
        self,
        backend: Backend,
        plans: Sequence[PlanSource],
        options: SessionOptions,
        skin: float,
    ) -> None:
        super().__init__(backend, plans, options)
        self._skin = check_length(skin, "skin")
        self._list: StructureList | None = None
        self._earlier_builds = 0

    @property
    def list_builds(self) -> int:
        return self._earlier_builds + (self._list.builds if self._list else 0)

    def _forget_lists(self) -> None:
        self._earlier_builds, self._list = self.list_builds, None

    def _results(
        self,
        positions: Any,
        types: Any,
        cell: Any,
        *,
        pbc: bool | Sequence[bool] | None,
        atomic: bool,
        fparam: Any,
        aparam: Any,
        wanted: int | None = None,
    ) -> list[Result]:
        """Of the first ``wanted`` models, or of all."""
        backend, names = self._backend, self._model.type_map
        atomic = check_flag(atomic, "atomic")
        with backend.active(), self._lock.lock, self._whole():
            give = backend.giver(positions)
            structure = check_structure(backend, positions, types, cell, pbc, names)
            n, real = structure.n_atoms, structure.real
            requests = self._requests(fparam, aparam, n, atomic=atomic)[:wanted]
            if not structure.n:
                return [self._nothing(structure, one, give) for one in requests]
            if real is not None:
                requests = [one._replace(atoms=one.atoms[real]) for one in requests]
            with self._in_memory(lambda: structure.n):
                return self._evaluate(structure, requests, give)

    def _evaluate(
        self, structure: CheckedStructure, requests: list[Request], give: Give
    ) -> list[Result]:
        types, n_types = structure.system.types, self._model.n_types
        members = self._members(
            lambda: present_types(self._backend.distinct(types, n_types))
        )
        evaluator = self._evaluator_for(members)
        if self._list is None:
            self._list = evaluator.neighbour_list(self._skin)
        left_out = [None] * (len(members) - len(requests))
        found = evaluator.evaluate(self._list, structure, [*requests, *left_out])
        n, results = structure.n_atoms, []
        for member, one in zip(members, found, strict=True):
            if one is None:
                continue
            assert one.domain is not None
            plan, atomic = member.plan, requests[0].atomic
            report = report_of(plan, one.domain, one.centres, n, one.non_finite)
            result = Result(
                energy=one.energy,
                forces=give(one.forces, (n, 3)),
                virial=one.virial,
                atomic_energies=give(one.energies, (n,)) if atomic else None,
                atomic_virials=give(one.virials, (n, 3, 3)) if atomic else None,
                report=report,
            )
            results.append(result)
        self._warnings([*(one.report for one in results), *left_out])
        return results

    def _nothing(
        self, structure: CheckedStructure, request: Request, give: Give
    ) -> Result:
        """Of a structure whose atoms are all virtual."""
        n, atomic, zeros = structure.n_atoms, request.atomic, self._backend.zeros
        return Result(
            energy=0.0,
            forces=give(zeros(3 * n), (n, 3)),
            virial=np.zeros((3, 3)),
            atomic_energies=give(zeros(n), (n,)) if atomic else None,
            atomic_virials=give(zeros(9 * n), (n, 3, 3)) if atomic else None,
            report=Report(virtual_atoms=n),
        )


class Session(StructureSession):
    """Computes step after step; made by `Potential.session`, see `StructureSession`."""

    def compute(
        self,
        positions: Any,
        types: Any,
        cell: Any = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        atomic: bool = False,
        fparam: Any = None,
        aparam: Any = None,
    ) -> Result:
        """As `Potential.compute`."""
        (result,) = self._results(
            positions,
            types,
            cell,
            pbc=pbc,
            atomic=atomic,
            fparam=fparam,
            aparam=aparam,
        )
        return result
