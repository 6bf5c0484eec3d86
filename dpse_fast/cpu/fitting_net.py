"""A fitting net on a block of atoms: outputs and their gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..array_types import Floats
from ..plan.nets import NetDefinition
from .layered_net import LayeredBuffers, LayeredNet
from .packed_net import PackedBuffers, PackedNet, serves
from .scratch import Scratch
from .shared_weights import Packed

FittingBuffers = PackedBuffers | LayeredBuffers


class Weights(NamedTuple):
    """A part of a net in memory."""

    weight: Floats


class FittingNet:
    """A fitting net in one precision.

    A net of tanh layers runs in one kernel (`packed_net`), any other one layer by
    layer (`layered_net`).

    Parameters
    ----------
    definition : what it computes
    dtype : float32 or float64
    packed : weights that were packed before, for nets of one order; modified

    Attributes
    ----------
    definition : NetDefinition
    layers : what the net keeps in memory, shared by nets that show the same weights
    """

    def __init__(
        self, definition: NetDefinition, dtype: Any, packed: Packed | None = None
    ) -> None:
        packed = {} if packed is None else packed
        self.definition, self.dtype = definition, np.dtype(dtype)
        kind = PackedNet if serves(definition.layers) else LayeredNet
        self._net: Any = kind(
            definition.layers, dtype, definition.order, definition.constant, packed
        )
        self.layers = tuple(Weights(weight) for weight in self._net.weights)

    def buffers(self, size: int, scratch: Scratch | None = None) -> FittingBuffers:
        """Buffers for blocks of at most ``size`` atoms.

        Parameters
        ----------
        scratch : of the worker, for nets that run one after another; None: their own
        """
        buffers: FittingBuffers = self._net.buffers(size, scratch or Scratch())
        return buffers

    def __call__(
        self,
        x: Floats,
        buffers: FittingBuffers,
        gradient: Floats,
        factor: float | Floats = 1.0,
    ) -> Floats:
        """The net's outputs, and their gradients times ``factor``.

        An atom's numbers do not depend on the others of its block if the net is
        packed.

        Parameters
        ----------
        x : (B, n_in) of the net's dtype, its rows may be apart
        buffers : of `buffers`, for at least B atoms
        gradient : (B, n_in) written; may be x itself
        factor : a number, or one for each atom (B,)

        Returns
        -------
        (B,) float64
        """
        energies: Floats = self._net(x, buffers, gradient, factor)
        return energies
