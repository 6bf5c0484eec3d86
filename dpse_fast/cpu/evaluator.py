"""A plan evaluated on the processors, with results in the caller's order."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ..array_types import Doubles, Floats, Int32s, Integers
from ..evaluation.backend import Evaluation, Request
from ..evaluation.domain_counts import Domain
from ..evaluation.domain_report import check_distances, not_finite, total
from ..inputs.neighbour_list import CallerList
from ..inputs.structure import CheckedStructure
from ..kernels.cpu.images import add_to_owners
from ..kernels.layout import Neighbourhood
from ..plan import Plan
from ..runtime.numba_start import start_numba
from .blocks import Block
from .neighbours import NeighbourList
from .packed_plan import packed
from .pipeline import Pipeline, UnreducedPlan

# Of a block: its species, its atoms (B,), the inputs of its net (B, n_inputs).
TakeInputs = Callable[[int, Integers, Floats], None]


class Evaluator:
    """See `evaluation.backend.Evaluator`.

    Parameters
    ----------
    threads : that share the work
    """

    def __init__(self, plan: Plan, threads: int, profile: bool) -> None:
        self.plan = plan
        self._pipeline = Pipeline(threads, profile)
        self._pipeline.use(packed(plan), _unreduced(plan))
        self._neighbour_seconds = 0.0

    @property
    def stage_seconds(self) -> dict[str, float]:
        return {"neighbours": self._neighbour_seconds, **self._pipeline.stage_seconds}

    def release(self) -> None:
        """Nothing belongs to one list alone."""

    def neighbour_list(self, skin: float) -> NeighbourList:
        return NeighbourList(self.plan.model.rcut, skin, self._pipeline.run)

    def evaluate(
        self, listed: NeighbourList, structure: CheckedStructure, request: Request
    ) -> Evaluation:
        start = time.process_time()
        listed.update(structure.system)
        hood, owners = listed.hood, listed.owners
        self._neighbour_seconds += time.process_time() - start
        centres = owners[hood.centres]
        parameters = None
        if request.has_parameters:
            parameters = request.parameters()[centres]
        found = self._pipeline.evaluate(
            hood,
            truncate=request.truncate,
            atomic=request.atomic,
            parameters=parameters,
        )
        n, for_all = structure.n, structure.for_all
        numbers = owners if structure.real is None else structure.real[owners]
        domain = found.domain
        check_distances(domain.counters, domain.below_table, lambda k: int(numbers[k]))
        energies = np.empty(n)
        energies[centres] = found.energies
        forces = _onto_owners(found.forces, owners, n)
        virials = np.empty((0, 9))
        if request.atomic:
            virials = for_all(_onto_owners(found.atomic_virials, owners, n))
        return Evaluation(
            energy=total(energies),
            virial=found.virial.copy(),
            forces=for_all(forces),
            energies=for_all(energies),
            virials=virials,
            pair_gradients=None,
            domain=domain,
            centres=numbers[hood.centres],
            non_finite=for_all(not_finite(energies, forces)),
        )

    def fitting_inputs(
        self,
        structure: CheckedStructure,
        take: TakeInputs,
        *,
        truncate: bool,
        parameters: Doubles,
    ) -> tuple[Domain, Int32s]:
        """What lies beyond the domain, and the atom of each of its rows.

        Parameters
        ----------
        take : called by the workers with the species, the atoms and the inputs of
            their net, of some atoms after another
        parameters : (n, n_parameters) normalised
        """
        listed = self.neighbour_list(0.0)
        listed.update(structure.system)
        hood, owners = listed.hood, listed.owners
        centres = owners[hood.centres]

        def take_block(block: Block, inputs: Floats) -> None:
            take(block.species, centres[block.rows], inputs)

        domain = self._pipeline.fitting_inputs(
            hood, take_block, truncate=truncate, parameters=parameters[centres]
        )
        numbers = owners if structure.real is None else structure.real[owners]
        check_distances(domain.counters, domain.below_table, lambda k: int(numbers[k]))
        return domain, numbers[hood.centres]

    def rows(self, given: CallerList, positions: Doubles) -> CallerList:
        return given

    def evaluate_rows(
        self,
        rows: CallerList,
        positions: Doubles,
        request: Request,
        finish: Callable[[], None],
    ) -> Evaluation:
        start_numba()
        gradients = np.zeros((rows.n_list, 3)) if request.pair_gradients else None
        found = self._pipeline.evaluate(
            Neighbourhood(positions, *rows),
            truncate=request.truncate,
            atomic=request.atomic,
            parameters=request.parameters() if request.has_parameters else None,
            pair_gradients=gradients,
        )
        finish()
        domain = found.domain
        check_distances(domain.counters, domain.below_table, lambda atom: atom)
        return Evaluation(
            energy=total(found.energies),
            virial=found.virial.copy(),
            forces=found.forces.copy(),
            energies=found.energies,
            virials=found.atomic_virials.copy(),
            pair_gradients=gradients,
            domain=domain,
            centres=np.arange(rows.n_rows),
            non_finite=not_finite(found.energies, found.forces[rows.centres]),
        )


def _unreduced(plan: Plan) -> UnreducedPlan | None:
    """Gives the pipeline the plan for atoms with neighbours closer than certified."""
    give = plan.unreduced
    return None if give is None else (lambda types: packed(give(types)))


def _onto_owners(values: Doubles, owners: Int32s, n: int) -> Doubles:
    """Sum the rows of images onto their atoms."""
    total = np.zeros((n, values.shape[1]))
    add_to_owners(owners, values, total)
    return total
