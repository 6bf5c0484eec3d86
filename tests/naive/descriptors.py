"""The descriptors of all atoms, and what their derivatives pull on each pair."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dpse_fast.model import Descriptor, SeE2A

from .geometry import (
    Array,
    Indices,
    Pairs,
    cubic_switch,
    environment,
    environment_gradient,
    of_kinds,
    switch,
)
from .networks import EmbeddedPairs, embed, width
from .slots import Overflow, fill_slots


@dataclass(frozen=True)
class Block:
    """The pairs of one centre type and one neighbour type that are summed.

    ``rows`` (P, n_components) are normalised; ``deviation`` is what they were
    divided by.
    """

    pairs: Pairs
    rows: Array
    deviation: Array
    embedded: EmbeddedPairs


class Description:
    """One descriptor of N atoms: ``features`` (N, n_out) and its derivatives."""

    def __init__(
        self,
        d: Descriptor,
        pairs: Pairs,
        t: Indices,
        overflow: Overflow,
        emptied: frozenset[tuple[int, int]],
    ) -> None:
        self._d = d
        self._n = len(t)
        inside = pairs[pairs.distance <= d.rcut]
        gone = of_kinds(inside, t, emptied)
        kept, empty = fill_slots(d, inside, t, overflow, gone)
        self._blocks = list(_blocks(d, inside[kept], t))
        # Row 0 is the sum of G itself, which se_e2_r needs.
        moments = np.zeros((self._n, width(d), 5))
        for b in self._blocks:
            rows = np.column_stack([np.ones(len(b.rows)), b.rows])
            for i, mine in _by_atom(b.pairs.centre):
                moments[i, :, : rows.shape[1]] += (
                    b.embedded.channels[mine].T @ rows[mine]
                )
        _add_constant_slots(d, inside[kept], t, empty, moments)
        moments /= d.normalisation
        self._moments = moments[:, :, 1:]
        if isinstance(d, SeE2A):
            axis = self._moments[:, : d.axis_neuron]
            features = np.einsum("nmk,nak->nma", self._moments, axis)
            self.features = features.reshape(self._n, width(d) * d.axis_neuron)
        else:
            self.features = moments[:, :, 0]

    def pulls(self, gradient: Array) -> Iterator[tuple[Pairs, Array]]:
        """∂E/∂d (P, 3) of each block's pairs from ∂E/∂features (N, n_out)."""
        d = self._d
        sum_slope = np.zeros((self._n, width(d)))
        slope = np.zeros_like(self._moments)
        if isinstance(d, SeE2A):
            g = gradient.reshape(self._n, width(d), d.axis_neuron)
            axis = self._moments[:, : d.axis_neuron]
            slope = np.einsum("nma,nak->nmk", g, axis)
            slope[:, : d.axis_neuron] += np.einsum("nma,nmk->nak", g, self._moments)
        else:
            sum_slope = gradient
        slope, sum_slope = slope / d.normalisation, sum_slope / d.normalisation
        for b in self._blocks:
            row_slope = np.zeros_like(b.rows)
            channel_slope = np.empty_like(b.embedded.channels)
            for i, mine in _by_atom(b.pairs.centre):
                moment = slope[i, :, : d.n_components]
                row_slope[mine] = b.embedded.channels[mine] @ moment
                channel_slope[mine] = b.rows[mine] @ moment.T + sum_slope[i]
            row_slope[:, 0] += np.sum(channel_slope * b.embedded.slopes, axis=1)
            radial = np.sum(channel_slope * b.embedded.radial_slopes, axis=1)
            row_slope /= b.deviation
            yield b.pairs, environment_gradient(d, b.pairs, row_slope, radial)


def _blocks(d: Descriptor, pairs: Pairs, t: Indices) -> Iterator[Block]:
    for c, k in itertools.product(range(len(d.embedding)), repeat=2):
        net = d.embedding[c][k]
        if net is None or (c, k) in d.excluded:
            continue
        mine = pairs[of_kinds(pairs, t, [(c, k)])]
        deviation = d.dstd[c, k].astype(np.float64)
        raw = environment(d, mine)
        rows = (raw - d.davg[c, k]) / deviation
        cubic, by_s = cubic_switch(d, raw[:, 0])
        fades = switch(d, mine.distance), (cubic, by_s * deviation[0])
        yield Block(mine, rows, deviation, embed(net, rows[:, 0], *fades))


def _add_constant_slots(
    d: Descriptor, kept: Pairs, t: Indices, empty: Indices, moments: Array
) -> None:
    """Empty slots, and in se_e2_r the slots of excluded pairs, whose row is 0."""
    types = range(len(d.embedding))
    if d.keeps_all:
        return
    for c in types:
        atoms = t == c
        # With shared slots every neighbour type has the same statistics.
        for k in types[:1] if d.mixed else types:
            net = d.padding[c] if d.padding else d.embedding[c][k]
            if d.embedding[c][k] is None and not d.mixed:
                continue
            row = -float(d.davg[c, k, 0]) / float(d.dstd[c, k, 0])
            if d.mixed and not d.padding:
                assert isinstance(d, SeE2A), "padding is undefined"
                assert row == 0, "padding is undefined"
                continue
            assert net is not None
            once = _constant(net, row)
            moments[atoms] += empty[atoms, k, None, None] * once
    if isinstance(d, SeE2A):
        return
    for c, k in d.excluded:
        net = d.embedding[c][k]
        if net is not None:
            masked = kept[of_kinds(kept, t, [(c, k)])]
            count = np.bincount(masked.centre, minlength=len(t))
            moments += count[:, None, None] * _constant(net, 0.0)


def _constant(net: object, row: float) -> Array:
    """What a slot without a pair adds to the moments: (M, 5)."""
    gone = np.zeros(1), np.zeros(1)
    channels = embed(net, np.array([row]), gone, gone).channels[0]
    return np.outer(channels, [1.0, row, 0.0, 0.0, 0.0])


def _by_atom(centre: NDArray[np.int64]) -> Iterator[tuple[int, slice]]:
    starts = np.flatnonzero(np.diff(centre, prepend=-1))
    for start, stop in itertools.pairwise([*starts, len(centre)]):
        yield int(centre[start]), slice(start, stop)
