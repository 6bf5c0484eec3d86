"""The matrix between the moments of all neighbour types and the mixed channels."""

from __future__ import annotations

from ..array_types import Floats
from ..kernels._simd import lanes
from ..kernels.cpu.mixture import mix_rows
from .aligned import aligned_zeros
from .packed_net import panels


class Mixture:
    """z = mixᵀ · T̂ of rows of whole registers, there and back.

    Parameters
    ----------
    mix : (C, K), both whole registers
    """

    def __init__(self, mix: Floats) -> None:
        self._shape = mix.shape
        self._forward, self._backward = _packed(mix), _packed(mix.T)

    def forward(self, n_rows: int, pure: Floats, mixed: Floats) -> None:
        """Moments to mixed moments, rows of whole registers."""
        depth, width = self._shape
        registers = width // lanes(pure.dtype)
        mix_rows(pure, n_rows, depth, self._forward, registers, mixed)

    def backward(self, n_rows: int, mixed: Floats, pure: Floats) -> None:
        """Slopes by the mixed moments to slopes by the moments."""
        width, depth = self._shape
        registers = width // lanes(pure.dtype)
        mix_rows(mixed, n_rows, depth, self._backward, registers, pure)


def _packed(matrix: Floats) -> Floats:
    found: Floats = aligned_zeros(matrix.size, matrix.dtype)
    found[:] = panels(matrix, matrix.dtype)
    return found
