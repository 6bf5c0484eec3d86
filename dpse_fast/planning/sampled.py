"""Sampled structures, and how far a plan's results on them are from the reference's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..array_types import Doubles, Int32s, Int64s
from ..cpu.neighbours import NeighbourList
from ..cpu.packed_plan import PackedPlan, packed
from ..cpu.pipeline import Pipeline
from ..cpu.stages import AngularStage
from ..cpu.workspace import Workspace, atom_counts
from ..inputs.structure import System
from ..kernels.cpu.environment import locate
from ..kernels.layout import N_LOCATED, Neighbourhood
from ..model import Model
from ..plan.accuracy import Accuracy
from ..plan.plan import Plan
from .structures import sample_structures


class _Result(NamedTuple):
    """Energies, forces and virials of a structure's atoms.

    Not the structure's virial: what cancels there adds up in a crystal.
    """

    energies: Doubles
    forces: Doubles
    virials: Doubles


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
        self._reference = packed(reference)
        self._expected: list[_Result] | None = None

    def _evaluate(self, plan: PackedPlan) -> list[_Result]:
        pipeline, found = Pipeline(1), []
        pipeline.use(plan)
        for listed in self._lists:
            n = len(listed.hood.centres)
            parameters = np.zeros((n, plan.model.n_parameters))
            result = pipeline.evaluate(listed.hood, parameters=parameters, atomic=True)
            found.append(
                _Result(
                    result.energies,
                    _onto_owners(result.forces, listed.owners, n),
                    _onto_owners(result.atomic_virials, listed.owners, n),
                )
            )
        return found

    def measure(self, plan: Plan) -> Accuracy:
        """The differences of a plan to the reference, on the worst structure.

        NaN where the model has no number.
        """
        if self._expected is None:
            self._expected = self._evaluate(self._reference)
        found = self._evaluate(PackedPlan(plan))
        with np.errstate(over="ignore", invalid="ignore"):
            differences = [
                [a - b for a, b in zip(one, other, strict=True)]
                for one, other in zip(found, self._expected, strict=True)
            ]
            return Accuracy.worst([Accuracy.of(*parts) for parts in differences])

    def moments(self, k: int, species: int, most: int) -> Doubles:
        """T of descriptor k, (n, 4, M), of up to ``most`` atoms of a type."""
        plan = self._reference
        found = []
        for listed in self._lists:
            hood = listed.hood
            rows = np.flatnonzero(hood.types[hood.centres] == species)[:most]
            if rows.size:
                found.append(_moments(plan, hood, rows, k, species))
        return np.concatenate(found)


def _onto_owners(values: Doubles, owners: Int32s, n: int) -> Doubles:
    """Sum the rows of images onto their atoms."""
    total = np.zeros((n, values.shape[1]))
    np.add.at(total, owners, values)
    return total


def _moments(
    plan: PackedPlan, hood: Neighbourhood, rows: Int64s, k: int, species: int
) -> Doubles:
    work = Workspace(plan, len(rows))
    work.start(len(hood.positions), atom_counts(plan, 0))
    flat, _ = work.begin_block(species, len(rows))
    stage = work.stages[k]
    assert isinstance(stage, AngularStage)
    located = np.empty((len(hood.types), N_LOCATED))
    locate(hood.positions, hood.types, located)
    stage.environment(hood, located.reshape(-1), rows, True, work.tallies[k])
    stage.forward(species, len(rows), flat)
    return np.asarray(stage.moments(species, len(rows)), np.float64)
