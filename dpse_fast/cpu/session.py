"""A session on the processors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..evaluation.domain_report import check_distances, not_finite, report_of
from ..evaluation.domain_warnings import Inform
from ..evaluation.session import Session
from ..inputs.structure import Checked, check_parameters, check_system
from ..kernels.cpu.images import add_to_owners
from ..planning import Planner
from ..results import Result
from .neighbours import NeighbourList
from .packed_plan import packed
from .pipeline import Engine, Evaluation

Floats = NDArray[np.float64]


class CpuSession(Session):
    """See `Session`.

    Parameters
    ----------
    threads : workers
    """

    def __init__(
        self, planner: Planner, inform: Inform, threads: int, **options: Any
    ) -> None:
        super().__init__(planner, inform, **options)
        self._engine = Engine(threads, self._profile)
        self._list = NeighbourList(planner.model.rcut, self._skin, self._engine.run)
        self._neighbour_seconds = 0.0

    @property
    def list_builds(self) -> int:
        return self._list.builds

    @property
    def stage_seconds(self) -> dict[str, float]:
        return {"neighbours": self._neighbour_seconds, **self._engine.stage_seconds}

    def compute(
        self,
        positions: ArrayLike,
        types: ArrayLike | Sequence[str],
        cell: ArrayLike | None = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        atomic: bool = False,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
    ) -> Result:
        """As `Potential.compute`."""
        model = self._model
        checked = check_system(positions, types, cell, pbc, model.type_map)
        frame = check_parameters(fparam, model.fparam, "fparam")
        atoms = check_parameters(aparam, model.aparam, "aparam", checked.n_atoms)
        if checked.real is not None:
            atoms = atoms[checked.real]
        if not len(checked.system.positions):
            return Result.of_nothing(checked.n_atoms, atomic)
        with self._lock:
            start = time.process_time()
            self._list.update(checked.system)
            hood, owners = self._list.hood, self._list.owners
            self._neighbour_seconds += time.process_time() - start
            parameters = None
            if frame.size or atoms.size:
                parameters = atoms[owners[hood.centres]]
                whole = np.broadcast_to(frame, (len(parameters), frame.shape[1]))
                parameters = np.concatenate([whole, parameters], axis=1)
            plan = self._planner.plan_for(checked.system.types)
            self._engine.use(packed(plan))
            found = self._engine.evaluate(
                hood, truncate=self._truncate, atomic=atomic, parameters=parameters
            )
            return self._result(checked, found, atomic)

    def _result(self, checked: Checked, found: Evaluation, atomic: bool) -> Result:
        n, hood, owners = len(checked.system.types), self._list.hood, self._list.owners
        numbers = owners if checked.real is None else checked.real[owners]
        check_distances(
            found.domain.counters, found.domain.below_table, lambda k: int(numbers[k])
        )
        centres = owners[hood.centres]
        energies = np.empty(n)
        energies[centres] = found.energies
        forces = _onto_owners(found.forces, owners, n)
        virials = np.empty((0, 3, 3))
        if atomic:
            virials = _onto_owners(found.atomic_virials, owners, n).reshape(n, 3, 3)
        bad = checked.for_all(not_finite(energies, forces))
        own = numbers[hood.centres]
        report = report_of(self._engine.plan, found.domain, own, checked.n_atoms, bad)
        self._tell(report)
        return Result(
            energy=float(energies.sum()),
            forces=checked.for_all(forces),
            virial=found.virial.copy(),
            atomic_energies=checked.for_all(energies) if atomic else None,
            atomic_virials=checked.for_all(virials) if atomic else None,
            report=report,
        )


def _onto_owners(values: Floats, owners: NDArray[np.int32], n: int) -> Floats:
    """Sum the rows of images onto their atoms."""
    total = np.zeros((n, values.shape[1]))
    add_to_owners(owners, values, total)
    return total
