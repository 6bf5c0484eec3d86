"""The pipeline on the device: batches of rows of one type through all stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..array_types import Doubles, Int64s
from ..evaluation.domain_counts import Domain
from ..kernels.counters import LEFT_OUT, N_COUNTERS
from ..kernels.cuda.layout import PairGradients, Tile
from ..kernels.cuda.rows import finish_energies, finish_inputs, set_factors
from ..kernels.layout import Tally
from ..plan import Plan
from ..results import AtomCounts
from .batches import LARGEST_BATCH, Costs, Cut, Tiling, bounds, tiling
from .counts import Counts
from .device import Array, Device, Recording
from .fitting_net import BoundNet, DeviceNet, numbers_of
from .force_sums import ForceSums, Outputs
from .gemm import Products
from .packed_plan import PackedPlan
from .pair_potential import DevicePairPotential
from .row_list import CallersRows, RowList
from .stages import DeviceStage, device_stages
from .warps import warps

STAGES = ("environment", "moments", "fitting", "gradients", "forces")


class DeviceTallies(NamedTuple):
    """What was counted, on the host."""

    domain: Domain  # without the rows that were left out
    n_non_finite: int  # rows with an energy or a force that is NaN or infinite
    n_left_out: int  # rows with a neighbour closer than the plan is certified for


class RowParameters(NamedTuple):
    """What the fitting nets take besides descriptors; on the device, of rows."""

    values: Array  # (n · n_parameters,) float64, normalised
    vacuum: Array  # (n,) float64, the nets without neighbours, or (0,)


class Pipeline:
    """Evaluates one plan on a device.

    Parameters
    ----------
    gemm, deterministic : see `dpse_fast.load`
    profile : measure the time of each stage

    Attributes
    ----------
    species : the plan's types, in the model's numbers
    stage_seconds : seconds of the device in `STAGES`, when profiling
    ready : there are buffers for the list that was last prepared for
    sums : of the last evaluation
    energies : (n,) float64 eV, of its rows; undefined for those left out
    listed_gradients : (3 · n_given,) float64 eV/Å of the last evaluation, or (0,)
    """

    ready = False

    def __init__(
        self,
        device: Device,
        plan: Plan,
        gemm: str,
        deterministic: bool,
        profile: bool = False,
    ) -> None:
        self._device, self.plan = device, plan
        packed = PackedPlan(plan)
        self.species = plan.species
        self._deterministic, self._profile = deterministic, profile
        model, n_types = plan.model, len(self.species)
        products = Products(device, plan.dtype, gemm)
        self._strides = [packed.place(0, c).stride for c in self.species]
        self._stages = device_stages(device, packed)
        self._nets = [
            DeviceNet(device, packed.fitting[c], plan.dtype, products)
            for c in self.species
        ]
        self._table = (
            DevicePairPotential(device, packed)
            if packed.pair_potential is not None
            else None
        )
        self._no_shares = device.empty(0, np.float64)
        self.sums = ForceSums(device, n_types, model.rcut, deterministic)
        self._marks: list[tuple[str, Any, Any]] = []
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._tiling = Tiling(())
        self._recording: Recording | None = None
        self._runs = 0
        self._bound: dict[tuple[int, int], BoundNet] = {}

    @property
    def stage_seconds(self) -> dict[str, float]:
        for stage, begin, end in self._marks:
            self._seconds[stage] += self._device.seconds_between(begin, end)
        self._marks = []
        return dict(self._seconds)

    @property
    def _parts(self) -> list[DeviceStage | DevicePairPotential]:
        """Of the energy."""
        return [*self._stages, *([] if self._table is None else [self._table])]

    @property
    def costs(self) -> Costs:
        """Bytes of buffers; see `Costs`."""
        plan, item = self.plan, self.plan.dtype.itemsize
        row = item * (max(self._strides) + numbers_of(self._nets))
        row += sum(stage.row_bytes for stage in self._stages)
        listed = sum(stage.listed_bytes for stage in self._stages)
        if self._table is not None:
            row += self._table.row_bytes
            listed += self._table.listed_bytes
        return Costs(row, listed, 3 * plan.geometry_dtype.itemsize)

    def prepare(
        self, listed: RowList, atomic: bool, pair_gradients: bool = False
    ) -> None:
        """Buffers for a new list; raises an InputError if they do not fit.

        Parameters
        ----------
        pair_gradients : keep them in the order of the caller's list
        """
        device = self._device
        self.release()
        n = listed.starts[-1]
        self._prepare_rows(n, atomic)
        room = 0
        if pair_gradients and isinstance(listed, CallersRows):
            room = 3 * listed.n_given
        self.listed_gradients = device.empty(room, np.float64)
        rows = bounds(listed.starts, LARGEST_BATCH)
        places = np.array(rows, np.int64) * len(self.species)
        firsts = device.pick(listed.hood.first, places)
        free, _ = device.memory()
        self._tiling = tiling(listed.starts, rows, firsts.tolist(), free, self.costs)
        self._reserve()
        self.ready = True

    def release(self) -> None:
        """Give back the memory of all buffers; `prepare` asks for it again."""
        self.ready = False
        self._recording, self._bound, self._runs = None, {}, 0
        nothing = self._device.empty(0, np.float64)
        self._inputs = self._buffers = self._gradients = nothing
        self.listed_gradients = nothing
        for stage in self._parts:
            stage.reserve(0, 0)

    def _prepare_rows(self, n: int, atomic: bool) -> None:
        """Arrays of all rows."""
        device, plan = self._device, self.plan
        self._n, self._atomic = n, atomic
        self.energies = device.empty(n, np.float64)
        self._factors = device.empty(n, np.float64)
        if self._table is not None:
            self._table.prepare(n)
        n_atoms, n_types = n if atomic else 0, len(self.species)
        self._over = device.empty(n, np.int32)
        self._left_out = device.empty(n if plan.unreduced else 0, np.int32)
        self._counts = Counts(device, [s.n_groups for s in self._stages], n_types)
        self.sums.n_non_finite = self._counts.n_non_finite
        self._over_table = device.empty(n_atoms, np.int32)
        if self._table is not None:
            self._table.counters = self._counts.of_table
            self._table.over_table = self._over_table
            self._table.left_out = self._left_out
        self._tallies = []
        for k, stage in enumerate(self._stages):
            seeing = n_atoms if k == plan.widest else 0
            self._tallies.append(
                Tally(
                    counters=self._counts.counters[k],
                    seen=self._counts.seen[k],
                    over=self._over,
                    excess=device.empty((n_atoms, stage.n_groups), np.int32),
                    close=device.empty(n_atoms, np.int32),
                    short=device.empty(n_atoms, np.int32),
                    unseen=device.empty((seeing, n_types), np.int32),
                    left_out=self._left_out,
                )
            )

    def _reserve(self) -> None:
        device, plan, cut = self._device, self.plan, self._tiling
        n = cut.most_rows
        for stage in self._parts:
            stage.reserve(n, cut.most_listed)
        self._inputs = device.empty(n * max(self._strides), plan.dtype)
        self._buffers = device.empty(n * numbers_of(self._nets), plan.dtype)
        room = 3 * cut.most_gradients
        self._gradients = device.empty(room, plan.geometry_dtype)

    def evaluate(self, listed: RowList, truncate: bool, given: RowParameters) -> None:
        """Energies, forces and virial of the rows of a list, kept here."""
        self._runs += 1
        if self._recording is not None:
            self._recording.run()
            return

        def work() -> None:
            self._evaluate(listed, truncate, given)

        if self._runs > 1 and not self._profile:
            # Everything is compiled, and all memory is there. A launch takes us as long
            # as a batch of thousands of rows takes the device.
            self._recording = self._device.record(work)
            self._recording.run()
        else:
            work()

    def _evaluate(self, listed: RowList, truncate: bool, given: RowParameters) -> None:
        self._start(listed.n_places)
        for tile in self._tiling.tiles:
            gradients = PairGradients(self._gradients, tile[0].first)
            self._device.fill(self._gradients, 0)
            for cut in tile:
                self._batch(listed, cut, gradients, truncate, given)
            with self._timed("forces"):
                end = tile[-1].begin + tile[-1].n_rows
                place = Tile(tile[0].begin, end)
                self.sums.add(
                    listed.hood, listed.located, place, gradients, listed.incoming
                )
                if self.listed_gradients.size and isinstance(listed, CallersRows):
                    listed.list_gradients(place, gradients, self.listed_gradients)
        with self._timed("forces"):
            self.sums.total(self.energies)

    def _start(self, n_places: int) -> None:
        """Forget the sums of the last evaluation."""
        self.sums.start(self._n, self._atomic, n_places)
        atoms = [(t.excess, t.close, t.short, t.unseen) for t in self._tallies]
        arrays = (self._counts.whole, self._over, *(a for own in atoms for a in own))
        marks = (self._over_table, self._left_out)
        for array in (*arrays, *marks, self.listed_gradients):
            if array.size:
                self._device.fill(array, 0)

    def _batch(
        self,
        listed: RowList,
        cut: Cut,
        gradients: PairGradients,
        truncate: bool,
        given: RowParameters,
    ) -> None:
        device, model, p = self._device, self.plan.model, cut.species
        c, n, begin = self.species[p], cut.n_rows, cut.begin
        with self._timed("environment"):
            for stage, tally in zip(self._stages, self._tallies, strict=True):
                stage.environment(listed.hood, listed.located, cut, truncate, tally)
            shares = self._no_shares
            if self._table is not None:
                hood, located = listed.hood, listed.located
                self._table.environment(hood, located, cut, truncate, self._over)
                shares = self._table.shares
        with self._timed("moments"):
            for stage in self._stages:
                stage.forward(cut, self._inputs)
        with self._timed("fitting"):
            scale = float(model.scale[c])
            device.launch(set_factors, warps(n), begin, n, scale, shares, self._factors)
            self._finish_inputs(cut, given.values)
            self._bound_net(cut)(self._factors, begin, self.energies)
            constant = self.plan.nets[c].constant
            bias = float(model.bias[c])
            device.launch(
                finish_energies,
                warps(n),
                begin,
                n,
                constant,
                given.vacuum,
                scale,
                bias,
                self.energies,
            )
        with self._timed("gradients"):
            for stage in self._stages:
                stage.backward(cut, self._inputs, gradients)
            if self._table is not None:
                self._table.take_over(cut, self.energies, gradients)

    def _finish_inputs(self, cut: Cut, parameters: Array) -> None:
        """Parameters behind the descriptors, and zeros behind these."""
        model, c = self.plan.model, self.species[cut.species]
        n_parameters = model.n_parameters
        stride, column = self._strides[cut.species], self.plan.n_inputs(c)
        if n_parameters or stride > column:
            self._device.launch(
                finish_inputs,
                warps(cut.n_rows),
                parameters,
                n_parameters,
                cut.begin,
                cut.n_rows,
                self._inputs,
                stride,
                column - n_parameters,
            )

    def _bound_net(self, cut: Cut) -> BoundNet:
        key = (cut.species, cut.n_rows)
        if key not in self._bound:
            net, (_, n) = self._nets[cut.species], key
            self._bound[key] = net.bind(n, self._inputs, self._inputs, self._buffers)
        return self._bound[key]

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        if not self._profile:
            yield
            return
        begin = self._device.mark()
        yield
        self._marks.append((stage, begin, self._device.mark()))

    def outputs(
        self,
        order: Array,
        n_atoms: int,
        real: Array | None = None,
        rows: Array | None = None,
        n_energies: int | None = None,
    ) -> Outputs:
        """Results by the caller's atoms, N of them.

        Parameters
        ----------
        order, real, rows : see `ForceSums.hand_over`
        n_energies : see `ForceSums.outputs`
        """
        all_count = real is None and (rows is None or rows.size == n_energies)
        found = self.sums.outputs(n_atoms, all_count, n_energies)
        self.sums.hand_over(order, self.energies, found, real, rows)
        return found

    def totals(self) -> tuple[float, Doubles]:
        """Energy (eV) and virial (3, 3) (eV)."""
        totals = self._device.download(self.sums.totals)
        return float(totals[0]), totals[1:].reshape(3, 3)

    def left_out(self) -> Int64s:
        """(m,) rows with a neighbour closer than the plan is certified for."""
        found: Int64s = np.flatnonzero(self._device.download(self._left_out))
        return found

    def sum_again(self) -> None:
        """Sum up energies that have changed; `outputs` counts anew."""
        self.sums.total(self.energies)
        self._device.fill(self.sums.n_non_finite, 0)

    def n_non_finite(self) -> int:
        """See `DeviceTallies`."""
        return int(self._device.download(self.sums.n_non_finite)[0])

    def tallies(self) -> DeviceTallies:
        """What was counted."""
        download, parts = self._device.download, self._tallies
        widest = self.plan.widest
        counts = self._counts.read()
        overflow = counts.n_over_table + sum(
            int(c[N_COUNTERS:].sum()) for c in counts.counters
        )
        n_over = int(self._device.count_each(self._over, 2)[1]) if overflow else 0
        atoms = AtomCounts(
            excess=[download(part.excess) for part in parts],
            close=[download(part.close) for part in parts],
            short=[download(part.short) for part in parts],
            unseen=download(parts[widest].unseen),
            over_table=download(self._over_table),
            unreduced=np.zeros(self._over_table.size, np.int32),
        )
        domain = counts.domain(self.plan, n_over, atoms)
        n_left_out = int(counts.counters[widest][LEFT_OUT])
        return DeviceTallies(domain, counts.n_non_finite, n_left_out)
