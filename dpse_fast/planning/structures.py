"""Random periodic structures as dense as what a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import Descriptor, Model
from ..plan.domain import shortest_bond, unseen_types
from ..plan.jets import radial_jet, switch_of

Floats = NDArray[np.float64]

SEED = 20181206
FILLING = 0.67  # of sel, where the statistics do not tell the number of neighbours
MOST_NEIGHBOURS = 400  # of a sampled atom: a file may state any sel
ATOMS = 64  # of a structure, at least
ATOMS_PER_TYPE = 2
PUSHES = 60
# As dense as trained (1), spacing in shortest distances, and whether in threes.
BOXES = (
    (1.0, 1.5, False),
    (1.2, 1.0, True),
    (0.8, 1.0, True),
    (0.5, 1.0, False),
    (0.1, 1.0, False),
)
BONDS = (0.93, 1.25)  # in shortest distances; vibrations go a little beyond any data


class Structure(NamedTuple):
    """A periodic box."""

    positions: Floats  # (N, 3) Å
    types: NDArray[np.int32]  # (N,)
    cell: Floats  # (3, 3) Å


def neighbours_of(model: Model, species: Sequence[int]) -> Floats:
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
    share = np.trapezoid(r**2 * s, r) / np.trapezoid(r**2, r)
    return float(sums.mean() / share)


def sample_structures(
    model: Model, species: Sequence[int], seed: int = SEED
) -> list[Structure]:
    """Boxes of the types: as dense as trained, half as dense, and sparse.

    No atoms are closer than the shortest trained distance where there is room; in
    one of the dense boxes they come in threes.
    """
    rng = np.random.default_rng(seed)
    widest = max(model.descriptors, key=lambda d: d.rcut)
    counts = neighbours_of(model, species)
    bond = shortest_bond(model, widest.rcut)
    sphere = 4 / 3 * np.pi * widest.rcut**3
    chosen = np.array(species)
    shares = counts[chosen] / counts.sum() if counts.any() else None
    n_atoms = max(ATOMS, ATOMS_PER_TYPE * chosen.size)
    found = []
    for filling, apart, bonded in BOXES:
        density = max(filling * counts.sum(), 1.0) / sphere
        edge = np.cbrt(n_atoms / density)
        types = rng.choice(chosen, n_atoms, p=shares)
        types[: chosen.size] = chosen
        positions = rng.uniform(0.0, edge, (n_atoms, 3))
        if bonded:
            _bind(positions, bond, rng)
        # At most as far apart as in a close packing that is not quite full.
        closest = BONDS[0] if bonded else apart
        spacing = min(closest * bond, 0.95 * edge / np.cbrt(n_atoms))
        _push_apart(positions, edge, spacing)
        cell = edge * np.eye(3)
        found.append(Structure(positions, types.astype(np.int32), cell))
    return found


def _bind(positions: Floats, bond: float, rng: np.random.Generator) -> None:
    """Put two thirds of the atoms next to the others, a bond away."""
    n = len(positions) // 3
    directions = rng.normal(size=(2 * n, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    lengths = bond * rng.uniform(*BONDS, 2 * n)
    centres = np.tile(positions[:n], (2, 1))
    positions[n : 3 * n] = centres + lengths[:, None] * directions


def _push_apart(positions: Floats, edge: float, spacing: float) -> None:
    """Move pairs that are too close away from each other, a few times."""
    for _ in range(PUSHES):
        d = positions[:, None] - positions[None]
        d -= edge * np.round(d / edge)
        r = np.linalg.norm(d, axis=2) + 1e-9
        np.fill_diagonal(r, np.inf)
        lacking = np.maximum(spacing - r, 0.0)
        if lacking.max() < 1e-3 * spacing:
            return
        positions += ((0.55 * lacking / r)[..., None] * d).sum(axis=1)
