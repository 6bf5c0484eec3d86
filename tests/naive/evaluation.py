"""Energies, forces and virials of a model on one structure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dpse_fast.model import Model, SeE2A

from .geometry import Pairs, environment, neighbour_pairs, pair_gradient
from .networks import embedding, fitting, width

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Overflow = Literal["truncate", "all"]


@dataclass(frozen=True)
class Evaluation:
    """Energy (eV), forces (N, 3) (eV/Å), virial (3, 3) (eV) and their shares.

    ``virial`` is -Σ ∂E/∂d ⊗ d over all pair vectors d. Each term belongs to the
    neighbour: ``atomic_virials`` (N, 3, 3). ``atomic_energies`` is (N,).
    """

    energy: float
    forces: Array
    virial: Array
    atomic_energies: Array
    atomic_virials: Array


@dataclass(frozen=True)
class Block:
    """The pairs of one centre type and one neighbour type, with their padding.

    ``rows`` (P, 4) are normalised, ``channels`` and ``slopes`` are (P, M),
    ``padding`` (N,) counts the empty slots of each atom.
    """

    pair: Indices
    rows: Array
    channels: Array
    slopes: Array
    padding: Array
    padding_row: float
    padding_channels: Array


def evaluate(
    model: Model,
    positions: ArrayLike,
    types: ArrayLike,
    cell: ArrayLike | None = None,
    pbc: Sequence[bool] = (True, True, True),
    sel_overflow: Overflow = "truncate",
) -> Evaluation:
    """Evaluate the model on N atoms at ``positions`` (N, 3), Å.

    ``cell`` holds the lattice vectors as rows; ``None`` means open boundaries.
    With more neighbours of a type than ``sel``, "truncate" keeps the nearest and
    "all" keeps every one, the padding count then being negative.
    """
    d = model.descriptor
    x = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    t = np.asarray(types, dtype=np.int64)
    pairs = neighbour_pairs(x, cell, pbc, d.rcut)
    n, m = len(x), width(d)

    moments = np.zeros((n, m, 4))
    blocks = list(_blocks(d, pairs, t, sel_overflow))
    for b in blocks:
        for i, mine in _by_atom(pairs.centre[b.pair]):
            moments[i] += b.channels[mine].T @ b.rows[mine]
        moments[:, :, 0] += np.outer(b.padding * b.padding_row, b.padding_channels)
    moments /= d.normalisation

    axis = moments[:, : d.axis_neuron]
    features = np.einsum("nmk,nak->nma", moments, axis)
    energies, gradient = fitting(model, features.reshape(n, m * d.axis_neuron), t)
    gradient = gradient.reshape(features.shape)
    slope = np.einsum("nma,nak->nmk", gradient, axis)
    slope[:, : d.axis_neuron] += np.einsum("nma,nmk->nak", gradient, moments)
    slope /= d.normalisation

    force = np.zeros_like(x)
    virials = np.zeros((n, 3, 3))
    for b in blocks:
        centre, neighbour = pairs.centre[b.pair], pairs.neighbour[b.pair]
        row_slope = np.zeros_like(b.rows)
        for i, mine in _by_atom(centre):
            row_slope[mine] = b.channels[mine] @ slope[i]
            channel_slope = b.rows[mine] @ slope[i].T
            row_slope[mine, 0] += np.sum(channel_slope * b.slopes[mine], axis=1)
        pull = pair_gradient(d, pairs, b.pair, t, row_slope)
        np.add.at(force, centre, pull)
        np.add.at(force, neighbour, -pull)
        outer = pull[:, :, None] * pairs.vector[b.pair][:, None, :]
        np.add.at(virials, neighbour, -outer)
    return Evaluation(
        float(energies.sum()), force, virials.sum(axis=0), energies, virials
    )


def _by_atom(centre: Indices) -> Iterator[tuple[int, slice]]:
    starts = np.flatnonzero(np.diff(centre, prepend=-1))
    for start, stop in itertools.pairwise([*starts, len(centre)]):
        yield int(centre[start]), slice(start, stop)


def _blocks(d: SeE2A, pairs: Pairs, t: Indices, overflow: Overflow) -> Iterator[Block]:
    raw = environment(d, pairs.vector, pairs.distance)
    for c, k in itertools.product(range(len(d.sel)), repeat=2):
        net = d.embedding[c][k]
        if net is None:
            continue
        pair = np.flatnonzero((t[pairs.centre] == c) & (t[pairs.neighbour] == k))
        count = np.bincount(pairs.centre[pair], minlength=len(t))
        if overflow == "truncate":
            start = np.cumsum(count) - count
            rank = np.arange(len(pair)) - start[pairs.centre[pair]]
            pair = pair[rank < d.sel[k]]
            count = np.minimum(count, d.sel[k])
        padding = np.where(t == c, d.sel[k] - count, 0).astype(np.float64)
        if (c, k) in d.excluded:
            pair = pair[:0]
        rows = (raw[pair] - d.davg[c, k]) / d.dstd[c, k]
        channels, slopes = embedding(net, rows[:, 0])
        empty = -float(d.davg[c, k, 0]) / float(d.dstd[c, k, 0])
        empty_channels, _ = embedding(net, np.array([empty]))
        yield Block(pair, rows, channels, slopes, padding, empty, empty_channels[0])
