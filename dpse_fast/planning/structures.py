"""Random structures that suit a model: to plan on, and to compare programs on.

Every number is drawn from a seed: plans and their certificates depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..array_types import Doubles, Int32s, Int64s
from ..model import Descriptor, Model
from ..plan.domain import CERTIFIED, shortest_bond
from ..plan.neighbour_counts import neighbours_of

SEED = 20181206
# Of boxes to plan on.
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
BONDS = (CERTIFIED, 1.25)  # in shortest distances
# Small cells, where many neighbours are images and add up alike: atoms, and density.
CELLS = ((1, 1.0), (2, 1.3), (3, 0.7), (4, 1.6), (6, 1.0), (8, 1.3))
# Of single environments.
SAMPLES = 12  # of a type
MOST_FILLING = 0.67  # of sel
MOST_NEIGHBOURS = 2000  # of a sampled atom: a file may state any sel
# Of boxes to compare programs on.
FILLING = 0.4  # of the slots of the widest descriptor
MOST_TRIES = 4000
SIZES = (24, 48)


class Structure(NamedTuple):
    """A periodic box."""

    positions: Doubles  # (N, 3) Å
    types: Int32s  # (N,)
    cell: Doubles  # (3, 3) Å


class ComparisonStructure(NamedTuple):
    """Arguments of ``compute``."""

    positions: Doubles  # (N, 3) Å
    types: Int64s  # (N,)
    cell: Doubles  # (3, 3) Å
    parameters: dict[str, Any]  # fparam and aparam of a model that takes them


class Environment(NamedTuple):
    """An atom and its neighbours within the longest cutoff."""

    species: int
    types: Int64s  # (n,) of the neighbours
    distances: Doubles  # (n,) Å
    directions: Doubles  # (n, 3) unit vectors


def sample_structures(
    model: Model, species: Sequence[int], seed: int = SEED
) -> list[Structure]:
    """Boxes of the types, from sparse to denser than trained.

    No atoms are closer than the shortest trained distance where there is room; in
    one of the dense boxes they come in threes.
    """
    rng = np.random.default_rng(seed)
    widest = _widest(model)
    counts = neighbours_of(model, species)
    bond = shortest_bond(model, widest.rcut)
    sphere = _sphere(widest)
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
        found.append(_box(positions, types, edge))
    return found


def sample_small_cells(
    model: Model, species: Sequence[int], seed: int = SEED
) -> list[Structure]:
    """Cells of a few atoms, whose neighbours are mostly images; see `CELLS`."""
    rng = np.random.default_rng(seed)
    counts = neighbours_of(model, species)
    chosen = np.array(species)
    shares = counts[chosen] / counts.sum() if counts.any() else None
    found = []
    for n, filling in CELLS:
        density = max(filling * counts.sum(), 1.0) / _sphere(_widest(model))
        edge = np.cbrt(n / density)
        positions = rng.uniform(0.0, edge, (n, 3))
        _push_apart(positions, edge, 0.95 * edge / np.cbrt(n))
        found.append(_box(positions, rng.choice(chosen, n, p=shares), edge))
    return found


def _box(positions: Doubles, types: Int64s, edge: float) -> Structure:
    return Structure(positions, types.astype(np.int32), edge * np.eye(3))


def _bind(positions: Doubles, bond: float, rng: np.random.Generator) -> None:
    """Put two thirds of the atoms next to the others, a bond away."""
    n = len(positions) // 3
    directions = _directions(rng, 2 * n)
    lengths = bond * rng.uniform(*BONDS, 2 * n)
    centres = np.tile(positions[:n], (2, 1))
    positions[n : 3 * n] = centres + lengths[:, None] * directions


def _push_apart(positions: Doubles, edge: float, spacing: float) -> None:
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


def sample_environments(model: Model, species: Sequence[int]) -> list[Environment]:
    """Random surroundings of these types, from sparse to two thirds of ``sel``.

    A larger ``sel`` than `MOST_NEIGHBOURS` counts as that many.

    Distances fill the sphere of the longest cutoff evenly from the shortest trained
    distance on; a few are close to it, as bonds are.
    """
    rng = np.random.default_rng(SEED)
    widest = _widest(model)
    shortest = shortest_bond(model, widest.rcut)
    sharing = len(species) if widest.mixed else 1
    sel = _slots(widest) / sharing
    sel *= min(1.0, MOST_NEIGHBOURS / max(sel[list(species)].sum(), 1.0))
    found = []
    for centre in species:
        for sample in range(SAMPLES):
            filling = MOST_FILLING * (sample + 1) / SAMPLES
            counts = np.ceil(filling * sel[list(species)]).astype(int)
            types = np.repeat(np.array(species), counts)
            low, high = shortest**3, widest.rcut**3
            distances = np.cbrt(rng.uniform(low, high, types.size))
            bonded = rng.choice(types.size, min(3, types.size), replace=False)
            distances[bonded] = shortest * rng.uniform(1.0, 1.6, bonded.size)
            directions = _directions(rng, types.size)
            distances = np.minimum(distances, widest.rcut * (1 - 1e-9))
            found.append(Environment(centre, types, distances, directions))
    return found


def comparison_structures(model: Model) -> Iterator[ComparisonStructure]:
    """Atoms of all types no closer than in training, some cells skewed."""
    rng = np.random.default_rng(SEED)
    widest = _widest(model)
    density = FILLING * widest.n_slots / _sphere(widest)
    distance = shortest_bond(model, widest.rcut)
    density = min(density, 0.3 / distance**3)
    slots = _slots(widest)
    share = slots / slots.sum()
    for size in SIZES:
        edge = (size / density) ** (1 / 3)
        cell = edge * (np.eye(3) + np.tril(rng.uniform(-0.2, 0.2, (3, 3)), -1))
        positions = _placed(rng, cell, size, distance)
        n = len(positions)
        types = rng.choice(model.n_types, n, p=share)
        yield ComparisonStructure(positions, types, cell, _parameters(model, n, rng))


def _placed(
    rng: np.random.Generator, cell: Doubles, size: int, distance: float
) -> Doubles:
    images = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3), -1).reshape(-1, 3) @ cell
    placed = np.empty((0, 3))
    for candidate in rng.random((MOST_TRIES, 3)) @ cell:
        apart = placed[:, None] + images - candidate
        if (np.linalg.norm(apart, axis=-1) > distance).all():
            placed = np.vstack([placed, candidate])
        if len(placed) == size:
            break
    return placed


def _parameters(model: Model, n: int, rng: np.random.Generator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, parameters, shape in (
        ("fparam", model.fparam, ()),
        ("aparam", model.aparam, (n,)),
    ):
        if parameters is not None:
            spread = rng.normal(size=(*shape, parameters.count))
            scale = np.where(parameters.scale == 0, 1.0, parameters.scale)
            found[name] = parameters.mean + spread / scale
    return found


def _widest(model: Model) -> Descriptor:
    return max(model.descriptors, key=lambda d: d.rcut)


def _slots(descriptor: Descriptor) -> Doubles:
    """(T,) of each type; types that share slots have all of them."""
    return np.array(descriptor.sel, float)[list(descriptor.slot_group)]


def _sphere(descriptor: Descriptor) -> float:
    """Its volume, Å³."""
    return float(4 / 3 * np.pi * descriptor.rcut**3)


def _directions(rng: np.random.Generator, n: int) -> Doubles:
    """(n, 3) unit vectors, evenly."""
    found = rng.normal(size=(n, 3))
    found /= np.linalg.norm(found, axis=1)[:, None]
    return found
