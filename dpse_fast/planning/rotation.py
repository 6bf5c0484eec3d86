"""Rotation of an embedding to its numerical rank, and the products that matter.

The embedding of a pair of types is a curve G(r) in R^M. With the norm in which the
first fitting layer sees it (`planning.sensitivity`), its singular values fall
exponentially; the curve is expanded in the directions above a cut. Distances count
from the trained minimum to the cutoff as one neighbour anywhere and as the neighbours
of an even density, by value and by slope, so that no distance is left to the samples
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..array_types import Floats
from ..model import Descriptor
from ..plan.form import Form
from ..plan.jets import RadialEmbedding, radial_jet, switch_of

FRACTIONS = np.array([0.2, 0.5, 0.8])  # of an interval of a table: where curves count
SLOPE_LENGTH = 0.15  # Å: a slope times this counts as a value
# Curves count from this part of the shortest trained distance on: vibrations of a few
# more molecules come closer than any in the training data. Water shaken to 0.87 of its
# shortest distance had force errors of 3e-4 eV/Å without, 3e-6 with this.
CLOSER = 0.85
EMPTY_WEIGHT = 10.0  # an empty slot counts as so many neighbours at the cutoff
NO_AXIS = 1e-12  # of the largest singular value: no direction of its own


@dataclass(frozen=True, eq=False)
class Rotated:
    """A centre's tables and form at one cut.

    Parameters
    ----------
    tables : by neighbour type, (M, K_t) that a table's channels are multiplied with
    form : Form
    importance : (n_rows, K) size of what each product adds to the first layer
    """

    tables: Mapping[int, Floats]
    form: Form
    importance: Floats

    def pruned(self, threshold: float) -> Form:
        """Without the ends of the rows that are below the threshold."""
        form = self.form
        kept = self.importance > threshold
        n = form.n_channels
        ends = np.array([n - int(np.argmax(row[::-1])) for row in kept], np.int64)
        ends[~kept.any(axis=1)] = 0
        rows = int((ends > form.starts).nonzero()[0].max(initial=-1)) + 1
        rows = max(rows, 1)
        starts = form.starts[:rows]
        ends = np.maximum(ends[:rows], starts + 1)
        return Form(form.basis, starts, ends, form.empty, form.mix)


class CentreRotation:
    """The curves of one centre type of a descriptor, decomposed once.

    Parameters
    ----------
    functions : the embedding of each neighbour type
    neighbours : (T,) how many an atom has of each type
    shortest : Å, of the training data
    nodes : Å, of a fine table of each neighbour type
    sensitivity : (M, M)
    weight : (M · axis, n_out) the descriptor's part of the first layer
    empty : (G, M) what an empty slot adds

    Attributes
    ----------
    is_zero : the curves are: there is nothing to rotate
    """

    def __init__(
        self,
        descriptor: Descriptor,
        species: int,
        functions: Mapping[int, RadialEmbedding],
        neighbours: Floats,
        shortest: float,
        nodes: Mapping[int, Floats],
        sensitivity: Floats,
        weight: Floats,
        empty: Floats,
    ) -> None:
        self._descriptor, self._weight, self._empty = descriptor, weight, empty
        self._inverse = np.linalg.inv(sensitivity)
        self._sensitivity = sensitivity
        self._joint = not descriptor.n_axis or len(functions) == 1
        # An empty slot adds a vector of its own: it belongs to what must be spanned.
        self._beside = EMPTY_WEIGHT * empty @ sensitivity
        self._factors = {}
        for t, f in functions.items():
            count = float(neighbours[t])
            curve = _curve(descriptor, species, t, f, count, shortest, nodes[t])
            group = descriptor.slot_group[t]
            spanned = np.vstack([curve @ sensitivity, self._beside[group]])
            values, vectors = np.linalg.svd(spanned, full_matrices=False)[1:]
            self._factors[t] = (values, vectors)
        self._largest = max(values[0] for values, _ in self._factors.values())
        self.is_zero = self._largest == 0.0

    def at(self, cut: float) -> Rotated:
        """Keep the directions whose singular value is above cut times the largest."""
        limit = cut * self._largest
        parts = {
            t: vectors[: max(int((values > limit).sum()), 1)]
            for t, (values, vectors) in self._factors.items()
        }
        scaled = [
            values[: len(parts[t]), None] * parts[t]
            for t, (values, _) in self._factors.items()
        ]
        spread, turn = np.linalg.svd(
            np.vstack([*scaled, self._beside]), full_matrices=False
        )[1:]
        n = max(int((spread > limit).sum()), 1)
        spread, turn = spread[:n], turn[:n]
        # z = forth · T and T = back · z; z is of the same size in all directions.
        forth = (turn / spread[:, None]) @ self._sensitivity
        back = self._inverse @ (turn.T * spread)
        if self._descriptor.n_axis:
            order = self._axis_first(back)
            forth, back = order.T @ forth, back @ order
        tables: dict[int, Floats] = {}
        mix = None
        if self._joint:
            tables = {t: forth.T for t in parts}
        else:
            tables = {t: self._sensitivity.T @ v.T for t, v in parts.items()}
            blocks = [(forth @ (self._inverse @ v.T)).T for v in parts.values()]
            mix = np.concatenate(blocks)
        return self._rotated(tables, back, self._spanned_empty(parts) @ forth.T, mix)

    def _spanned_empty(self, parts: Mapping[int, Floats]) -> Floats:
        """What an empty slot adds, (G, M), as the tables give it at the cutoff.

        One type of a group of slots stands for it. Else the energy would step where a
        neighbour leaves: by 1e-9 eV at a tolerance of 1e-5 eV/Å.
        """
        if self._joint:
            return self._empty
        found = self._empty.astype(np.float64)
        for g, v in {
            self._descriptor.slot_group[t]: v for t, v in parts.items()
        }.items():
            found[g] = found[g] @ self._sensitivity @ v.T @ v @ self._inverse
        return found

    def _axis_first(self, back: Floats) -> Floats:
        """An orthogonal (K, K): the directions of the axis channels, then the rest.

        Each part is ordered by what its products add to the first layer.
        """
        axis = self._descriptor.n_axis
        _, values, vectors = np.linalg.svd(back[:axis])
        n = int((values > NO_AXIS * values[0]).sum())
        whole = Form(
            back @ vectors.T,
            np.zeros(n, np.int64),
            np.full(n, len(vectors)),
            np.zeros((0, len(vectors))),
        )
        cube = whole.first_layer(self._weight, axis).reshape(n, len(vectors), -1)
        own, rest = cube.reshape(n, -1), cube[:, n:].transpose(1, 0, 2)
        turns = np.eye(len(vectors))
        turns[:n, :n] = _directions(own)
        if len(vectors) > n:
            flat = rest.reshape(len(vectors) - n, -1)
            turns[n:, n:] = _directions(flat)
        return np.asarray(vectors.T @ turns)

    def _rotated(
        self,
        tables: Mapping[int, Floats],
        back: Floats,
        empty: Floats,
        mix: Floats | None,
    ) -> Rotated:
        n, axis = back.shape[1], self._descriptor.n_axis
        n_rows = min(axis, n)
        starts = np.arange(n_rows)
        form = Form(back, starts, np.full(n_rows, n), empty, mix)
        sizes = np.linalg.norm(form.first_layer(self._weight, axis), axis=1)
        importance = np.zeros((n_rows, n))
        at = 0
        for a in range(n_rows):
            importance[a, a:] = sizes[at : at + n - a]
            at += n - a
        return Rotated(tables, form, importance)


def _directions(rows: Floats) -> Floats:
    """An orthogonal (n, n) whose columns combine the rows (n, m), largest first."""
    n, m = rows.shape
    # With fewer columns than rows the reduced form has no n directions.
    return np.asarray(np.linalg.svd(rows, full_matrices=m < n)[0])


def _curve(
    descriptor: Descriptor,
    species: int,
    neighbour: int,
    function: RadialEmbedding,
    count: float,
    shortest: float,
    nodes: Floats,
) -> Floats:
    """G and its slope (2 n, M), weighted as neighbours of an atom count.

    ``nodes`` are distances of a table's nodes, dense where the curve is sharp.
    """
    cutoff = descriptor.rcut * (1 - 1e-9)
    inside = nodes[(nodes > CLOSER * shortest) & (nodes < cutoff)]
    edges = np.unique([CLOSER * shortest, *inside, cutoff])
    r = (edges[:-1, None] + np.diff(edges)[:, None] * FRACTIONS).ravel()
    step = np.repeat(np.diff(edges) / FRACTIONS.size, FRACTIONS.size)
    value, slope = function(r)[:2]
    density = count / (4 / 3 * np.pi * cutoff**3)
    weight = np.sqrt(step * (1.0 + 4 * np.pi * r**2 * density))
    if descriptor.family.has_products:
        s = radial_jet(r, switch_of(descriptor))[0]
        mean = descriptor.davg[species, neighbour, 0]
        radial, angular = descriptor.dstd[species, neighbour, :2]
        weight = weight * np.hypot((s - mean) / radial, s / angular)
    curve: Floats = np.vstack([value, SLOPE_LENGTH * slope])
    curve *= np.tile(weight, 2)[:, None]
    return curve
