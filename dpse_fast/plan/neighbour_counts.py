"""How many neighbours an atom has, as far as a model's statistics tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..array_types import Doubles
from ..model import Descriptor, Model
from .domain import shortest_bond, unseen_types
from .jets import radial_jet, switch_of

FILLING = 0.67  # of sel, where the statistics do not tell the number of neighbours
MOST_NEIGHBOURS = 400  # of an atom: a file may state any sel


def listed_neighbours(model: Model, species: Sequence[int], skin: float) -> float:
    """Neighbours of an atom within the longest cutoff and the skin, Å."""
    within = float(neighbours_of(model, species).sum())
    return within * (1 + skin / model.rcut) ** 3


def neighbours_of(model: Model, species: Sequence[int]) -> Doubles:
    """How many neighbours of each type (T,) an atom has, all centres alike.

    From the mean of s that the file keeps, where it does; else a part of ``sel``.
    """
    widest = max(model.descriptors, key=lambda d: d.rcut)
    chosen = list(species)
    sharing = len(chosen) if widest.mixed else 1
    sel = np.zeros(widest.n_types)
    sel[chosen] = np.array(widest.sel, float)[list(widest.slot_group)][chosen] / sharing
    total = _told_by_statistics(model, widest, chosen)
    if total is None:
        total = FILLING * sel.sum()
    total = min(max(total, 1.0), float(MOST_NEIGHBOURS), max(sel.sum(), 1.0))
    return np.asarray(sel * (total / max(sel.sum(), 1e-300)))


def _told_by_statistics(
    model: Model, descriptor: Descriptor, species: list[int]
) -> float | None:
    """N of a gas with the trained mean of Σ s, or None without such a mean."""
    trained = [c for c in species if not unseen_types(descriptor)[c]]
    means = descriptor.davg[trained][:, species, 0]
    if not means.size or not (means > 0).all():
        return None
    sel = np.array(descriptor.sel, float)[list(descriptor.slot_group)]
    slots = sel[species] if not descriptor.mixed else sel[species[:1]]
    sums = (means[:, : slots.size] * slots).sum(axis=1)
    r = np.linspace(shortest_bond(model, descriptor.rcut), descriptor.rcut, 400)
    s = radial_jet(r, switch_of(descriptor))[0]
    return float(sums.mean() / (_integral(r**2 * s, r) / _integral(r**2, r)))


def _integral(values: Doubles, x: Doubles) -> float:
    """By the trapezoidal rule; NumPy's own function has another name before 2.0."""
    return float((np.diff(x) * (values[1:] + values[:-1]) / 2.0).sum())
