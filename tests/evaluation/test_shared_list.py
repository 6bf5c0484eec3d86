"""One neighbour list for several models, as a committee of models needs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ghosts import with_ghosts
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.evaluation.backend import Member, Request
from dpse_fast.inputs.neighbour_list import CallerList
from dpse_fast.inputs.structure import check_structure

REQUEST = Request(truncate=False)
TINY: dict[str, Any] = {
    "embedding": (4, 8),
    "fitting": (6, 6),
    "rcut": 3.1,
    "rcut_smth": 1.2,
}
STRUCTURE = random_structure("open", 2, 3, 5)


def committee(device: str) -> list[dpse_fast.Potential]:
    """Of equal types and cutoffs, and different weights."""
    options: dict[str, Any] = {"precision": "double", "tol": 0.0, "sel_overflow": "all"}
    models = [random_model(seed=seed, **TINY) for seed in (1, 2)]
    return [dpse_fast.load(one, device=device, **options) for one in models]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_list_of_ours(device: str) -> None:
    """Each evaluator notices a new list, whoever updated it first."""
    potentials, s = committee(device), STRUCTURE
    backend = potentials[0]._backend
    evaluators = [
        backend.evaluator((Member(one._planner.plan),), False) for one in potentials
    ]
    listed = evaluators[0].neighbour_list(0.5)
    rng, names = np.random.default_rng(3), potentials[0].model.type_map
    for scale in (1.3, 1.3, 1.0, 1.0):  # more neighbours in the second list
        moves = rng.normal(scale=0.01, size=s.positions.shape)
        positions = s.positions * scale + moves
        with backend.active():
            atoms = check_structure(backend, positions, s.types, None, None, names)
            found = [own.evaluate(listed, atoms, [REQUEST])[0] for own in evaluators]
            forces = [backend.download(one.forces).reshape(-1, 3) for one in found]
        for own, potential in zip(forces, potentials, strict=True):
            alone = potential.compute(positions, s.types)
            np.testing.assert_allclose(own, alone.forces, rtol=0, atol=1e-10)
        assert listed.builds == (1 if scale == 1.3 else 2)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_list_of_the_caller(device: str) -> None:
    """Each evaluator makes its rows of the same list, which stays whole."""
    potentials, s = committee(device), STRUCTURE
    backend = potentials[0]._backend
    g = with_ghosts(s.positions, s.types, None, (False,) * 3, 3.1)
    centres = np.arange(len(s.positions), dtype=np.int32)
    given = CallerList(
        g.types.astype(np.int32),
        centres,
        g.first.astype(np.int64),
        g.neighbours.astype(np.int32),
    )
    for potential in potentials:
        own = backend.evaluator((Member(potential._planner.plan),), False)
        with backend.active():
            at = backend.upload(g.positions)
            if potential is potentials[0]:
                taken = backend.take_list(given)
            (found,) = own.evaluate_rows(
                own.rows(taken, at), at, [REQUEST], finish=lambda: None
            )
            forces = backend.download(found.forces).reshape(-1, 3)
        alone = potential.compute(s.positions, s.types)
        np.testing.assert_allclose(
            g.onto_owners(forces, len(centres)), alone.forces, rtol=0, atol=1e-10
        )
