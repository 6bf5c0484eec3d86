"""The pipeline on the CPU: blocks of atoms of one type through all stages.

environment → moments → descriptors → fitting → back → pair gradients → forces

The pairs of a block are found once, and the models of a committee take turns with them.
Centres with a neighbour closer than the plans are certified for are left out there, and
go through the stages of the unreduced plans afterwards.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from ..array_types import Doubles, Floats, Int32s, Integers
from ..evaluation.domain_counts import Domain
from ..kernels.cpu.environment import locate
from ..kernels.cpu.forces import list_gradients
from ..kernels.layout import N_LOCATED, Neighbourhood
from ..model import Model
from ..results import AtomCounts
from ..runtime.blas_threads import one_blas_thread
from .blocks import Block, blocks_of
from .force_sums import OrderedSum
from .packed_plan import PackedPlan
from .spatial_order import slices
from .threads import Workers
from .workspace import MemberBuffers, Workspace, atom_counts, domain_of

ATOMS_PER_TASK = 2**16  # whose positions are copied
STAGES = ("environment", "moments", "fitting", "gradients", "forces")
NOT_TIMED = nullcontext()

UnreducedPlans = Callable[[Integers], tuple[PackedPlan, ...]]  # for an array's types
TakeBlock = Callable[[Block, Floats], None]  # with (B, n_inputs), used until it ends


class Wanted(NamedTuple):
    """What is asked of one model.

    Parameters
    ----------
    parameters : (n_rows, n_parameters) of frame and atoms, normalised; None: without
    pair_gradients : (n_list, 3) that dE_i/dd_ij, eV/Å, are added to; or None
    """

    parameters: Doubles | None = None
    pair_gradients: Doubles | None = None


class PipelineResult(NamedTuple):
    """Over the atoms and images of a neighbour list."""

    energies: Doubles  # (n_rows,) eV, of the list's centres
    forces: Doubles  # (n_all, 3) eV/Å, of atoms and images
    virial: Doubles  # (3, 3) eV
    atomic_virials: Doubles  # (n_all, 9) eV; (0, 9) unless asked for
    domain: Domain


class _Given(NamedTuple):
    """What all blocks of an evaluation share."""

    hood: Neighbourhood
    located: Doubles
    truncate: bool
    atomic: bool
    wanted: dict[int, Wanted]  # by model
    energies: dict[int, Doubles]  # by model, modified
    atoms: AtomCounts  # modified
    left_out: Int32s  # modified


_Handle = Callable[[_Given, Block, Workspace, threading.Event], None]


class Pipeline:
    """Evaluates plans with a fixed number of threads; `use` names the plans.

    Parameters
    ----------
    threads : workers; each runs kernels that release the GIL and one BLAS thread
    profile : measure the time of each stage

    Attributes
    ----------
    plans : of a committee whose models find the same pairs; of a potential one
    stage_seconds : processor seconds of the workers in `STAGES`, when profiling
    """

    plans: tuple[PackedPlan, ...] = ()

    def __init__(self, threads: int, profile: bool = False) -> None:
        self.threads, self.profile = threads, profile
        self.stage_seconds = dict.fromkeys(STAGES, 0.0)
        self._stage_lock = threading.Lock()
        self.run = Workers(threads).run
        self._queue_lock = threading.Lock()
        self._forget()
        self._located = np.empty((0, N_LOCATED))

    def _forget(self) -> None:
        self._workspaces: dict[tuple[PackedPlan, ...], list[Workspace]] = {}
        self._sums: dict[int, OrderedSum] = {}

    def use(self, *plans: PackedPlan, unreduced: UnreducedPlans | None = None) -> None:
        """Evaluate these plans from now on; see `same_pairs`.

        Parameters
        ----------
        unreduced : gives the plans for atoms with neighbours closer than certified;
            None: the plans are evaluated everywhere
        """
        if self.plans != plans:
            self.plans, self._workspaces = plans, {}
        self._unreduced = unreduced

    def evaluate(
        self,
        hood: Neighbourhood,
        *wanted: Wanted | None,
        truncate: bool = True,
        atomic: bool = False,
    ) -> list[PipelineResult | None]:
        """Energies, forces and virial of a neighbourhood, by model.

        Parameters
        ----------
        wanted : of each model; None: it is left out
        truncate : keep the nearest ``sel`` neighbours of each type
        atomic : also per-atom virials and tallies
        """
        models = {m: one for m, one in enumerate(wanted) if one is not None}
        if not models:
            return [None] * len(wanted)
        n_types, n_all = self.plans[0].model.n_types, len(hood.positions)
        for m in models:
            self._sums.setdefault(m, OrderedSum()).start(n_all, atomic)
        given = self._given(hood, truncate, atomic, models)
        left_out = given.left_out
        with self._forgetting():
            blocks = blocks_of(hood, n_types)
            workspaces = self._go(self.plans, given, blocks, self._evaluate_block)
            rows = np.flatnonzero(left_out)
            if self._unreduced is not None and rows.size:
                blocks = blocks_of(hood, n_types, rows, len(blocks))
                again = given._replace(left_out=left_out[:0])
                plans = self._unreduced(hood.types)
                others = self._go(plans, again, blocks, self._evaluate_block)
                workspaces = [*workspaces, *others]
        domain = domain_of(workspaces, given.atoms, rows.size, self.plans[0].widest)
        return [
            PipelineResult(
                given.energies[m],
                self._sums[m].forces,
                self._sums[m].virial,
                self._sums[m].atomic_virials,
                domain,
            )
            if m in models
            else None
            for m in range(len(wanted))
        ]

    def fitting_inputs(
        self,
        hood: Neighbourhood,
        take: TakeBlock,
        *,
        truncate: bool,
        parameters: Doubles | None = None,
    ) -> Domain:
        """Take the blocks of a neighbourhood as far as the fitting nets of one model.

        The plan must be one that leaves nothing out.

        Parameters
        ----------
        take : called by the workers with each block and the inputs of its net
        truncate, parameters : as for `evaluate`
        """
        given = self._given(
            hood, truncate, atomic=False, models={0: Wanted(parameters)}
        )

        def handle(given: _Given, block: Block, work: Workspace, _: object) -> None:
            with self._timed("environment"):
                work.find_pairs(hood, given.located, block.rows, truncate)
            take(block, self._inputs(given, block, work.members[0], 0)[0])

        (plan,) = self.plans
        with self._forgetting():
            blocks = blocks_of(hood, plan.model.n_types)
            workspaces = self._go(self.plans, given, blocks, handle)
        return domain_of(workspaces, given.atoms, 0, plan.widest)

    def _given(
        self,
        hood: Neighbourhood,
        truncate: bool,
        atomic: bool,
        models: dict[int, Wanted],
    ) -> _Given:
        n_rows = len(hood.centres)
        left_out = np.zeros(n_rows if self._unreduced else 0, np.int32)
        atoms = atom_counts(self.plans[0], n_rows if atomic else 0)
        if atomic and self._unreduced:
            atoms = atoms._replace(unreduced=left_out)
        return _Given(
            hood=hood,
            located=self._locate(hood),
            truncate=truncate,
            atomic=atomic,
            wanted=models,
            energies={m: np.zeros(n_rows) for m in models},
            atoms=atoms,
            left_out=left_out,
        )

    @contextmanager
    def _forgetting(self) -> Iterator[None]:
        """Keeps nothing of an evaluation that ends early.

        A worker that an interrupt left behind must not touch the next sums.
        """
        try:
            yield
        except BaseException:
            self._forget()
            raise

    def _go(
        self,
        plans: tuple[PackedPlan, ...],
        given: _Given,
        blocks: Sequence[Block],
        handle: _Handle,
    ) -> list[Workspace]:
        """Take blocks through the stages of plans; returns what counted there."""
        workspaces = self._prepare(plans, given, blocks)
        stopped, waiting = threading.Event(), iter(blocks)

        def work(worker: int) -> None:
            # Numbers that overflow are told by the report, not by NumPy.
            with np.errstate(all="ignore"):
                work_on(workspaces[worker])

        def work_on(mine: Workspace) -> None:
            while not stopped.is_set():
                with self._queue_lock:
                    block = next(waiting, None)
                if block is None:
                    return
                try:
                    handle(given, block, mine, stopped)
                except BaseException:
                    stopped.set()
                    raise

        with one_blas_thread():
            n_workers = min(self.threads, len(blocks))
            self.run(work, [(w,) for w in range(n_workers)], stopped)
        return workspaces

    def _prepare(
        self, plans: tuple[PackedPlan, ...], given: _Given, blocks: Sequence[Block]
    ) -> list[Workspace]:
        size = max((len(block.rows) for block in blocks), default=1)
        found = self._workspaces.get(plans, [])
        if not found or found[0].size < size:
            found = [Workspace(plans, size) for _ in range(self.threads)]
            # Of other plans only those that are evaluated by themselves are kept.
            own = {k: v for k, v in self._workspaces.items() if k is self.plans}
            self._workspaces = own | {plans: found}
        for workspace in found:
            workspace.start(len(given.hood.positions), given.atoms, given.left_out)
        return found

    def _locate(self, hood: Neighbourhood) -> Doubles:
        """(n_all · 4,) see `locate`."""
        n = len(hood.types)
        if len(self._located) != n:
            self._located = np.empty((n, N_LOCATED))
        arrays = (hood.positions, hood.types, self._located)
        parts = slices(n, ATOMS_PER_TASK)
        self.run(locate, [tuple(array[part] for array in arrays) for part in parts])
        return self._located.reshape(-1)

    def _timed(self, stage: str) -> AbstractContextManager[None]:
        return self._counted(stage) if self.profile else NOT_TIMED

    @contextmanager
    def _counted(self, stage: str) -> Iterator[None]:
        start = time.thread_time()
        yield
        with self._stage_lock:
            self.stage_seconds[stage] += time.thread_time() - start

    def _inputs(
        self, given: _Given, block: Block, own: MemberBuffers, model: int
    ) -> tuple[Floats, Floats]:
        """The inputs of a model's fitting net as (B, n_inputs), and flat."""
        species, rows = block.species, block.rows
        flat, inputs = own.inputs(species, len(rows))
        with self._timed("moments"):
            for stage in own.stages:
                stage.take_pairs(species)
                stage.forward(species, len(rows), flat)
        parameters = given.wanted[model].parameters
        if parameters is not None:
            inputs[:, inputs.shape[1] - parameters.shape[1] :] = parameters[rows]
        return inputs, flat

    def _evaluate_block(
        self, given: _Given, block: Block, work: Workspace, stopped: threading.Event
    ) -> None:
        """The energies of a block by model; forces go to the sums."""
        with self._timed("environment"):
            share = work.find_pairs(
                given.hood, given.located, block.rows, given.truncate
            )
        for model in given.wanted:
            self._evaluate_model(given, block, work, model, share, stopped)

    def _evaluate_model(
        self,
        given: _Given,
        block: Block,
        work: Workspace,
        number: int,
        share: Any,
        stopped: threading.Event,
    ) -> None:
        """The energies of a block whose pairs are found.

        Parameters
        ----------
        number : of the model
        share : of the fitting net's energy, (B,) or 1.0
        """
        own, (place, species, rows) = work.members[number], block
        plan, n, wanted = own.plan, len(rows), given.wanted[number]
        inputs, flat = self._inputs(given, block, own, number)
        model = plan.model
        scale = float(model.scale[species])
        with self._timed("fitting"):
            net = plan.fitting[species]
            output = net(inputs, own.fitting[species], inputs, scale * share)
            output -= _vacuum(model, species, wanted.parameters, rows)
            deep = output * scale + float(model.bias[species])
            energies: Doubles = np.asarray(deep, np.float64)
        with self._timed("gradients"):
            for stage in own.stages:
                stage.backward(species, n, flat)
            if own.pair_potential is not None:
                energies = own.pair_potential.energies(species, energies)
        with self._timed("forces"):
            sums = self._sums[number]
            found = sums.room(place, stopped)
            found.collect(given.hood, rows, own.gradients, work.slot, given.atomic)
            sums.add(place, found)
        if wanted.pair_gradients is not None:
            for part in own.gradients:
                list_gradients(given.hood, rows, *part, wanted.pair_gradients)
        given.energies[number][rows] = energies


def _vacuum(
    model: Model, species: int, parameters: Doubles | None, rows: Integers
) -> Any:
    """What the fitting net would give without neighbours, where that counts."""
    net = model.vacuum[species] if model.vacuum else None
    if net is None:
        return 0.0
    own = np.empty((len(rows), 0)) if parameters is None else parameters[rows]
    return net(own)[:, 0]
