"""Rows with a neighbour closer than certified, evaluated with the unreduced plan.

The pipeline of the reduced plan marks them and leaves them out. They are few: the host
cuts a list of them alone out of the whole one, and brings what they contribute back.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from ..array_types import Doubles, Int32s, Int64s
from ..evaluation.backend import Request
from ..evaluation.domain_counts import Domain, with_unreduced
from ..inputs.arrays import VIRTUAL
from ..inputs.neighbour_list import CallerList
from ..kernels.cuda.rows import scatter_rows
from ..plan import Plan
from .device import Array, Device
from .listed_rows import ListedRows
from .neighbour_list_check import list_on_device
from .parameters import GivenParameters, ParametersOfRows
from .pipeline import Pipeline
from .row_list import CallersRows, RowList
from .warps import warps

MOST_ROWS = 2**13  # of a list: the host has its pairs
MOST_IDLE = 1000  # evaluations without such rows, until tables and nets go


def numbers_of_plan(plan: Plan) -> Int32s:
    """(T,) the types of the model as a plan numbers them."""
    numbers = np.full(plan.model.n_types, VIRTUAL, np.int32)
    numbers[list(plan.species)] = np.arange(len(plan.species))
    return numbers


class _Cut(NamedTuple):
    """Some rows of a list, and the atoms that are their neighbours.

    Atoms are numbered by `owners`, the rows first.
    """

    rows: Int64s  # (m,) of the whole list
    owners: Int64s  # (n_atoms,) the place of the whole list that forces belong to
    positions: Doubles  # (n_atoms, 3) Å
    pairs: Int64s  # (n_list,) places in the whole list
    given: CallerList

    @property
    def rows_of_pairs(self) -> Int64s:
        """(n_list,) of the whole list."""
        return np.repeat(self.rows, np.diff(self.given.first))


def _cut(device: Device, listed: RowList, rows: Int64s, plan: Plan) -> _Cut:
    """Cut rows out of a list whose types are numbered as in a plan."""
    hood, n_types = listed.hood, len(plan.species)
    begin = device.pick(hood.first, rows * n_types)
    first = np.append(
        0, np.cumsum(device.pick(hood.first, (rows + 1) * n_types) - begin)
    )
    pairs = np.arange(first[-1]) + np.repeat(begin - first[:-1], np.diff(first))
    # Behind the neighbours there is room for the next list.
    listed_neighbours = device.part(hood.neighbours, 0, int(device.last(hood.first)))
    neighbours = device.pick(listed_neighbours, pairs)
    atoms = np.concatenate([rows, np.setdiff1d(neighbours, rows)])
    ascending = np.argsort(atoms)
    numbers = ascending[np.searchsorted(atoms, neighbours, sorter=ascending)]
    located = device.pick(listed.located, _elements(atoms, 4)).reshape(-1, 4)
    types = np.array(plan.species, np.int32)[located[:, 3].astype(np.int64)]
    return _Cut(
        rows=rows,
        owners=device.pick(hood.owners, atoms).astype(np.int64),
        positions=np.ascontiguousarray(located[:, :3]),
        pairs=pairs,
        given=CallerList(
            types=types,
            centres=np.arange(len(rows), dtype=np.int32),
            first=first.astype(np.int64),
            neighbours=numbers.astype(np.int32),
        ),
    )


class UnreducedRows:
    """Completes what a pipeline with a reduced plan has left out.

    Parameters
    ----------
    plan : the reduced one
    gemm, deterministic, profile : see `Pipeline`
    """

    def __init__(
        self, device: Device, plan: Plan, gemm: str, deterministic: bool, profile: bool
    ) -> None:
        self._device, self._plan = device, plan
        self._deterministic = deterministic
        self._options: dict[str, Any] = {
            "gemm": gemm,
            "deterministic": deterministic,
            "profile": profile,
        }
        self._parameters = ParametersOfRows(device, plan.model)
        self._pipeline: Pipeline | None = None
        self._idle = 0
        self._earlier_seconds: Counter[str] = Counter()

    @property
    def stage_seconds(self) -> Counter[str]:
        """Of all pipelines that there were."""
        seconds = Counter(self._earlier_seconds)
        if self._pipeline is not None:
            seconds.update(self._pipeline.stage_seconds)
        return seconds

    def rest(self) -> None:
        """To be called where no row was left out; gives memory back after a while."""
        self._idle += 1
        if self._pipeline is not None and self._idle > MOST_IDLE:
            self._drop()

    def _drop(self) -> None:
        self._earlier_seconds = self.stage_seconds
        self._pipeline = None

    def complete(
        self,
        whole: Pipeline,
        listed: RowList,
        domain: Domain,
        request: Request,
        parameters: GivenParameters | None,
    ) -> tuple[Domain, Doubles]:
        """Bring what the rows contribute that were left out to the others'.

        Parameters
        ----------
        whole : its energies, forces, virials and pair gradients are modified; its sums
            are those of all rows then, and `Pipeline.outputs` gives all results
        listed : what it evaluated
        domain : what it counted
        parameters : of the rows of the list, or None

        Returns
        -------
        what all rows counted, and the virial (3, 3) (eV) of those left out
        """
        self._idle = 0
        left_out, virial = whole.left_out(), np.zeros((3, 3))
        for begin in range(0, len(left_out), MOST_ROWS):
            rows = left_out[begin : begin + MOST_ROWS]
            cut = _cut(self._device, listed, rows, self._plan)
            own, pipeline = self._evaluate(cut, request, parameters)
            order = rows[self._device.download(own.rows)]
            domain = with_unreduced(domain, pipeline.tallies().domain, order)
            virial += pipeline.totals()[1]
            self._hand_over(whole, listed, cut, own, pipeline)
            pipeline.release()
        whole.sum_again()
        return domain, virial

    def _evaluate(
        self, cut: _Cut, request: Request, parameters: GivenParameters | None
    ) -> tuple[ListedRows, Pipeline]:
        device, given = self._device, cut.given
        pipeline = self._pipeline_for(given)
        own = ListedRows(
            device,
            list_on_device(device, given),
            device.upload(cut.positions),
            device.upload(numbers_of_plan(pipeline.plan)),
            len(pipeline.species),
            self._deterministic,
        )
        if parameters is not None:
            atoms = device.pick(parameters.order, cut.rows)
            values, types = parameters.values[atoms], parameters.types[atoms]
            parameters = GivenParameters(values, types, own.rows)
        pipeline.prepare(own, request.atomic, request.pair_gradients)
        pipeline.evaluate(own, request.truncate, self._parameters(parameters, pipeline))
        return own, pipeline

    def _pipeline_for(self, given: CallerList) -> Pipeline:
        """Of the plan that serves the types of a list."""
        assert self._plan.unreduced is not None
        plan = self._plan.unreduced(given.types)
        if self._pipeline is None or self._pipeline.plan is not plan:
            self._drop()
            self._pipeline = Pipeline(self._device, plan, **self._options)
        return self._pipeline

    def _hand_over(
        self,
        whole: Pipeline,
        listed: RowList,
        cut: _Cut,
        own: ListedRows,
        pipeline: Pipeline,
    ) -> None:
        download = self._device.download
        rows = cut.rows[download(own.rows)]
        self._scatter(download(pipeline.energies)[:, None], rows, whole.energies)
        owners = cut.owners[download(own.order)]
        places, which = np.unique(owners, return_inverse=True)
        for sums, total in (
            (pipeline.sums.forces, whole.sums.forces),
            (pipeline.sums.virials, whole.sums.virials),
        ):
            if sums.size:
                values = download(sums).reshape(len(owners), -1)
                elements = _elements(places, values.shape[1])
                found = self._device.pick(total, elements).reshape(len(places), -1)
                np.add.at(found, which, values)
                self._scatter(found, places, total)
        if pipeline.listed_gradients.size and isinstance(listed, CallersRows):
            gradients = download(pipeline.listed_gradients).reshape(-1, 3)
            pairs = listed.given_places(cut.rows_of_pairs, cut.pairs)
            self._scatter(gradients, pairs, whole.listed_gradients)

    def _scatter(self, values: Doubles, places: Int64s, out: Array) -> None:
        """Write rows (m, width) of numbers to their places, each once."""
        device, (n, width) = self._device, values.shape
        given = device.upload(np.ascontiguousarray(values).reshape(-1))
        device.launch(scatter_rows, warps(n), given, width, device.upload(places), out)


def _elements(rows: Int64s, width: int) -> Int64s:
    """Places of the numbers of rows in a flat array."""
    found: Int64s = (rows[:, None] * width + np.arange(width)).reshape(-1)
    return found
