"""Disordered periodic structures that suit a model, to compare evaluations on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import Model
from ..plan.domain import shortest_bond

SEED = 20181206
FILLING = 0.4  # of the slots of the widest descriptor
MOST_TRIES = 4000
SIZES = (24, 48)


class SampleStructure(NamedTuple):
    """Arguments of ``compute``."""

    positions: NDArray[np.float64]  # (N, 3) Å
    types: NDArray[np.int64]  # (N,)
    cell: NDArray[np.float64]  # (3, 3) Å
    parameters: dict[str, Any]  # fparam and aparam of a model that takes them


def sample_structures(model: Model) -> Iterator[SampleStructure]:
    """Atoms of all types no closer than in training, some cells skewed."""
    rng = np.random.default_rng(SEED)
    widest = max(model.descriptors, key=lambda d: d.rcut)
    density = FILLING * widest.n_slots / (4 / 3 * np.pi * widest.rcut**3)
    distance = shortest_bond(model, widest.rcut)
    density = min(density, 0.3 / distance**3)
    slots = np.array(widest.sel, float)[list(widest.slot_group)]
    share = slots / slots.sum()
    for size in SIZES:
        edge = (size / density) ** (1 / 3)
        cell = edge * (np.eye(3) + np.tril(rng.uniform(-0.2, 0.2, (3, 3)), -1))
        positions = _placed(rng, cell, size, distance)
        n = len(positions)
        types = rng.choice(model.n_types, n, p=share)
        yield SampleStructure(positions, types, cell, _parameters(model, n, rng))


def _placed(
    rng: np.random.Generator, cell: NDArray[np.float64], size: int, distance: float
) -> NDArray[np.float64]:
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
