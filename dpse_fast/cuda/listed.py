"""The second door on a GPU."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..boundary import (
    FARTHEST,
    VIRTUAL,
    check_form_of_positions,
    check_parameters,
    far_positions,
)
from ..caller_list import check_all_positions, check_caller_types, check_sums
from ..cpu_listed import NO_LIST
from ..domain_report import check_distances, not_finite
from ..errors import InputError
from ..informing import Inform
from ..kernels.cuda.boundary import FIRST_FAR, N_COUNTED, N_FAR, check_atoms
from ..listed import ListedResult, ListedSession
from ..plan import Plan
from ..planning import Planner
from ..results import Report
from .arrays import Give, adopt, giver, kind_of, on_host
from .caller_list import CheckedList, check_device_list
from .device import Array, Device
from .forces import Outputs
from .listed_rows import ListedRows
from .parameters import ParametersOfRows
from .pipeline import DeviceTallies, Pipeline, RowParameters
from .report import report_of_rows
from .spatial_order import warps

Floats = NDArray[np.float64]


class _Wanted(NamedTuple):
    """What a call asks for, and where it goes."""

    give: Give
    sums: Any  # the caller's forces, of the host or the device's own library, or None
    forces: Any  # the same as the caller gave it
    atomic: bool
    pair_gradients: bool


class CudaListed(ListedSession):
    """See `ListedSession`. Lists may be arrays of the device too.

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
        self._given: CheckedList | None = None
        self._rows: ListedRows | None = None  # of those that count, if any do
        self._prepared_for: tuple[bool, bool] | None = None
        self._parameters_of_rows = ParametersOfRows(device, planner.model)
        self._list_seconds = 0.0

    @property
    def stage_seconds(self) -> dict[str, float]:
        found = {"neighbours": self._list_seconds}
        return found | (self._pipeline.stage_seconds if self._pipeline else {})

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
                giver(device, positions),
                self._sums(forces, n_all),
                *(forces, atomic, pair_gradients),
            )
            try:
                if not same_list:
                    numbers = on_host(device, type_map, "type_map")
                    of_caller = check_caller_types(numbers, model.type_map)
                    self._use(at, (types, first, neighbours, centres), of_caller)
                given = self._given
                if given is None:
                    raise InputError(NO_LIST)
                if given.types.size != n_all:
                    raise InputError(
                        f"positions: expected the {given.types.size} atoms of the "
                        f"last list, got {n_all}"
                    )
                frame = on_host(device, fparam, "fparam")
                frame = check_parameters(frame, model.fparam, "fparam")
                own = on_host(device, aparam, "aparam")
                own = check_parameters(own, model.aparam, "aparam", given.n_rows)
                found = self._check_far(at)
                if self._rows is None:
                    self._refuse_far(at, found)
                    return self._nothing(given, wanted)
                if same_list:
                    self._rows.follow(at)
                return self._evaluate(given, self._rows, at, found, frame, own, wanted)
            except device.out_of_memory as error:
                raise self._too_large(n_all) from error
