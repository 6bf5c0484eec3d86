"""What tabulation costs, measured against the exact nets.

The energy and the pair gradients of sampled environments are evaluated twice
by the same plain NumPy formula: with the nets and with the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..fitting import FittingNet
from ..model import Model
from .jets import RadialEmbedding, radial_jet, switch_of
from .tables import Table

Array = NDArray[np.floating]
Pair = tuple[int, int]
Radial = Callable[[Array], tuple[Array, Array]]

SAMPLES = 12
SEED = 20181206
DEFAULT_SHORTEST = 0.8  # Å, where the file does not state a trained minimum


@dataclass(frozen=True)
class Accuracy:
    """Largest differences to the exact nets over the sampled environments.

    Parameters
    ----------
    energy : eV per atom
    force : eV/Å, of pair gradients and of their sum on the centre
    n_environments : how many were sampled
    """

    energy: float
    force: float
    n_environments: int


@dataclass(frozen=True, eq=False)
class _Environment:
    species: int
    types: NDArray[np.int64]
    distances: Array
    directions: Array


def sample_environments(model: Model) -> list[_Environment]:
    """Random surroundings of each type, from sparse to two thirds of ``sel``.

    Distances fill the sphere evenly from the shortest trained distance on;
    a few are close to it, as bonds are.
    """
    rng = np.random.default_rng(SEED)
    descriptor = model.descriptor
    shortest = min(model.min_distance or DEFAULT_SHORTEST, 0.5 * descriptor.rcut)
    found = []
    for species in range(model.n_types):
        for sample in range(SAMPLES):
            filling = 0.67 * (sample + 1) / SAMPLES
            counts = np.ceil(filling * np.array(descriptor.sel)).astype(int)
            types = np.repeat(np.arange(model.n_types), counts)
            low, high = shortest**3, descriptor.rcut**3
            distances = np.cbrt(rng.uniform(low, high, types.size))
            bonded = rng.choice(types.size, min(3, types.size), replace=False)
            distances[bonded] = shortest * rng.uniform(1.0, 1.6, bonded.size)
            directions = rng.normal(size=(types.size, 3))
            directions /= np.linalg.norm(directions, axis=1)[:, None]
            distances = np.minimum(distances, descriptor.rcut * (1 - 1e-9))
            found.append(_Environment(species, types, distances, directions))
    return found


def _evaluate(
    model: Model,
    net: FittingNet,
    env: _Environment,
    radial: Mapping[Pair, Radial],
    padding: Array,
) -> tuple[float, Array]:
    """E_i without its bias (eV) and dE_i/dd (n, 3) (eV/Å)."""
    descriptor = model.descriptor
    dtype = net.dtype
    n, width = env.types.size, descriptor.width
    r, unit = env.distances, env.directions
    g, g_slope = np.zeros((n, width)), np.zeros((n, width))
    davg = descriptor.davg[env.species, env.types]
    dstd = descriptor.dstd[env.species, env.types]
    for t in range(model.n_types):
        chosen = env.types == t
        if (env.species, t) in radial and chosen.any():
            g[chosen], g_slope[chosen] = radial[env.species, t](r[chosen])
    s, s_slope, _ = radial_jet(r, switch_of(descriptor))
    inverse = 1 / (r + descriptor.env_protection)
    q = s * inverse
    q_slope = (s_slope - q) * inverse
    rows = np.column_stack([s, (q * r)[:, None] * unit])
    rows = (rows - davg) / dstd
    rows_slope = np.column_stack([s_slope, (q_slope * r + q)[:, None] * unit]) / dstd
    moments = g.T @ rows
    empty = np.array(descriptor.sel) - np.bincount(env.types, minlength=model.n_types)
    moments[:, 0] += empty @ padding[env.species]
    moments /= descriptor.normalisation
    axis = descriptor.axis_neuron
    d: NDArray[np.floating] = (moments @ moments[:axis].T).reshape(1, -1).astype(dtype)
    gradient = np.empty_like(d)
    energy = net(d, net.buffers(1), gradient, float(model.scale[env.species]))
    grad = gradient.reshape(width, axis).astype(np.float64)
    slope = grad @ moments[:axis]
    slope[:axis] += grad.T @ moments
    slope /= descriptor.normalisation
    along_rows = g @ slope
    radial_part = (along_rows * rows_slope).sum(1) + ((g_slope @ slope) * rows).sum(1)
    across = along_rows[:, 1:] / dstd[:, 1:] * q[:, None]
    across -= (across * unit).sum(1)[:, None] * unit
    return float(energy[0]), radial_part[:, None] * unit + across


class Reference:
    """The exact nets on sampled environments, evaluated once.

    Parameters
    ----------
    exact : the embedding of each (centre, neighbour) pair that counts
    nets : the fitting nets in float64
    padding : (T, T, M) G(x0)·x0 of an empty slot
    """

    def __init__(
        self,
        model: Model,
        exact: Mapping[Pair, RadialEmbedding],
        nets: Sequence[FittingNet],
        padding: Array,
    ) -> None:
        def by_net(function: RadialEmbedding) -> Radial:
            return lambda r: function(r)[:2]

        self._model, self._nets, self._padding = model, nets, padding
        self._environments = sample_environments(model)
        radial = {pair: by_net(function) for pair, function in exact.items()}
        self._exact = [self._evaluate(env, radial) for env in self._environments]

    def _evaluate(
        self, env: _Environment, radial: Mapping[Pair, Radial]
    ) -> tuple[float, Array]:
        net = self._nets[env.species]
        return _evaluate(self._model, net, env, radial, self._padding)

    def measure(self, tables: Mapping[Pair, Table]) -> Accuracy:
        """The largest differences between the tables and the nets."""
        energy = force = 0.0
        for env, (exact, exact_slopes) in zip(
            self._environments, self._exact, strict=True
        ):
            tabulated, slopes = self._evaluate(env, tables)
            difference = slopes - exact_slopes
            energy = max(energy, abs(tabulated - exact))
            force = max(force, float(np.abs(difference).max()))
            force = max(force, float(np.abs(difference.sum(0)).max()))
        return Accuracy(energy, force, len(self._environments))
