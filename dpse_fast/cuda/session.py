"""A session on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import check_parameters
from ..errors import InputError
from ..kernels.cpu.environment import COINCIDENT
from ..kernels.cuda.rows import gather_rows, renumber
from ..plan import Plan
from ..planning import Planner
from ..results import Result
from ..session import BELOW_TABLE, COINCIDENT_ATOMS, Inform, Session
from .arrays import on_host
from .device import Array, Device
from .neighbours import DeviceList
from .pipeline import Pipeline, RowParameters
from .report import caller_atoms, report_of
from .structure import DeviceStructure, check_structure

Floats = NDArray[np.float64]


class CudaSession(Session):
    """See `Session`.

    Parameters
    ----------
    gemm, deterministic : see `dpse_fast.load`
    """

    def __init__(
        self,
        planner: Planner,
        inform: Inform,
        device: Device,
        gemm: str | None,
        deterministic: bool,
        **options: Any,
    ) -> None:
        super().__init__(planner, inform, **options)
        self._device = device
        self._gemm, self._deterministic = gemm or "float32", deterministic
        self._pipeline: Pipeline | None = None
        self._builds = 0
        self._rooms: dict[str, Array] = {}
        self._neighbour_seconds = 0.0

    @property
    def list_builds(self) -> int:
        return self._builds

    @property
    def stage_seconds(self) -> dict[str, float]:
        found = {"neighbours": self._neighbour_seconds}
        return found | (self._pipeline.stage_seconds if self._pipeline else {})

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
        free, total = self._device.memory()
        return InputError(
            f"positions: {structure.n} atoms do not fit into the GPU's memory of "
            f"{total / 1e9:.3g} GB, of which {free / 1e9:.3g} GB are free; expected "
            "fewer atoms, a precision of 'mixed' or 'single', a smaller skin, or "
            "device='cpu'"
        )

    def _evaluate(
        self, structure: DeviceStructure, frame: Floats, own: Floats, atomic: bool
    ) -> Result:
        plan = self._planner.plan_for(structure.present(self._planner))
        pipeline = self._pipeline_for(plan)
        listed = self._update(pipeline, structure, atomic)
        given = self._parameters(pipeline, structure, frame, own)
        pipeline.evaluate(listed, self._truncate, given)
        outputs = pipeline.outputs(listed, structure.n_atoms, structure.real)
        energy, virial = pipeline.totals()
        tallies = pipeline.tallies()
        counters = tallies.counts.counters
        coincident = max(int(c[COINCIDENT]) for c in counters)
        for row, what in (
            (coincident, COINCIDENT_ATOMS),
            (tallies.counts.below_table, BELOW_TABLE),
        ):
            if row:
                atom = int(caller_atoms(self._device, structure, listed)[row - 1])
                raise InputError(f"positions: {what.format(atom)}")
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
        if self._pipeline is None or self._pipeline.plan is not plan:
            self._pipeline = Pipeline(
                self._device, plan, self._gemm, self._deterministic, self._profile
            )
            species = self._pipeline.species
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
        return self._pipeline

    def _update(
        self, pipeline: Pipeline, structure: DeviceStructure, atomic: bool
    ) -> DeviceList:
        begin = self._device.mark()
        types = self._device.empty(structure.n, np.int32)
        self._device.launch(
            renumber, -(-structure.n // 32), structure.types, self._numbers, types
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
            self._neighbour_seconds += self._device.seconds_between(begin, end)
        return self._list

    def _parameters(
        self, pipeline: Pipeline, structure: DeviceStructure, frame: Floats, own: Floats
    ) -> RowParameters:
        device, model = self._device, self._model
        if not model.n_parameters:
            nothing = pipeline.energies
            return RowParameters(nothing, device.part(nothing, 0, 0))
        real = structure.host_real()
        atoms = own if real is None else own[real]
        whole = np.broadcast_to(frame, (structure.n, frame.shape[1]))
        values = np.ascontiguousarray(np.concatenate([whole, atoms], axis=1))
        vacuum = self._vacuum(values, device.download(structure.types))
        return RowParameters(
            self._of_rows("values", values), self._of_rows("vacuum", vacuum[:, None])
        )

    def _of_rows(self, name: str, values: Floats) -> Array:
        """Numbers of atoms (n, k) in the order of rows, flat, where the last were."""
        device, n = self._device, self._list.order.size
        if name not in self._rooms or self._rooms[name].size != values.size:
            self._rooms[name] = device.empty(values.size, np.float64)
        if values.size:
            given, width = device.upload(values.reshape(-1)), values.shape[1]
            device.launch(
                gather_rows,
                -(-n // 32),
                *(given, width, self._list.order, self._rooms[name]),
            )
        return self._rooms[name]

    def _vacuum(self, values: Floats, types: NDArray[np.int32]) -> Floats:
        """(n,) what the nets give without neighbours, or (0,)."""
        nets = self._model.vacuum
        if not any(net is not None for net in nets):
            return np.empty(0)
        found = np.zeros(len(values))
        for c, net in enumerate(nets):
            if net is not None and (types == c).any():
                found[types == c] = net(values[types == c])[:, 0]
        return found
