"""The second door on a GPU."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..evaluation.domain_report import check_distances, not_finite
from ..evaluation.domain_warnings import Inform
from ..evaluation.listed_session import NO_LIST, ListedResult, ListedSession
from ..inputs.arrays import Give, adopt, giver, kind_of, on_host
from ..inputs.neighbour_list import (
    check_all_positions,
    check_caller_types,
    check_same_atoms,
    check_sums,
)
from ..inputs.structure import (
    FARTHEST,
    VIRTUAL,
    check_form_of_positions,
    check_parameters,
)
from ..kernels.cuda.boundary import N_COUNTED, check_atoms
from ..planning import Planner
from ..results import Report
from .base_session import KeptOnDevice
from .boundary import refuse_far
from .caller_list import CheckedList, check_device_list
from .device import Array
from .force_sums import Outputs
from .listed_rows import ListedRows
from .memory import no_memory
from .pipeline import DeviceTallies
from .report import report_of_rows
from .warps import warps

Floats = NDArray[np.float64]


class _Wanted(NamedTuple):
    """What a call asks for, and where it goes."""

    from_device: bool  # positions are, and so are results
    give: Give
    sums: Any  # the caller's forces, of NumPy or the device's own library, or None
    forces: Any  # the same as the caller gave them
    atomic: bool
    pair_gradients: bool


class CudaListed(ListedSession, KeptOnDevice):
    """See `ListedSession`. Lists may be arrays of the device too."""

    def __init__(self, planner: Planner, inform: Inform, **options: Any) -> None:
        super().__init__(planner, inform, **options)
        self._given: CheckedList | None = None
        self._rows: ListedRows | None = None  # of those that count, if any do
        self._prepared_for: tuple[bool, bool] | None = None

    def compute(
        self,
        positions: Any,
        types: Any,
        first: Any,
        neighbours: Any,
        centres: Any = None,
        *,
        type_map: Any = None,
        same_list: bool = False,
        forces: Any = None,
        atomic: bool = False,
        pair_gradients: bool = False,
        fparam: Any = None,
        aparam: Any = None,
    ) -> ListedResult:
        """As `ListedSession.compute`."""
        device, model = self._device, self._model
        with device.active(), self._lock:
            at = self._positions(positions)
            n_all = int(at.shape[0])
            wanted = _Wanted(
                *(kind_of(positions, "positions").on_device, giver(device, positions)),
                *(self._sums(forces, n_all), forces, atomic, pair_gradients),
            )
            try:
                if not same_list:
                    mapped = on_host(device, type_map, "type_map")
                    of_caller = check_caller_types(mapped, model.type_map)
                    self._use(at, (types, first, neighbours, centres), of_caller)
                given = self._given
                if given is None:
                    raise InputError(NO_LIST)
                check_same_atoms(given.types.size, n_all)
                frame = on_host(device, fparam, "fparam")
                frame = check_parameters(frame, model.fparam, "fparam", given.n_rows)
                own = on_host(device, aparam, "aparam")
                own = check_parameters(own, model.aparam, "aparam", given.n_rows)
                found = self._look_for_far(given, at) if wanted.from_device else None
                if self._rows is None:
                    self._refuse_far(at, found)
                    return self._nothing(given, wanted)
                self._rows.follow(at)
                outputs, tallies = self._run(given, self._rows, frame, own, wanted)
                self._refuse_far(at, found)
                return self._result(given, self._rows, outputs, tallies, wanted)
            except device.out_of_memory as error:
                raise self._too_large(n_all) from error

    def _too_large(self, n_all: int) -> InputError:
        self._pipeline = self._given = self._rows = None  # with their memory
        return no_memory(self._device, n_all)

    def _positions(self, value: Any) -> Array:
        """(n_all, 3) float64 of the device; finite if they came from the host."""
        device = self._device
        if not kind_of(value, "positions").on_device:
            return device.upload(check_all_positions(value))
        array = adopt(device, value, "positions")
        if array.shape != (0, 3):
            check_form_of_positions(array.dtype, array.shape)
        return device.cast(array, np.float64)

    def _sums(self, forces: Any, n_all: int) -> Any:
        """See `_Wanted`."""
        kind = kind_of(forces, "forces")
        if forces is None or not kind.on_device:
            return check_sums(forces, n_all)
        sums = adopt(self._device, forces, "forces")
        good = sums.dtype == np.float64 and sums.shape == (n_all, 3)
        if not good or kind.library == "jax":
            raise InputError(
                f"forces: expected a writeable ({n_all}, 3) array of float64, got "
                f"{kind}, dtype {sums.dtype}, shape {sums.shape}"
            )
        return sums

    def _use(
        self,
        at: Array,
        arrays: tuple[Any, Any, Any, Any],
        of_caller: NDArray[np.int32] | None,
    ) -> None:
        """Evaluate with this list from now on."""
        device, model = self._device, self._model
        self._given = self._rows = self._prepared_for = None
        if self._pipeline is not None:
            self._pipeline.release()
        begin = device.mark()
        n_all = int(at.shape[0])
        given = check_device_list(device, *arrays, of_caller, n_all, model.type_map)
        if given.n:
            plan = self._planner.plan_for(self._present(given, of_caller))
            species = self._pipeline_for(plan).species
            numbers = np.full(model.n_types, VIRTUAL, np.int32)
            numbers[list(species)] = np.arange(len(species))
            self._rows = ListedRows(
                *(device, given, at, device.upload(numbers)),
                *(len(species), self._deterministic),
            )
        # Neighbours are in the rows' list now.
        self._given = given._replace(neighbours=device.empty(0, np.int32))
        if self._profile:
            self._list_seconds += device.seconds_between(begin, device.mark())

    def _present(
        self, given: CheckedList, of_caller: NDArray[np.int32] | None
    ) -> NDArray[np.integer]:
        """The types that a plan must serve; of a few types it serves all.

        The same for all parts of a system that come with the same type_map.
        """
        plan, n = self._planner.plan, self._model.n_types
        if plan is not None and len(plan.fitting) == n:
            return np.arange(n)
        types: NDArray[np.integer] = (
            np.unique(self._device.download(given.types))
            if of_caller is None
            else of_caller
        )
        return np.asarray(types[types != VIRTUAL])

    def _look_for_far(self, given: CheckedList, at: Array) -> Array:
        """Counts of positions that are not finite, to be read after the evaluation."""
        found = self._device.zeros(N_COUNTED, np.int64)
        self._device.launch(
            check_atoms,
            warps(given.types.size),
            *(at, FARTHEST, given.types, VIRTUAL, self._model.n_types - 1, found),
        )
        return found

    def _refuse_far(self, at: Array, found: Array | None) -> None:
        if found is not None:
            refuse_far(self._device, at, self._device.download(found))

    def _run(
        self,
        given: CheckedList,
        rows: ListedRows,
        frame: Floats,
        own: Floats,
        wanted: _Wanted,
    ) -> tuple[Outputs, DeviceTallies]:
        """Evaluate; results stay with the pipeline until they are known to be good."""
        device, pipeline = self._device, self._pipeline
        assert pipeline is not None
        asked = wanted.atomic, wanted.pair_gradients
        if asked != self._prepared_for or not pipeline.ready:
            pipeline.prepare(rows, *asked)
            self._prepared_for = asked
        if self._model.n_parameters:
            types = device.download(given.types)[device.download(given.centres)]
            parameters = self._parameters_of_rows(frame, own, types, rows.rows)
        else:
            parameters = self._parameters_of_rows.none(pipeline)
        pipeline.evaluate(rows, self._truncate, parameters)
        n_all, n_rows = rows.n_places, given.n_rows
        outputs = pipeline.outputs(rows.order, n_all, None, rows.rows, n_rows)
        return outputs, pipeline.tallies()

    def _result(
        self,
        given: CheckedList,
        rows: ListedRows,
        outputs: Outputs,
        tallies: DeviceTallies,
        wanted: _Wanted,
    ) -> ListedResult:
        device, pipeline, counts = self._device, self._pipeline, tallies.counts
        assert pipeline is not None

        def atom_of(row: int) -> int:
            return int(device.pick(rows.order, np.array([row]))[0])

        check_distances(counts.counters, counts.below_table, atom_of)
        n_rows = given.n_rows
        own_rows: NDArray[np.integer] = np.empty(
            rows.n, np.int64
        )  # their number counts
        bad: NDArray[np.bool_] | int = counts.n_non_finite
        if wanted.atomic:
            own_rows, bad = device.download(rows.rows), np.zeros(n_rows, bool)
            if counts.n_non_finite:
                energies = device.download(outputs.energies)[own_rows]
                forces = device.download(outputs.forces).reshape(-1, 3)
                order = device.download(rows.order)[: rows.n]
                bad[own_rows] = not_finite(energies, forces[order])
        report = report_of_rows(pipeline.plan, tallies, own_rows, n_rows, bad)
        self._tell(report)
        energy, virial = pipeline.totals()
        listed = None
        if wanted.pair_gradients:
            listed = pipeline.listed_gradients
            # The next step writes there again.
            listed = device.copy(listed) if wanted.from_device else listed
        return self._given_out(
            *(wanted, given, energy, virial, outputs), listed, report
        )

    def _nothing(self, given: CheckedList, wanted: _Wanted) -> ListedResult:
        """Of rows none of whose centres counts."""
        zeros, n_all = self._device.zeros, given.types.size
        outputs = Outputs(
            forces=zeros(3 * n_all, np.float64),
            energies=zeros(given.n_rows if wanted.atomic else 0, np.float64),
            virials=zeros(9 * n_all if wanted.atomic else 0, np.float64),
        )
        n_numbers = 3 * given.n_list if wanted.pair_gradients else 0
        report = Report(virtual_atoms=given.n_rows)
        return self._given_out(
            *(wanted, given, 0.0, np.zeros((3, 3)), outputs),
            *(zeros(n_numbers, np.float64), report),
        )

    def _given_out(
        self,
        wanted: _Wanted,
        given: CheckedList,
        energy: float,
        virial: Floats,
        outputs: Outputs,
        listed_gradients: Array,
        report: Report,
    ) -> ListedResult:
        """In the caller's kind of arrays."""
        give, n_all = wanted.give, int(given.types.size)
        return ListedResult(
            energy=energy,
            forces=self._added(wanted, outputs.forces, (n_all, 3)),
            virial=virial,
            atomic_energies=give(outputs.energies, (given.n_rows,))
            if wanted.atomic
            else None,
            atomic_virials=give(outputs.virials, (n_all, 3, 3))
            if wanted.atomic
            else None,
            pair_gradients=give(listed_gradients, (given.n_list, 3))
            if wanted.pair_gradients
            else None,
            report=report,
        )

    def _added(self, wanted: _Wanted, forces: Array, shape: tuple[int, int]) -> Any:
        device = self._device
        if wanted.sums is None:
            return wanted.give(forces, shape)
        if isinstance(wanted.forces, np.ndarray):
            wanted.sums[...] += device.download(forces).reshape(shape)
            return wanted.forces
        wanted.sums[...] += device.native(forces, shape)
        # Its own library may go on, on any stream.
        device.synchronise()
        return wanted.forces
