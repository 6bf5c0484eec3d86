"""A session on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..evaluation.domain_report import check_distances
from ..evaluation.domain_warnings import Inform
from ..evaluation.session import Session
from ..inputs.arrays import on_host
from ..inputs.structure import check_parameters
from ..kernels.cuda.rows import renumber
from ..plan import Plan
from ..planning import Planner
from ..results import Result
from .base_session import KeptOnDevice
from .memory import no_memory
from .neighbours import DeviceList
from .pipeline import Pipeline, RowParameters
from .report import caller_atoms, report_of
from .structure import DeviceStructure, check_structure
from .warps import warps

Floats = NDArray[np.float64]


class CudaSession(Session, KeptOnDevice):
    """See `Session`."""

    def __init__(self, planner: Planner, inform: Inform, **options: Any) -> None:
        super().__init__(planner, inform, **options)
        self._builds = 0

    @property
    def list_builds(self) -> int:
        return self._builds

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
        model = self._model
        with self._device.active(), self._lock:
            structure = check_structure(
                self._device, positions, types, cell, pbc, model.type_map
            )
            frame = on_host(self._device, fparam, "fparam")
            frame = check_parameters(frame, model.fparam, "fparam")
            own = on_host(self._device, aparam, "aparam")
            own = check_parameters(own, model.aparam, "aparam", structure.n_atoms)
            if not structure.n:
                return structure.nothing(atomic)
            try:
                return self._evaluate(structure, frame, own, atomic)
            except self._device.out_of_memory as error:
                raise self._too_large(structure) from error

    def _too_large(self, structure: DeviceStructure) -> InputError:
        self._pipeline = None  # with its memory
        return no_memory(self._device, structure.n)

    def _evaluate(
        self, structure: DeviceStructure, frame: Floats, own: Floats, atomic: bool
    ) -> Result:
        plan = self._planner.plan_for(structure.present(self._planner))
        pipeline = self._pipeline_for(plan)
        listed = self._update(pipeline, structure, atomic)
        given = self._parameters(pipeline, structure, frame, own)
        pipeline.evaluate(listed, self._truncate, given)
        outputs = pipeline.outputs(listed.order, structure.n_atoms, structure.real)
        energy, virial = pipeline.totals()
        tallies = pipeline.tallies()
        counts = tallies.counts
        check_distances(
            counts.counters,
            counts.below_table,
            lambda row: int(caller_atoms(self._device, structure, listed)[row]),
        )
        report = report_of(self._device, plan, structure, listed, tallies, outputs)
        self._tell(report)
        n = structure.n_atoms
        give = structure.give
        return Result(
            energy=energy,
            forces=give(outputs.forces, (n, 3)),
            virial=virial,
            atomic_energies=give(outputs.energies, (n,)) if atomic else None,
            atomic_virials=give(outputs.virials, (n, 3, 3)) if atomic else None,
            report=report,
        )

    def _pipeline_for(self, plan: Plan) -> Pipeline:
        before, pipeline = self._pipeline, super()._pipeline_for(plan)
        if pipeline is not before:
            species = pipeline.species
            numbers = np.full(self._model.n_types, -1, np.int32)
            numbers[list(species)] = np.arange(len(species))
            self._numbers = self._device.upload(numbers)
            self._list = DeviceList(
                self._device,
                self._model.rcut,
                self._skin,
                len(species),
                self._deterministic,
            )
            self._atomic = False
        return pipeline

    def _update(
        self, pipeline: Pipeline, structure: DeviceStructure, atomic: bool
    ) -> DeviceList:
        begin = self._device.mark()
        types = self._device.empty(structure.n, np.int32)
        self._device.launch(
            renumber, warps(structure.n), structure.types, self._numbers, types
        )
        anew = self._list.update(
            *(structure.positions, types, structure.cell, structure.pbc),
            make_room=pipeline.release,
        )
        self._builds += anew
        if anew or atomic != self._atomic or not pipeline.ready:
            pipeline.prepare(self._list, atomic)
            self._atomic = atomic
        if self._profile:
            end = self._device.mark()
            self._list_seconds += self._device.seconds_between(begin, end)
        return self._list

    def _parameters(
        self, pipeline: Pipeline, structure: DeviceStructure, frame: Floats, own: Floats
    ) -> RowParameters:
        if not self._model.n_parameters:
            return self._parameters_of_rows.none(pipeline)
        real = structure.host_real()
        return self._parameters_of_rows(
            *(frame, own if real is None else own[real]),
            self._device.download(structure.types),
            self._list.order,
        )
