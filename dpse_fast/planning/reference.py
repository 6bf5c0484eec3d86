"""What tabulation costs, measured against the exact nets.

The energy and the pair gradients of sampled environments are evaluated twice
by the same plain NumPy formula: with the nets and with the tables.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..array_types import Floats
from ..cpu.fitting_net import FittingNet
from ..model import Descriptor, Model
from ..plan.accuracy import Accuracy
from ..plan.jets import RadialEmbedding, radial_jet, switch_of
from ..plan.pair_functions import Pair
from ..plan.tables import Table
from .structures import Environment, sample_environments

Radial = Callable[[Floats], tuple[Floats, Floats]]
Radials = Sequence[Mapping[Pair, Radial]]


class Part(ABC):
    """One descriptor of one environment, and the way back from dE/dD."""

    def __init__(
        self,
        descriptor: Descriptor,
        env: Environment,
        radial: Mapping[Pair, Radial],
        padding: Floats,
    ) -> None:
        inside = env.distances < descriptor.rcut
        self.inside, self.descriptor = inside, descriptor
        self.types, self.r = env.types[inside], env.distances[inside]
        self.unit = env.directions[inside]
        self.dstd = descriptor.dstd[env.species, self.types]
        self.davg = descriptor.davg[env.species, self.types]
        shape = (self.r.size, descriptor.width)
        self.g, self.g_slope = np.zeros(shape), np.zeros(shape)
        for t in range(descriptor.n_types):
            chosen = self.types == t
            if (env.species, t) in radial and chosen.any():
                found = radial[env.species, t](self.r[chosen])
                self.g[chosen], self.g_slope[chosen] = found
        groups = np.array(descriptor.slot_group)[self.types]
        filled = np.bincount(groups, minlength=len(descriptor.sel))
        self.empty = (np.array(descriptor.sel) - filled) @ padding[env.species]

    @abstractmethod
    def forward(self) -> Floats:
        """D, (n_out,)."""

    @abstractmethod
    def backward(self, gradient: Floats, out: Floats) -> None:
        """Add dE/dd of the pairs inside the cutoff to out (n, 3)."""


class AngularPart(Part):
    """D[m, a] of products of moments."""

    def forward(self) -> Floats:
        scale = 1 / self.descriptor.normalisation
        s, s_slope, _ = radial_jet(self.r, switch_of(self.descriptor))
        inverse = 1 / (self.r + self.descriptor.env_protection)
        q = s * inverse
        q_slope = (s_slope - q) * inverse
        unit, r = self.unit, self.r
        rows = np.column_stack([s, (q * r)[:, None] * unit])
        self.rows = (rows - self.davg) / self.dstd
        slopes = np.column_stack([s_slope, (q_slope * r + q)[:, None] * unit])
        self.row_slopes, self.q = slopes / self.dstd, q
        moments = self.g.T @ self.rows
        moments[:, 0] += self.empty
        self.moments = moments * scale
        axis = self.descriptor.n_axis
        return np.asarray(self.moments @ self.moments[:axis].T).reshape(-1)

    def backward(self, gradient: Floats, out: Floats) -> None:
        scale = 1 / self.descriptor.normalisation
        unit, axis = self.unit, self.descriptor.n_axis
        grad = gradient.reshape(-1, axis)
        slope = grad @ self.moments[:axis]
        slope[:axis] += grad.T @ self.moments
        slope *= scale
        along_rows = self.g @ slope
        radial = (along_rows * self.row_slopes).sum(1)
        radial += ((self.g_slope @ slope) * self.rows).sum(1)
        across = along_rows[:, 1:] / self.dstd[:, 1:] * self.q[:, None]
        across -= (across * unit).sum(1)[:, None] * unit
        out[self.inside] += radial[:, None] * unit + across


class RadialPart(Part):
    """D[m] of sums."""

    def forward(self) -> Floats:
        scale = 1 / self.descriptor.normalisation
        return np.asarray((self.g.sum(axis=0) + self.empty) * scale)

    def backward(self, gradient: Floats, out: Floats) -> None:
        scale = 1 / self.descriptor.normalisation
        along = self.g_slope @ gradient * scale
        out[self.inside] += along[:, None] * self.unit


class Reference:
    """The exact nets on sampled environments, evaluated once.

    Parameters
    ----------
    exact : by descriptor, the embedding of each (centre, neighbour) that counts
    nets : the fitting nets in float64 of the types that count
    padding : by descriptor, (T, G, M) of an empty slot
    """

    def __init__(
        self,
        model: Model,
        exact: Sequence[Mapping[Pair, RadialEmbedding]],
        nets: Mapping[int, FittingNet],
        padding: Sequence[Floats],
    ) -> None:
        def by_net(function: RadialEmbedding) -> Radial:
            return lambda r: function(r)[:2]

        self._model, self._nets, self._padding = model, nets, padding
        self._environments = sample_environments(model, sorted(nets))
        radial = [
            {pair: by_net(function) for pair, function in part.items()}
            for part in exact
        ]
        self._exact = [self._evaluate(env, radial) for env in self._environments]

    def _evaluate(self, env: Environment, radial: Radials) -> tuple[float, Floats]:
        """E_i without its bias (eV) and dE_i/dd (n, 3) (eV/Å)."""
        model, net = self._model, self._nets[env.species]
        parts: list[Part] = [
            descriptor.family.reference(descriptor, env, function, empty)
            for descriptor, function, empty in zip(
                model.descriptors, radial, self._padding, strict=True
            )
        ]
        parameters = np.zeros(model.n_parameters)
        x = np.concatenate([*(part.forward() for part in parts), parameters])[None]
        gradient = np.empty_like(x)
        scale = float(model.scale[env.species])
        energy = net(x, net.buffers(1), gradient, scale)
        slopes = np.zeros((env.types.size, 3))
        start = 0
        for part in parts:
            stop = start + part.descriptor.n_out
            part.backward(gradient[0, start:stop], slopes)
            start = stop
        return float(energy[0]) * scale, slopes

    def measure(self, tables: Sequence[Mapping[Pair, Table]]) -> Accuracy:
        """The differences between the tables and the nets."""
        energies, forces, virials = [], [], []
        for env, (exact, exact_slopes) in zip(
            self._environments, self._exact, strict=True
        ):
            tabulated, slopes = self._evaluate(env, tables)
            difference = slopes - exact_slopes
            energies.append(tabulated - exact)
            forces.append(np.vstack([difference, difference.sum(axis=0)]).ravel())
            pairs = env.distances[:, None] * env.directions
            virials.append(difference.T @ pairs)
        return Accuracy.of(
            np.array(energies), np.concatenate(forces), np.array(virials)
        )
