"""What evaluations on a GPU keep, whoever keeps the neighbour list."""

from __future__ import annotations

from typing import Any

from ..evaluation.base_session import Kept
from ..evaluation.domain_warnings import Inform
from ..plan import Plan
from ..planning import Planner
from .device import Device
from .parameters import ParametersOfRows
from .pipeline import Pipeline


class KeptOnDevice(Kept):
    """Base of `CudaSession` and `CudaListed`.

    Parameters
    ----------
    gemm, deterministic : see `dpse_fast.load`
    """

    def __init__(
        self,
        planner: Planner,
        inform: Inform,
        *,
        device: Device,
        gemm: str | None,
        deterministic: bool,
        **options: Any,
    ) -> None:
        super().__init__(planner, inform, **options)
        self._device = device
        self._gemm, self._deterministic = gemm or "float32", deterministic
        self._pipeline: Pipeline | None = None
        self._parameters_of_rows = ParametersOfRows(device, planner.model)
        self._list_seconds = 0.0

    @property
    def stage_seconds(self) -> dict[str, float]:
        found = {"neighbours": self._list_seconds}
        return found | (self._pipeline.stage_seconds if self._pipeline else {})

    def _pipeline_for(self, plan: Plan) -> Pipeline:
        """The one that evaluates this plan."""
        if self._pipeline is None or self._pipeline.plan is not plan:
            self._pipeline = Pipeline(
                self._device, plan, self._gemm, self._deterministic, self._profile
            )
        return self._pipeline
