"""The second door on the processors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..evaluation.domain_report import check_distances, not_finite, report_of
from ..evaluation.domain_warnings import Inform
from ..evaluation.listed_session import NO_LIST, ListedResult, ListedSession
from ..inputs.neighbour_list import (
    CallerList,
    check_all_positions,
    check_caller_types,
    check_list,
    check_same_atoms,
    check_sums,
)
from ..inputs.structure import check_parameters
from ..kernels.layout import Neighbourhood
from ..planning import Planner
from ..results import Report
from ..runtime.numba_start import start_numba
from .packed_plan import packed
from .pipeline import Engine, Evaluation

Floats = NDArray[np.float64]


class CpuListed(ListedSession):
    """See `ListedSession`.

    Parameters
    ----------
    threads : workers
    """

    def __init__(
        self, planner: Planner, inform: Inform, threads: int, **options: Any
    ) -> None:
        super().__init__(planner, inform, **options)
        self._engine = Engine(threads, self._profile)
        self._list: CallerList | None = None

    @property
    def stage_seconds(self) -> dict[str, float]:
        return dict(self._engine.stage_seconds)

    def compute(
        self,
        positions: ArrayLike,
        types: Any,
        first: ArrayLike,
        neighbours: ArrayLike,
        centres: ArrayLike | None = None,
        *,
        type_map: Any = None,
        same_list: bool = False,
        forces: Floats | None = None,
        atomic: bool = False,
        pair_gradients: bool = False,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
    ) -> ListedResult:
        """As `ListedSession.compute`."""
        model = self._model
        located = check_all_positions(positions)
        n_all = len(located)
        sums = check_sums(forces, n_all)
        with self._lock:
            if not same_list:
                of_caller = check_caller_types(type_map, model.type_map)
                self._use(types, first, neighbours, centres, of_caller, n_all)
            listed = self._list
            if listed is None:
                raise InputError(NO_LIST)
            check_same_atoms(len(listed.types), n_all)
            n_rows = len(listed.centres)
            frame = check_parameters(fparam, model.fparam, "fparam", n_rows)
            own = check_parameters(aparam, model.aparam, "aparam", n_rows)
            if not listed.counted.any():
                return _nothing(n_all, listed, sums, atomic, pair_gradients)
            parameters = None
            if frame.size or own.size:
                parameters = np.concatenate([frame, own], axis=1)
            slopes = np.zeros((len(listed.neighbours), 3)) if pair_gradients else None
            found = self._engine.evaluate(
                Neighbourhood(located, *listed),
                truncate=self._truncate,
                atomic=atomic,
                parameters=parameters,
                pair_gradients=slopes,
            )
            return self._result(listed, found, sums, atomic, slopes)

    def _use(
        self,
        types: Any,
        first: ArrayLike,
        neighbours: ArrayLike,
        centres: ArrayLike | None,
        of_caller: NDArray[np.int32] | None,
        n_all: int,
    ) -> None:
        """Evaluate with this list from now on."""
        self._list = None
        listed = check_list(
            types, first, neighbours, centres, of_caller, n_all, self._model.type_map
        )
        start_numba()
        # The same plan for all parts of a system, whatever types each of them has.
        present = listed.types if of_caller is None else of_caller
        present = present[present >= 0]
        if present.size:
            self._engine.use(packed(self._planner.plan_for(present)))
        self._list = listed

    def _result(
        self,
        listed: CallerList,
        found: Evaluation,
        sums: Floats | None,
        atomic: bool,
        pair_gradients: Floats | None,
    ) -> ListedResult:
        domain, n_rows = found.domain, len(listed.centres)
        check_distances(domain.counters, domain.below_table, lambda atom: atom)
        forces_of_rows = found.forces[listed.centres]
        bad = not_finite(found.energies, forces_of_rows)
        rows = np.arange(n_rows)
        report = report_of(self._engine.plan, domain, rows, n_rows, bad)
        report = replace(report, virtual_atoms=n_rows - int(listed.counted.sum()))
        self._tell(report)
        n_all = len(listed.types)
        return ListedResult(
            energy=float(found.energies.sum()),
            forces=_added(found.forces, sums),
            virial=found.virial.copy(),
            atomic_energies=found.energies if atomic else None,
            atomic_virials=found.atomic_virials.reshape(n_all, 3, 3).copy()
            if atomic
            else None,
            pair_gradients=pair_gradients,
            report=report,
        )


def _added(forces: Floats, sums: Floats | None) -> Floats:
    if sums is None:
        return forces.copy()
    sums += forces
    return sums


def _nothing(
    n_all: int,
    listed: CallerList,
    sums: Floats | None,
    atomic: bool,
    pair_gradients: bool,
) -> ListedResult:
    """Of rows none of whose centres counts."""
    n_rows, n_list = len(listed.centres), len(listed.neighbours)
    return ListedResult(
        energy=0.0,
        forces=_added(np.zeros((n_all, 3)), sums),
        virial=np.zeros((3, 3)),
        atomic_energies=np.zeros(n_rows) if atomic else None,
        atomic_virials=np.zeros((n_all, 3, 3)) if atomic else None,
        pair_gradients=np.zeros((n_list, 3)) if pair_gradients else None,
        report=Report(virtual_atoms=n_rows),
    )
