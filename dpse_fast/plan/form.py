"""Which numbers of a descriptor a centre's fitting net takes, and its first layer.

The moments T (M, 4) of a centre are basis · z with K ≤ M mixed channels z; the net's
first layer is linear in D[m, a] = T_m · T_a, hence in the products S[a, k] = z_a · z_k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..array_types import Floats, Int64s
from ..model import Descriptor


@dataclass(frozen=True, eq=False)
class Form:
    """How the descriptor of one centre type enters its fitting net.

    Parameters
    ----------
    basis : (M, K) T = basis · z
    starts, ends : (n_rows,)
        S[a, k] enters for k from starts[a] to ends[a] − 1. Without rows z[0] itself
        enters, where the descriptor is made of sums.
    empty : (G, K) what one empty slot of each group adds to Σ_j z, component 0
    mix : (C, K) or None
        z = mixᵀ · (the moments of all neighbour types, one after another); None where
        the tables of all neighbour types give z.
    """

    basis: Floats
    starts: Int64s
    ends: Int64s
    empty: Floats
    mix: Floats | None = None

    @property
    def n_channels(self) -> int:
        """K."""
        return int(self.basis.shape[1])

    @property
    def n_inputs(self) -> int:
        """Inputs of the fitting net."""
        if not self.starts.size:
            return self.n_channels
        return int((self.ends - self.starts).sum())

    def columns(self, axis: int) -> Int64s:
        """The input that each number of D is, (n_out,), where none is rotated.

        Parameters
        ----------
        axis : channels that D's second index runs over
        """
        if not self.starts.size:
            return np.arange(self.n_channels)
        m, a = np.divmod(np.arange(self.n_channels * axis), axis)
        # D[m, a] = S[a, m]; S[m, a] where row a begins behind m.
        turned = m < self.starts[a]
        row, column = np.where(turned, m, a), np.where(turned, a, m)
        first = np.cumsum(self.ends - self.starts) - self.ends
        return np.asarray(first[row] + column)

    def key(self) -> bytes:
        """Equal for equal basis and rows."""
        return b"".join(a.tobytes() for a in (self.basis, self.starts, self.ends))

    def first_layer(self, weight: Floats, axis: int) -> Floats:
        """The first layer for these inputs, (n_inputs, n_out).

        Parameters
        ----------
        weight : (M · axis, n_out) for D[m, a], or (M, n_out) without rows
        axis : channels that D's second index runs over
        """
        if not self.starts.size:
            return np.asarray(self.basis.T @ weight.astype(np.float64))
        n_rows, n_out = self.starts.size, weight.shape[1]
        cube = weight.astype(np.float64).reshape(-1, axis, n_out)
        width, channels = self.basis.shape
        left = (self.basis.T @ cube.reshape(width, -1)).reshape(channels, axis, n_out)
        rows = self.basis[:axis]
        # D[m, a] = Σ basis[m, k] basis[a, l] S[k, l]
        flat = left.transpose(1, 0, 2).reshape(axis, -1)
        straight = (rows[:, :n_rows].T @ flat).reshape(n_rows, channels, n_out)
        turned = rows.T @ left[:n_rows]
        folded = straight + turned
        diagonal = np.arange(n_rows)
        folded[diagonal, diagonal] *= 0.5
        parts = []
        for a, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            parts.append(folded[a, start:end])
        return np.concatenate(parts)


Forms = tuple[Mapping[int, Form], ...]  # by descriptor, by centre type


def full_form(descriptor: Descriptor, foldable: bool, empty: Floats) -> Form:
    """The descriptor as it is: D[m, a] = D[a, m] once, where the net allows it.

    Parameters
    ----------
    foldable : the net's first layer takes its inputs in any combination
    empty : (G, M) what an empty slot of each group adds
    """
    width = descriptor.width
    axis = descriptor.n_axis
    starts = np.arange(axis) if foldable else np.zeros(axis, np.int64)
    return Form(np.eye(width), starts, np.full(axis, width), empty)


def input_order(descriptors: Sequence[Descriptor], n_parameters: int) -> Int64s:
    """The inputs of the model's net in the kernels' order, nothing folded.

    The kernels form S[a, m] row by row; the model's nets take D[m, a].
    """
    parts: list[Int64s] = []
    start = 0
    for descriptor in descriptors:
        part = np.arange(start, start + descriptor.n_out)
        parts.append(part.reshape(descriptor.width, -1).T.ravel())
        start += descriptor.n_out
    return np.concatenate([*parts, np.arange(start, start + n_parameters)])
