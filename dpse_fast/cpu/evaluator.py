"""Plans evaluated on the processors, with results in the caller's order."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from ..array_types import Doubles, Floats, Int32s, Integers
from ..evaluation.backend import Evaluation, Member, Request
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
from .packed_plan import PackedPlan, packed
from .pipeline import Pipeline, PipelineResult, UnreducedPlans, Wanted
from .shared_pairs import same_pairs

# Of a block: its species, its atoms (B,), the inputs of its net (B, n_inputs).
TakeInputs = Callable[[int, Integers, Floats], None]


class _Group:
    """Models that find the same pairs, in one pipeline.

    Parameters
    ----------
    numbers : of these models among all
    """

    def __init__(
        self, numbers: list[int], members: list[Member], threads: int, profile: bool
    ) -> None:
        self.numbers, self._own_types = numbers, members[0].own_types
        self.pipeline = Pipeline(threads, profile)
        plans = [member.plan for member in members]
        self.pipeline.use(*map(packed, plans), unreduced=_unreduced(plans))

    def evaluate(
        self, hood: Neighbourhood, wanted: Sequence[Wanted | None], request: Request
    ) -> list[PipelineResult | None]:
        """Of all models ``wanted``, those of the group; see `Pipeline.evaluate`."""
        own = hood._replace(types=self._own_types(hood.types))
        return self.pipeline.evaluate(
            own,
            *(wanted[k] for k in self.numbers),
            truncate=request.truncate,
            atomic=request.atomic,
        )


class Evaluator:
    """See `evaluation.backend.Evaluator`.

    Parameters
    ----------
    threads : that share the work
    """

    def __init__(
        self, members: tuple[Member, ...], threads: int, profile: bool
    ) -> None:
        self.members = members
        self._groups = [
            _Group(numbers, [members[k] for k in numbers], threads, profile)
            for numbers in _alike(members)
        ]
        self._run = self._groups[0].pipeline.run
        self._neighbour_seconds = 0.0

    @property
    def stage_seconds(self) -> dict[str, float]:
        total = Counter({"neighbours": self._neighbour_seconds})
        for group in self._groups:
            total.update(group.pipeline.stage_seconds)
        return dict(total)

    def release(self) -> None:
        """Nothing belongs to one list alone."""

    def neighbour_list(self, skin: float) -> NeighbourList:
        cutoff = max(member.plan.model.rcut for member in self.members)
        return NeighbourList(cutoff, skin, self._run)

    def _evaluate(
        self,
        hood: Neighbourhood,
        wanted: Sequence[Wanted | None],
        requests: Sequence[Request | None],
    ) -> list[PipelineResult | None]:
        """By model."""
        found: list[PipelineResult | None] = [None] * len(self.members)
        request = next(one for one in requests if one is not None)
        for group in self._groups:
            own = group.evaluate(hood, wanted, request)
            for k, result in zip(group.numbers, own, strict=True):
                found[k] = result
        return found

    def evaluate(
        self,
        listed: NeighbourList,
        structure: CheckedStructure,
        requests: Sequence[Request | None],
    ) -> list[Evaluation | None]:
        start = time.process_time()
        listed.update(structure.system)
        hood, owners = listed.hood, listed.owners
        self._neighbour_seconds += time.process_time() - start
        centres = owners[hood.centres]
        wanted = [
            None
            if one is None
            else Wanted(one.parameters()[centres] if one.has_parameters else None)
            for one in requests
        ]
        found = self._evaluate(hood, wanted, requests)
        return [
            None
            if one is None or request is None
            else _of_structure(one, structure, hood, owners, request.atomic)
            for one, request in zip(found, requests, strict=True)
        ]

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

        domain = self._groups[0].pipeline.fitting_inputs(
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
        requests: Sequence[Request | None],
        finish: Callable[[], None],
    ) -> list[Evaluation | None]:
        start_numba()
        wanted = [
            None
            if one is None
            else Wanted(
                one.parameters() if one.has_parameters else None,
                np.zeros((rows.n_list, 3)) if one.pair_gradients else None,
            )
            for one in requests
        ]
        found = self._evaluate(Neighbourhood(positions, *rows), wanted, requests)
        finish()
        return [
            None
            if one is None or given is None
            else _of_list(one, rows, given.pair_gradients)
            for one, given in zip(found, wanted, strict=True)
        ]


def _numbers(member: Member) -> list[int] | None:
    return None if member.types is None else member.types.tolist()


def _alike(members: Sequence[Member]) -> list[list[int]]:
    """Numbers of the models that find the same pairs, in groups."""
    groups: list[list[int]] = []
    for k, member in enumerate(members):
        for group in groups:
            first = members[group[0]]
            if (
                _numbers(member) == _numbers(first)
                and (member.plan.unreduced is None) == (first.plan.unreduced is None)
                and same_pairs(packed(member.plan), packed(first.plan))
            ):
                group.append(k)
                break
        else:
            groups.append([k])
    return groups


def _unreduced(plans: Sequence[Plan]) -> UnreducedPlans | None:
    """Gives the pipeline the plans for atoms with neighbours closer than certified."""
    if plans[0].unreduced is None:
        return None

    def give(types: Integers) -> tuple[PackedPlan, ...]:
        return tuple(
            packed(plan.unreduced(types))
            for plan in plans
            if plan.unreduced is not None
        )

    return give


def _of_structure(
    found: PipelineResult,
    structure: CheckedStructure,
    hood: Neighbourhood,
    owners: Int32s,
    atomic: bool,
) -> Evaluation:
    """With results of the caller's atoms."""
    n, for_all, centres = structure.n, structure.for_all, owners[hood.centres]
    numbers = owners if structure.real is None else structure.real[owners]
    domain = found.domain
    check_distances(domain.counters, domain.below_table, lambda k: int(numbers[k]))
    energies = np.empty(n)
    energies[centres] = found.energies
    forces = _onto_owners(found.forces, owners, n)
    virials = np.empty((0, 9))
    if atomic:
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


def _of_list(
    found: PipelineResult, rows: CallerList, pair_gradients: Doubles | None
) -> Evaluation:
    """With results of the rows and atoms of a caller's list."""
    domain = found.domain
    check_distances(domain.counters, domain.below_table, lambda atom: atom)
    return Evaluation(
        energy=total(found.energies),
        virial=found.virial.copy(),
        forces=found.forces.copy(),
        energies=found.energies,
        virials=found.atomic_virials.copy(),
        pair_gradients=pair_gradients,
        domain=domain,
        centres=np.arange(rows.n_rows),
        non_finite=not_finite(found.energies, found.forces[rows.centres]),
    )


def _onto_owners(values: Doubles, owners: Int32s, n: int) -> Doubles:
    """Sum the rows of images onto their atoms."""
    total = np.zeros((n, values.shape[1]))
    add_to_owners(owners, values, total)
    return total
