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


class Session(BaseSession):
    """Computes step after step, keeping the neighbour list and all buffers.

    Made by `Potential.session`. The list is rebuilt when an atom has moved by half the
    skin, when the cell has changed too much for what is left of the skin, or when the
    types or the number of atoms change.

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
        plans: PlanSource,
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
        backend, names = self._backend, self._model.type_map
        atomic = check_flag(atomic, "atomic")
        with backend.active(), self._lock.lock, self._whole():
            give = backend.giver(positions)
            structure = check_structure(backend, positions, types, cell, pbc, names)
            request = self._request(fparam, aparam, structure.n_atoms, atomic=atomic)
            if not structure.n:
                return self._nothing(structure, request, give)
            if structure.real is not None:
                request = request._replace(atoms=request.atoms[structure.real])
            with self._in_memory(lambda: structure.n):
                return self._evaluate(structure, request, give)

    def _evaluate(
        self, structure: CheckedStructure, request: Request, give: Give
    ) -> Result:
        types, n_types = structure.system.types, self._model.n_types
        plan = self._plans.plan_for(
            lambda: present_types(self._backend.distinct(types, n_types))
        )
        evaluator = self._evaluator_for(plan)
        if self._list is None:
            self._list = evaluator.neighbour_list(self._skin)
        found = evaluator.evaluate(self._list, structure, request)
        n, atomic = structure.n_atoms, request.atomic
        assert found.domain is not None
        report = report_of(plan, found.domain, found.centres, n, found.non_finite)
        self._warn(report)
        return Result(
            energy=found.energy,
            forces=give(found.forces, (n, 3)),
            virial=found.virial,
            atomic_energies=give(found.energies, (n,)) if atomic else None,
            atomic_virials=give(found.virials, (n, 3, 3)) if atomic else None,
            report=report,
        )

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
