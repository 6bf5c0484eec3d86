"""Plans evaluated on a GPU, with results in the caller's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..array_types import Bools, Doubles, Int64s, Integers
from ..evaluation.backend import Evaluation, Member, Request
from ..evaluation.domain_counts import Domain
from ..evaluation.domain_report import check_distances, not_finite
from ..inputs.structure import CheckedStructure
from ..kernels.cuda.rows import renumber
from .device import Array, Device
from .force_sums import Outputs
from .listed_rows import ListedRows
from .neighbour_list_check import CheckedList
from .neighbours import NeighbourList
from .parameters import GivenParameters, ParametersOfRows
from .pipeline import STAGES, Pipeline
from .row_list import RowList
from .unreduced_rows import UnreducedRows, numbers_of_plan
from .warps import warps

# The number of each of the caller's types in the rows of a list, -1: it has none.
Order = tuple[int, ...]


class GivenRows(NamedTuple):
    """A caller's list, and its rows in the order of the kernels."""

    given: CheckedList
    rows: dict[Order, ListedRows]


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


class _Model:
    """One model with its pipeline.

    Parameters
    ----------
    gemm, deterministic, profile : see `Pipeline`

    Attributes
    ----------
    order : models of one order have the same rows of a list
    """

    def __init__(
        self,
        device: Device,
        member: Member,
        gemm: str,
        deterministic: bool,
        profile: bool,
    ) -> None:
        plan = member.plan
        self._device, self.member = device, member
        self.pipeline = Pipeline(device, plan, gemm, deterministic, profile)
        self._unreduced = UnreducedRows(device, plan, gemm, deterministic, profile)
        self._parameters = ParametersOfRows(device, plan.model)
        numbers = numbers_of_plan(plan)
        if member.types is not None:
            numbers = numbers[member.types[:-1]]
        self.order: Order = tuple(numbers.tolist())
        self.numbers = device.upload(numbers)
        self._prepared_for: tuple[RowList, int, bool, bool] | None = None

    @property
    def stage_seconds(self) -> dict[str, float]:
        own, further = self.pipeline.stage_seconds, self._unreduced.stage_seconds
        return {name: own[name] + further[name] for name in STAGES}

    def parameters(
        self, request: Request, types: Array, order: Array, some: Array | None = None
    ) -> GivenParameters | None:
        """What the caller gave.

        Parameters
        ----------
        types : the caller's, on the device
        order : see `GivenParameters`
        some : which of the types count; None: all
        """
        if not request.has_parameters:
            return None
        own = self._device.download(types)
        if some is not None:
            own = own[self._device.download(some)]
        return GivenParameters(request.parameters(), self.member.own_types(own), order)

    def _prepare(self, rows: RowList, request: Request) -> None:
        """Buffers, unless the last ones serve."""
        wanted = (rows, rows.builds, request.atomic, request.pair_gradients)
        if wanted != self._prepared_for or not self.pipeline.ready:
            self._prepared_for = None  # half of the buffers are none
            self.pipeline.prepare(rows, request.atomic, request.pair_gradients)
            self._prepared_for = wanted

    def run(
        self,
        rows: RowList,
        request: Request,
        parameters: GivenParameters | None,
        hand_over: Callable[[], Outputs],
        finish: Callable[[], None] = lambda: None,
    ) -> _Found:
        """Evaluate the rows of a list, those with the unreduced plan that need it."""
        pipeline, unreduced = self.pipeline, self._unreduced
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


class StructureLists:
    """The neighbour lists of a structure, one for each order of rows."""

    def __init__(self, lists: dict[Order, NeighbourList]) -> None:
        self.of = lists

    @property
    def builds(self) -> int:
        return max(one.builds for one in self.of.values())


class Evaluator:
    """See `evaluation.backend.Evaluator`.

    Parameters
    ----------
    gemm, deterministic : see `dpse_fast.load`
    """

    def __init__(
        self,
        device: Device,
        members: tuple[Member, ...],
        gemm: str,
        deterministic: bool,
        profile: bool,
    ) -> None:
        self.members = members
        self._device, self._deterministic, self._profile = (
            device,
            deterministic,
            profile,
        )
        self._models = [
            _Model(device, member, gemm, deterministic, profile) for member in members
        ]
        self._orders = {model.order: model for model in self._models}
        self._list_seconds = 0.0

    @property
    def stage_seconds(self) -> dict[str, float]:
        total = Counter({"neighbours": self._list_seconds})
        for model in self._models:
            total.update(model.stage_seconds)
        return dict(total)

    def release(self) -> None:
        for model in self._models:
            model.pipeline.release()

    def neighbour_list(self, skin: float) -> StructureLists:
        cutoff = max(member.plan.model.rcut for member in self.members)
        return StructureLists(
            {
                order: NeighbourList(
                    self._device,
                    cutoff,
                    skin,
                    len(model.pipeline.species),
                    self._deterministic,
                )
                for order, model in self._orders.items()
            }
        )

    def _update(self, lists: StructureLists, structure: CheckedStructure) -> None:
        device, system = self._device, structure.system
        begin = device.mark()
        for order, model in self._orders.items():
            types = device.empty(structure.n, np.int32)
            device.launch(
                renumber, warps(structure.n), system.types, model.numbers, types
            )
            lists.of[order].update(
                system.positions, types, system.cell, system.pbc, make_room=self.release
            )
        if self._profile:
            self._list_seconds += device.seconds_between(begin, device.mark())

    def evaluate(
        self,
        listed: StructureLists,
        structure: CheckedStructure,
        requests: Sequence[Request | None],
    ) -> list[Evaluation | None]:
        self._update(listed, structure)
        return [
            None
            if request is None
            else self._of_structure(model, listed.of[model.order], structure, request)
            for model, request in zip(self._models, requests, strict=True)
        ]

    def _of_structure(
        self,
        model: _Model,
        listed: NeighbourList,
        structure: CheckedStructure,
        request: Request,
    ) -> Evaluation:
        device, n, real = self._device, structure.n_atoms, structure.real
        places = None if real is None else device.upload(real.astype(np.int32))
        found = model.run(
            listed,
            request,
            model.parameters(request, structure.system.types, listed.order),
            lambda: model.pipeline.outputs(listed.order, n, places),
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
        rows = {
            order: ListedRows(
                self._device,
                given,
                positions,
                model.numbers,
                len(model.pipeline.species),
                self._deterministic,
            )
            for order, model in self._orders.items()
        }
        if self._profile:
            end = self._device.mark()
            self._list_seconds += self._device.seconds_between(begin, end)
        return GivenRows(given.without_neighbours(), rows)

    def evaluate_rows(
        self,
        rows: GivenRows,
        positions: Array,
        requests: Sequence[Request | None],
        finish: Callable[[], None],
    ) -> list[Evaluation | None]:
        for own in rows.rows.values():
            own.follow(positions)
        found: list[Evaluation | None] = []
        for model, request in zip(self._models, requests, strict=True):
            if request is None:
                found.append(None)
                continue
            own = rows.rows[model.order]
            found.append(self._of_list(model, rows.given, own, request, finish))
            finish = _nothing  # the positions are looked at once
        return found

    def _of_list(
        self,
        model: _Model,
        given: CheckedList,
        own: ListedRows,
        request: Request,
        finish: Callable[[], None],
    ) -> Evaluation:
        device, pipeline, n_rows = self._device, model.pipeline, given.n_rows
        found = model.run(
            own,
            request,
            model.parameters(request, given.types, own.rows, given.centres),
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


def _nothing() -> None:
    """Instead of a look at positions that were looked at."""
