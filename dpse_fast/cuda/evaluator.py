"""A plan evaluated on a GPU, with results in the caller's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..array_types import Bools, Doubles, Int64s, Integers
from ..evaluation.backend import Evaluation, Request
from ..evaluation.domain_counts import Domain
from ..evaluation.domain_report import check_distances, not_finite
from ..inputs.structure import CheckedStructure
from ..kernels.cuda.rows import renumber
from ..plan import Plan
from .device import Array, Device
from .force_sums import Outputs
from .listed_rows import ListedRows
from .neighbour_list_check import CheckedList
from .neighbours import NeighbourList
from .parameters import GivenParameters, ParametersOfRows
from .pipeline import STAGES, Pipeline
from .row_list import RowList
from .unreduced_rows import UnreducedRows, plan_numbers
from .warps import warps


class GivenRows(NamedTuple):
    """A caller's list, and its rows in the order of the kernels."""

    given: CheckedList
    rows: ListedRows


class _Found(NamedTuple):
    """Of all rows of a list."""

    energy: float  # eV
    virial: Doubles  # (3, 3) eV
    outputs: Outputs
    domain: Domain
    n_non_finite: int

    def evaluation(
        self, pair_gradients: Array | None, centres: Integers, non_finite: Bools | int
    ) -> Evaluation:
        return Evaluation(
            energy=self.energy,
            virial=self.virial,
            forces=self.outputs.forces,
            energies=self.outputs.energies,
            virials=self.outputs.virials,
            pair_gradients=pair_gradients,
            domain=self.domain,
            centres=centres,
            non_finite=non_finite,
        )


