"""Sampled structures, and how far a plan's results on them are from the reference's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..array_types import Doubles, Int32s, Int64s
from ..cpu.neighbours import NeighbourList
from ..cpu.packed_plan import PackedPlan, packed
from ..cpu.pipeline import Pipeline, Wanted
from ..cpu.stages import AngularStage
from ..cpu.workspace import Workspace, atom_counts
from ..inputs.structure import System
from ..kernels.cpu.environment import locate
from ..kernels.layout import N_LOCATED, Neighbourhood
from ..model import Model
from ..plan.accuracy import Accuracy, strength
from ..plan.plan import Plan
from .structures import SEED, sample_small_cells, sample_structures

NEARLY = 0.3  # of a logarithm
LEAST = 1e-3  # of the largest
MOST_ROUNDING = 1e-5  # eV, eV/Å: more than that is stated by the force


class _Result(NamedTuple):
    """Energies, forces and virials of a structure's atoms.

    Not the structure's virial: what cancels there adds up in a crystal.
    """

    energies: Doubles
    forces: Doubles
    virials: Doubles


class Line(NamedTuple):
    """The tightest a + b · x above points."""

    a: float
    b: float

    @classmethod
    def above(cls, x: Doubles, y: Doubles, most: float) -> Line:
        """Above all points (n,), by ratios nearly as close to them as can be.

        Of lines that are, the one with the least slope.

        Parameters
        ----------
        x, y : at least 0
        most : of a, unless all x are 0
        """
        known = np.isfinite(x) & np.isfinite(y)
        x, y = x[known], y[known]
        if not y.any():
            return cls(0.0, 0.0)
        if not x.any():
            return cls(float(y.max()), 0.0)
        # Symmetry takes some of them away, which says nothing of others.
        x, y = np.maximum(x, LEAST * x.max()), np.maximum(y, LEAST * y.max())
        lines = []
        for a in (0.0, *y[y <= most].tolist()):
            line = cls(a, float(np.maximum((y - a) / x, 0.0).max()))
            lines.append((float(np.log((a + line.b * x) / y).mean()), line))
        nearest = min(distance for distance, _ in lines)
        near = [line for distance, line in lines if distance <= nearest + NEARLY]
        return min(near, key=lambda line: line.b)


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
            boxes = sample_structures(model, species, seed)
            for structure in (*boxes, *sample_small_cells(model, species, seed)):
                neighbours = NeighbourList(model.rcut)
                neighbours.update(System(*structure, (True, True, True)))
                self._lists.append(neighbours)
        self._reference = packed(reference)
        self._expected: list[_Result] | None = None

    def _evaluate(self, plan: PackedPlan) -> list[_Result]:
        pipeline, found = Pipeline(1), []
        pipeline.use(plan)
        rng = np.random.default_rng(SEED)
        for listed in self._lists:
            n = len(listed.hood.centres)
            parameters = rng.normal(size=(n, plan.model.n_parameters))
            (result,) = pipeline.evaluate(listed.hood, Wanted(parameters), atomic=True)
            assert result is not None
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
        return Accuracy.worst(_differences(found, self._expected))

    def rounding(self, plan: Plan) -> Accuracy:
        """What the precision of a plan adds to the differences of the same in double.

        Each largest difference is at most ``force + force_rounding`` times the
        `strength` of the structure, and so are the others.
        """
        exact = self._evaluate(PackedPlan(replace(plan, precision="double")))
        found = _differences(self._evaluate(PackedPlan(plan)), exact)
        strengths = np.array([strength(r.forces, r.virials.sum(axis=0)) for r in exact])
        lines = {
            name: Line.above(
                strengths,
                np.array([getattr(one, name) for one in found]),
                MOST_ROUNDING,
            )
            for name in ("energy", "force", "virial")
        }
        return replace(
            Accuracy.worst(found),
            energy=lines["energy"].a,
            force=lines["force"].a,
            virial=lines["virial"].a,
            energy_rounding=lines["energy"].b,
            force_rounding=lines["force"].b,
            virial_rounding=lines["virial"].b,
        )

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


def _differences(
    found: Sequence[_Result], expected: Sequence[_Result]
) -> list[Accuracy]:
    """Of each structure."""
    with np.errstate(over="ignore", invalid="ignore"):
        return [
            Accuracy.of(*(a - b for a, b in zip(one, other, strict=True)))
            for one, other in zip(found, expected, strict=True)
        ]


def _onto_owners(values: Doubles, owners: Int32s, n: int) -> Doubles:
    """Sum the rows of images onto their atoms."""
    total = np.zeros((n, values.shape[1]))
    np.add.at(total, owners, values)
    return total


def _moments(
    plan: PackedPlan, hood: Neighbourhood, rows: Int64s, k: int, species: int
) -> Doubles:
    work = Workspace([plan], len(rows))
    work.start(len(hood.positions), atom_counts(plan, 0), np.zeros(0, np.int32))
    flat, _ = work.members[0].inputs(species, len(rows))
    stage = work.members[0].stages[k]
    assert isinstance(stage, AngularStage)
    located = np.empty((len(hood.types), N_LOCATED))
    locate(hood.positions, hood.types, located)
    stage.environment(hood, located.reshape(-1), rows, True, work.tallies[k])
    stage.forward(species, len(rows), flat)
    return np.asarray(stage.moments(species, len(rows)), np.float64)
