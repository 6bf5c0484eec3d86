"""Sampled structures, and how far a plan's results on them are from the reference's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..boundary import System
from ..engine import Engine
from ..kernels.layout import Neighbourhood
from ..model import Model
from ..neighbours import NeighbourList
from ..plan.accuracy import Accuracy
from ..plan.plan import Plan
from ..stages import AngularStage
from ..workspace import AtomTallies, Workspace
from .structures import sample_structures

Floats = NDArray[np.float64]


class _Results:
    """Energies, forces and virials of the atoms of all structures.

    Not the virials of structures: what cancels there adds up in a crystal.
    """

    def __init__(self) -> None:
        self.energies: list[Floats] = []
        self.forces: list[Floats] = []
        self.virials: list[Floats] = []


class Sampled:
    """Sampled structures of some types, evaluated once, when needed, by a reference.

    Parameters
    ----------
    reference : plan in float64 that counts as exact
    seeds : a set of structures for each
    """

    def __init__(
        self,
        model: Model,
        species: Sequence[int],
        reference: Plan,
        seeds: Sequence[int],
    ) -> None:
        self._lists: list[NeighbourList] = []
        for seed in seeds:
            for structure in sample_structures(model, species, seed):
                neighbours = NeighbourList(model.rcut)
                neighbours.update(System(*structure, (True, True, True)))
                self._lists.append(neighbours)
        self._reference = reference
        self._expected: _Results | None = None

    def _evaluate(self, plan: Plan) -> _Results:
        engine, found = Engine(1), _Results()
        engine.use(plan)
        n_parameters = plan.model.n_parameters
        for listed in self._lists:
            n = len(listed.hood.centres)
            parameters = np.zeros((n, n_parameters))
            result = engine.evaluate(listed.hood, parameters=parameters, atomic=True)
            found.energies.append(result.energies)
            found.forces.append(_onto_owners(result.forces, listed.owners, n))
            virials = _onto_owners(result.atomic_virials, listed.owners, n)
            found.virials.append(virials)
        return found

    def measure(self, plan: Plan) -> Accuracy:
        """The differences of a plan to the reference; NaN where both overflow."""
        if self._expected is None:
            self._expected = self._evaluate(self._reference)
        found, expected = self._evaluate(plan), self._expected
        names = ("energies", "forces", "virials")
        with np.errstate(over="ignore", invalid="ignore"):
            return Accuracy.of(
                *(
                    np.concatenate(
                        [
                            np.ravel(a - b)
                            for a, b in zip(
                                getattr(found, n), getattr(expected, n), strict=True
                            )
                        ]
                    )
                    for n in names
                )
            )

    def moments(self, k: int, species: int, most: int) -> Floats:
        """T of descriptor k, (n, 4, M), of up to ``most`` atoms of a type."""
        plan = self._reference
        found = []
        for listed in self._lists:
            hood = listed.hood
            rows = np.flatnonzero(hood.types[hood.centres] == species)[:most]
            if rows.size:
                found.append(_moments(plan, hood, rows, k, species))
        return np.concatenate(found)


def _onto_owners(values: Floats, owners: NDArray[np.int32], n: int) -> Floats:
    """Sum the rows of images onto their atoms."""
    total = np.zeros((n, values.shape[1]))
    np.add.at(total, owners, values)
    return total


def _moments(
    plan: Plan, hood: Neighbourhood, rows: NDArray[np.int64], k: int, species: int
) -> Floats:
    work = Workspace(plan, len(rows))
    work.start(len(hood.positions), AtomTallies(plan, 0))
    flat, _ = work.begin_block(species, len(rows))
    stage = work.stages[k]
    assert isinstance(stage, AngularStage)
    stage.environment(hood, rows, True, work.tallies[k])
    stage.forward(species, len(rows), flat)
    return np.asarray(stage.moments(species, len(rows)), np.float64)