class Evaluator:
    """See `evaluation.backend.Evaluator`.

    Parameters
    ----------
    gemm, deterministic : see `dpse_fast.load`
    """

    def __init__(
        self, device: Device, plan: Plan, gemm: str, deterministic: bool, profile: bool
    ) -> None:
        self.plan = plan
        self._device, self._deterministic, self._profile = (
            device,
            deterministic,
            profile,
        )
        self._pipeline = Pipeline(device, plan, gemm, deterministic, profile)
        self._unreduced = UnreducedRows(device, plan, gemm, deterministic, profile)
        self._parameters = ParametersOfRows(device, plan.model)
        self._numbers = plan_numbers(device, plan)
        self._prepared_for: tuple[RowList, int, bool, bool] | None = None
        self._list_seconds = 0.0

    @property
    def stage_seconds(self) -> dict[str, float]:
        own, further = self._pipeline.stage_seconds, self._unreduced.stage_seconds
        stages = {name: own[name] + further[name] for name in STAGES}
        return {"neighbours": self._list_seconds, **stages}

    def release(self) -> None:
        self._pipeline.release()

    def neighbour_list(self, skin: float) -> NeighbourList:
        return NeighbourList(
            self._device,
            self.plan.model.rcut,
            skin,
            len(self._pipeline.species),
            self._deterministic,
        )

    def _update(self, listed: NeighbourList, structure: CheckedStructure) -> None:
        device, system = self._device, structure.system
        begin = device.mark()
        types = device.empty(structure.n, np.int32)
        device.launch(renumber, warps(structure.n), system.types, self._numbers, types)
        listed.update(
            system.positions, types, system.cell, system.pbc, make_room=self.release
        )
        if self._profile:
            self._list_seconds += device.seconds_between(begin, device.mark())

    def _prepare(self, rows: RowList, request: Request) -> None:
        """Buffers, unless the last ones serve."""
        wanted = (rows, rows.builds, request.atomic, request.pair_gradients)
        if wanted != self._prepared_for or not self._pipeline.ready:
            self._prepared_for = None  # half of the buffers are none
            self._pipeline.prepare(rows, request.atomic, request.pair_gradients)
            self._prepared_for = wanted

    def _run(
        self,
        rows: RowList,
        request: Request,
        parameters: GivenParameters | None,
        hand_over: Callable[[], Outputs],
        finish: Callable[[], None] = lambda: None,
    ) -> _Found:
        """Evaluate the rows of a list, those with the unreduced plan that need it."""
        pipeline, unreduced = self._pipeline, self._unreduced
        self._prepare(rows, request)
        own = self._parameters(parameters, pipeline)
        pipeline.evaluate(rows, request.truncate, own)
        outputs = hand_over()
        domain, n_non_finite, n_left_out = pipeline.tallies()
        finish()
        further = np.zeros((3, 3))
        if n_left_out:
            given = (rows, domain, request, parameters)
            domain, further = unreduced.complete(pipeline, *given)
            outputs = hand_over()
            n_non_finite = pipeline.n_non_finite()
        else:
            unreduced.rest()
        energy, virial = pipeline.totals()
        return _Found(energy, virial + further, outputs, domain, n_non_finite)

    def evaluate(
        self, listed: NeighbourList, structure: CheckedStructure, request: Request
    ) -> Evaluation:
        device, pipeline, n = self._device, self._pipeline, structure.n_atoms
        self._update(listed, structure)
        parameters = None
        if request.has_parameters:
            types = device.download(structure.system.types)
            parameters = GivenParameters(request.parameters(), types, listed.order)
        real = structure.real
        places = None if real is None else device.upload(real.astype(np.int32))
        found = self._run(
            listed,
            request,
            parameters,
            lambda: pipeline.outputs(listed.order, n, places),
        )

        def atoms_of_rows() -> Int64s:
            order: Int64s = device.download(listed.order).astype(np.int64)
            return order if real is None else real[order]

        domain, outputs = found.domain, found.outputs
        check_distances(
            domain.counters, domain.below_table, lambda row: int(atoms_of_rows()[row])
        )
        # Without tallies of atoms only how many rows there are matters.
        centres = np.empty(structure.n, np.int64)
        bad: Bools | int = found.n_non_finite
        if request.atomic:
            centres, bad = atoms_of_rows(), np.zeros(n, bool)
            if found.n_non_finite:
                forces = device.download(outputs.forces).reshape(-1, 3)
                bad = not_finite(device.download(outputs.energies), forces)
        return found.evaluation(None, centres, bad)

    def rows(self, given: CheckedList, positions: Array) -> GivenRows:
        begin = self._device.mark()
        rows = ListedRows(
            self._device,
            given,
            positions,
            self._numbers,
            len(self._pipeline.species),
            self._deterministic,
        )
        if self._profile:
            end = self._device.mark()
            self._list_seconds += self._device.seconds_between(begin, end)
        return GivenRows(given.without_neighbours(), rows)

    def evaluate_rows(
        self,
        rows: GivenRows,
        positions: Array,
        request: Request,
        finish: Callable[[], None],
    ) -> Evaluation:
        device, pipeline, (given, own) = self._device, self._pipeline, rows
        own.follow(positions)
        n_rows, parameters = given.n_rows, None
        if request.has_parameters:
            types = device.download(given.types)[device.download(given.centres)]
            parameters = GivenParameters(request.parameters(), types, own.rows)
        found = self._run(
            own,
            request,
            parameters,
            lambda: pipeline.outputs(own.order, own.n_places, None, own.rows, n_rows),
            finish,
        )
        domain, outputs = found.domain, found.outputs
        check_distances(
            domain.counters,
            domain.below_table,
            lambda row: int(device.pick(own.order, np.array([row]))[0]),
        )
        centres: Integers = np.empty(own.n, np.int64)
        bad: Bools | int = found.n_non_finite
        if request.atomic:
            centres, bad = device.download(own.rows), np.zeros(n_rows, bool)
            if found.n_non_finite:
                energies = device.download(outputs.energies)[centres]
                forces = device.download(outputs.forces).reshape(-1, 3)
                order = device.download(own.order)[: own.n]
                bad[centres] = not_finite(energies, forces[order])
        gradients = None
        if request.pair_gradients:
            # The next step writes there again.
            gradients = device.copy(pipeline.listed_gradients)
        return found.evaluation(gradients, centres, bad)
