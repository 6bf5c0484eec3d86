"""A plan evaluated on a GPU, with results in the caller's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..array_types import Bools, Doubles, Int64s, Integers
from ..evaluation.backend import Evaluation, Request
from ..evaluation.domain_counts import Domain
from ..evaluation.domain_report import check_distances, not_finite
from ..inputs.arrays import VIRTUAL
from ..inputs.structure import CheckedStructure
from ..kernels.cuda.rows import renumber
from ..plan import Plan
from .device import Array, Device
from .force_sums import Outputs
from .listed_rows import ListedRows
from .neighbour_list_check import CheckedList
from .neighbours import NeighbourList
from .parameters import ParametersOfRows
from .pipeline import DeviceTallies, Pipeline
from .row_list import RowList
from .warps import warps


class GivenRows(NamedTuple):
    """A caller's list, and its rows in the order of the kernels."""

    given: CheckedList
    rows: ListedRows


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
        self._parameters = ParametersOfRows(device, plan.model)
        species = self._pipeline.species
        numbers = np.full(plan.model.n_types, VIRTUAL, np.int32)
        numbers[list(species)] = np.arange(len(species))
        self._numbers = device.upload(numbers)
        self._prepared_for: tuple[RowList, int, bool, bool] | None = None
        self._list_seconds = 0.0

    @property
    def stage_seconds(self) -> dict[str, float]:
        return {"neighbours": self._list_seconds, **self._pipeline.stage_seconds}

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

    def evaluate(
        self, listed: NeighbourList, structure: CheckedStructure, request: Request
    ) -> Evaluation:
        device, pipeline, n = self._device, self._pipeline, structure.n_atoms
        self._update(listed, structure)
        self._prepare(listed, request)
        parameters = self._parameters.none(pipeline)
        if request.has_parameters:
            types = device.download(structure.system.types)
            parameters = self._parameters(request.parameters(), types, listed.order)
        pipeline.evaluate(listed, request.truncate, parameters)
        real = structure.real
        places = None if real is None else device.upload(real.astype(np.int32))
        outputs = pipeline.outputs(listed.order, n, places)
        energy, virial = pipeline.totals()
        tallies = pipeline.tallies()

        def atoms_of_rows() -> Int64s:
            order: Int64s = device.download(listed.order).astype(np.int64)
            return order if real is None else real[order]

        counts = tallies.counts
        check_distances(
            counts.counters, counts.below_table, lambda row: int(atoms_of_rows()[row])
        )
        # Without tallies of atoms only how many rows there are matters.
        centres = np.empty(structure.n, np.int64)
        bad: Bools | int = counts.n_non_finite
        if request.atomic:
            centres, bad = atoms_of_rows(), np.zeros(n, bool)
            if counts.n_non_finite:
                forces = device.download(outputs.forces).reshape(-1, 3)
                bad = not_finite(device.download(outputs.energies), forces)
        return self._evaluation(energy, virial, outputs, None, tallies, centres, bad)

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
        self._prepare(own, request)
        parameters = self._parameters.none(pipeline)
        if request.has_parameters:
            types = device.download(given.types)[device.download(given.centres)]
            parameters = self._parameters(request.parameters(), types, own.rows)
        pipeline.evaluate(own, request.truncate, parameters)
        n_rows = given.n_rows
        outputs = pipeline.outputs(own.order, own.n_places, None, own.rows, n_rows)
        tallies = pipeline.tallies()
        finish()
        counts = tallies.counts
        check_distances(
            counts.counters,
            counts.below_table,
            lambda row: int(device.pick(own.order, np.array([row]))[0]),
        )
        centres: Integers = np.empty(own.n, np.int64)
        bad: Bools | int = counts.n_non_finite
        if request.atomic:
            centres, bad = device.download(own.rows), np.zeros(n_rows, bool)
            if counts.n_non_finite:
                energies = device.download(outputs.energies)[centres]
                forces = device.download(outputs.forces).reshape(-1, 3)
                order = device.download(own.order)[: own.n]
                bad[centres] = not_finite(energies, forces[order])
        energy, virial = pipeline.totals()
        gradients = None
        if request.pair_gradients:
            # The next step writes there again.
            gradients = device.copy(pipeline.listed_gradients)
        return self._evaluation(
            energy, virial, outputs, gradients, tallies, centres, bad
        )

    def _evaluation(
        self,
        energy: float,
        virial: Doubles,
        outputs: Outputs,
        gradients: Array | None,
        tallies: DeviceTallies,
        centres: Integers,
        non_finite: Bools | int,
    ) -> Evaluation:
        return Evaluation(
            energy=energy,
            virial=virial,
            forces=outputs.forces,
            energies=outputs.energies,
            virials=outputs.virials,
            pair_gradients=gradients,
            domain=self._domain(tallies),
            centres=centres,
            non_finite=non_finite,
        )

    def _domain(self, tallies: DeviceTallies) -> Domain:
        n_types, counts = self.plan.model.n_types, tallies.counts
        seen = np.zeros((n_types, n_types), np.int64)
        own = list(self._pipeline.species)
        seen[np.ix_(own, own)] = counts.seen[self.plan.widest]
        unseen = np.zeros((len(tallies.atoms.unseen), n_types), np.int32)
        unseen[:, own] = tallies.atoms.unseen
        return Domain(
            counters=counts.counters,
            seen=seen,
            n_over=tallies.n_over,
            n_over_table=counts.n_over_table,
            n_unreduced=0,
            below_table=counts.below_table,
            atoms=tallies.atoms._replace(unseen=unseen),
        )
