"""What the fitting nets take besides descriptors, in the order of rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..array_types import Doubles, Int32s
from ..kernels.cuda.rows import gather_rows
from ..model import Model
from .device import Array, Device
from .pipeline import Pipeline, RowParameters
from .warps import warps


class GivenParameters(NamedTuple):
    """What a caller gave, and what of it belongs to each row."""

    values: Doubles  # (N, k) of frame and atoms, normalised
    types: Int32s  # (N,) of the model
    order: Array  # (n,) int32 of the device, which of the N each row is


class ParametersOfRows:
    """Keeps its arrays, which recorded launches read, while their sizes stay."""

    def __init__(self, device: Device, model: Model) -> None:
        self._device, self._model = device, model
        self._rooms: dict[str, Array] = {}

    def __call__(
        self, given: GivenParameters | None, pipeline: Pipeline
    ) -> RowParameters:
        """Bring parameters to the device; None: the model takes none.

        Parameters
        ----------
        pipeline : that has been prepared
        """
        if given is None:
            nothing = pipeline.energies
            return RowParameters(nothing, self._device.part(nothing, 0, 0))
        values, types, order = given
        vacuum = self._vacuum(values, types)[:, None]
        return RowParameters(
            self._of_rows("values", np.ascontiguousarray(values), order),
            self._of_rows("vacuum", vacuum, order),
        )

    def _of_rows(self, name: str, values: Doubles, order: Array) -> Array:
        """Numbers (N, k) in the order of rows, flat, where the last were."""
        device, n, width = self._device, order.size, values.shape[1]
        size = n * width if values.size else 0
        if name not in self._rooms or self._rooms[name].size != size:
            self._rooms[name] = device.empty(size, np.float64)
        if size:
            given = device.upload(values.reshape(-1))
            device.launch(gather_rows, warps(n), given, width, order, self._rooms[name])
        return self._rooms[name]

    def _vacuum(self, values: Doubles, types: Int32s) -> Doubles:
        """(N,) what the nets give without neighbours, or (0,)."""
        nets = self._model.vacuum
        if not any(net is not None for net in nets):
            return np.empty(0)
        found = np.zeros(len(values))
        for c, net in enumerate(nets):
            if net is not None and (types == c).any():
                found[types == c] = net(values[types == c])[:, 0]
        return found
