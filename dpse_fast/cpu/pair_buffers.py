"""The pairs of a block and their gradients, in memory that grows on demand."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..array_types import Floats, Int64s
from ..kernels._simd import lanes
from ..kernels.layout import Neighbourhood, Pairs


class PairGradients(NamedTuple):
    """Pairs of a block and their part of the forces."""

    pairs: Pairs
    gradients: Floats  # as ``pairs.differences``, dE_i/dd, eV/Å


class PairBuffers:
    """The pairs of a block and their gradients: grown on demand.

    Parameters
    ----------
    size : centres of the largest block
    n_types : types that the pairs are sorted by
    dtype, geometry_dtype : of tables, and of differences and gradients

    Attributes
    ----------
    capacity : pairs that there is room for
    gradients : as ``Pairs.differences``, dE_i/dd
    """

    def __init__(
        self, size: int, n_types: int, n_groups: int, dtype: Any, geometry_dtype: Any
    ) -> None:
        self._n_types = n_types
        self._dtype, self._geometry_dtype = dtype, geometry_dtype
        self._first = np.zeros(size * n_types + 1, np.int64)
        self._counts = np.zeros((size, n_groups), np.int32)
        self._resize(0)

    def _resize(self, n_pairs: int) -> None:
        # Kernels write whole registers.
        room = n_pairs + 2 * lanes(np.float32)
        self._neighbours = np.empty(room, np.int32)
        self._coefficients = np.empty(room, np.int32)
        self._offsets = np.zeros(room, self._dtype)
        self._differences = np.zeros(3 * room, self._geometry_dtype)
        self.gradients = np.zeros(3 * room, self._geometry_dtype)
        self.capacity = n_pairs

    def start(self, hood: Neighbourhood, rows: Int64s) -> Pairs:
        """Room for a block of these rows of a list; kept as `pairs`."""
        n_listed = int((hood.first[rows + 1] - hood.first[rows]).sum())
        if n_listed > self.capacity:
            self._resize(n_listed + n_listed // 4)
        n = len(rows)
        self.pairs = Pairs(
            first=self._first[: n * self._n_types + 1],
            neighbours=self._neighbours,
            coefficients=self._coefficients,
            offsets=self._offsets,
            differences=self._differences,
            counts=self._counts[:n],
        )
        return self.pairs

    @property
    def found(self) -> PairGradients:
        """Of the last block."""
        return PairGradients(self.pairs, self.gradients)


class TablePlaces:
    """Where the distances of shared pairs lie in the tables of a further model.

    Parameters
    ----------
    dtype : of its tables
    """

    def __init__(self, dtype: Any) -> None:
        self._coefficients = np.empty(0, np.int32)
        self._offsets = np.empty(0, dtype)

    def of(self, pairs: Pairs) -> Pairs:
        """The same pairs with room of our own for rows of tables and offsets."""
        room = pairs.offsets.size
        if self._offsets.size != room:
            self._coefficients = np.empty(room, np.int32)
            self._offsets = np.zeros(room, self._offsets.dtype)
        return pairs._replace(coefficients=self._coefficients, offsets=self._offsets)
