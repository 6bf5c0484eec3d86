"""The pipeline on the CPU: blocks of atoms of one type through all stages.

environment → moments → descriptors → fitting → back → pair gradients → forces

Centres with a neighbour closer than the plan is certified for are left out there, and
go through the stages of the unreduced plan afterwards.
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
from ..kernels.counters import COINCIDENT
from ..kernels.cpu.environment import locate
from ..kernels.layout import N_LOCATED, Neighbourhood
from ..model import Model
from ..results import AtomCounts
from ..runtime.blas_threads import one_blas_thread
from .blocks import Block, blocks_of
from .force_sums import OrderedSum
from .packed_plan import PackedPlan
from .spatial_order import slices
from .threads import Workers
from .workspace import Workspace, atom_counts

ATOMS_PER_TASK = 2**16  # whose positions are copied
STAGES = ("environment", "moments", "fitting", "gradients", "forces")
NOT_TIMED = nullcontext()

UnreducedPlan = Callable[[Integers], PackedPlan]  # that serves the types of an array
TakeBlock = Callable[[Block, Floats], None]  # with (B, n_inputs), used until it ends


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
    pair_gradients: Doubles | None
    energies: Doubles  # modified
    atoms: AtomCounts  # modified
    left_out: Int32s  # modified


_Handle = Callable[[PackedPlan, _Given, Block, Workspace, threading.Event], None]


class Pipeline:
    """Evaluates plans with a fixed number of threads; `use` names the plan.

    Parameters
    ----------
    threads : workers; each runs kernels that release the GIL and one BLAS thread
    profile : measure the time of each stage

    Attributes
    ----------
    stage_seconds : processor seconds of the workers in `STAGES`, when profiling
    """

    plan: PackedPlan

    def __init__(self, threads: int, profile: bool = False) -> None:
        self.threads, self.profile = threads, profile
        self.stage_seconds = dict.fromkeys(STAGES, 0.0)
        self._stage_lock = threading.Lock()
        self.run = Workers(threads).run
        self._queue_lock = threading.Lock()
        self._forget()
        self._located = np.empty((0, N_LOCATED))

    def _forget(self) -> None:
        self._workspaces: dict[PackedPlan, list[Workspace]] = {}
        self._sums = OrderedSum()

    def use(self, plan: PackedPlan, unreduced: UnreducedPlan | None = None) -> None:
        """Evaluate this plan from now on.

        Parameters
        ----------
        unreduced : gives the plan for atoms with neighbours closer than certified;
            None: the plan is evaluated everywhere
        """
        if getattr(self, "plan", None) is not plan:
            self.plan, self._workspaces = plan, {}
        self._unreduced = unreduced

    def evaluate(
        self,
        hood: Neighbourhood,
        *,
        truncate: bool = True,
        atomic: bool = False,
        parameters: Doubles | None = None,
        pair_gradients: Doubles | None = None,
    ) -> PipelineResult:
        """Energies, forces and virial of a neighbourhood.

        Parameters
        ----------
        truncate : keep the nearest ``sel`` neighbours of each type
        atomic : also per-atom virials and tallies
        parameters : (n_rows, n_parameters) of frame and atoms, normalised
        pair_gradients : (n_list, 3) that dE_i/dd_ij, eV/Å, are added to
        """
        n_types = self.plan.model.n_types
        self._sums.start(len(hood.positions), atomic)
        given = self._given(hood, truncate, atomic, pair_gradients)
        left_out = given.left_out
        with self._forgetting():
            blocks = blocks_of(hood, n_types, parameters)
            workspaces = self._go(self.plan, given, blocks, self._evaluate_block)
            rows = np.flatnonzero(left_out)
            if self._unreduced is not None and rows.size:
                blocks = blocks_of(hood, n_types, parameters, rows, len(blocks))
                again = given._replace(left_out=left_out[:0])
                plan = self._unreduced(hood.types)
                others = self._go(plan, again, blocks, self._evaluate_block)
                workspaces = [*workspaces, *others]
        sums, widest = self._sums, self.plan.widest
        domain = _domain(workspaces, given.atoms, rows.size, widest)
        return PipelineResult(
            given.energies, sums.forces, sums.virial, sums.atomic_virials, domain
        )

    def fitting_inputs(
        self,
        hood: Neighbourhood,
        take: TakeBlock,
        *,
        truncate: bool,
        parameters: Doubles | None = None,
    ) -> Domain:
        """Take the blocks of a neighbourhood as far as the fitting nets.

        The plan must be one that leaves nothing out.

        Parameters
        ----------
        take : called by the workers with each block and the inputs of its net
        truncate, parameters : as for `evaluate`
        """
        given = self._given(hood, truncate, atomic=False, pair_gradients=None)

        def handle(
            plan: PackedPlan, given: _Given, block: Block, work: Workspace, _: object
        ) -> None:
            take(block, self._inputs(plan, given, block, work)[0])

        with self._forgetting():
            blocks = blocks_of(hood, self.plan.model.n_types, parameters)
            workspaces = self._go(self.plan, given, blocks, handle)
        return _domain(workspaces, given.atoms, 0, self.plan.widest)

    def _given(
        self,
        hood: Neighbourhood,
        truncate: bool,
        atomic: bool,
        pair_gradients: Doubles | None,
    ) -> _Given:
        n_rows = len(hood.centres)
        left_out = np.zeros(n_rows if self._unreduced else 0, np.int32)
        atoms = atom_counts(self.plan, n_rows if atomic else 0)
        if atomic and self._unreduced:
            atoms = atoms._replace(unreduced=left_out)
        return _Given(
            hood=hood,
            located=self._locate(hood),
            truncate=truncate,
            atomic=atomic,
            pair_gradients=pair_gradients,
            energies=np.zeros(n_rows),
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
        plan: PackedPlan,
        given: _Given,
        blocks: Sequence[Block],
        handle: _Handle,
    ) -> list[Workspace]:
        """Take blocks through the stages of a plan; returns what counted there."""
        workspaces = self._prepare(plan, given, blocks)
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
                    handle(plan, given, block, mine, stopped)
                except BaseException:
                    stopped.set()
                    raise

        with one_blas_thread():
            n_workers = min(self.threads, len(blocks))
            self.run(work, [(w,) for w in range(n_workers)], stopped)
        return workspaces

    def _prepare(
        self, plan: PackedPlan, given: _Given, blocks: Sequence[Block]
    ) -> list[Workspace]:
        size = max((len(block.rows) for block in blocks), default=1)
        found = self._workspaces.get(plan, [])
        if not found or found[0].size < size:
            found = [Workspace(plan, size) for _ in range(self.threads)]
            # Of other plans only the one that is evaluated by itself is kept.
            own = {k: v for k, v in self._workspaces.items() if k is self.plan}
            self._workspaces = own | {plan: found}
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
        self, plan: PackedPlan, given: _Given, block: Block, work: Workspace
    ) -> tuple[Floats, Floats, Any]:
        """The inputs of the fitting net and the share of its energy.

        The inputs are given as (B, n_inputs) and flat.
        """
        hood, located, truncate = given.hood, given.located, given.truncate
        _, species, rows, parameters = block
        n, pair_potential = len(rows), work.pair_potential
        flat, inputs = work.begin_block(species, n)
        share: Any = 1.0
        with self._timed("environment"):
            for stage, tally in zip(work.stages, work.tallies, strict=True):
                stage.environment(hood, located, rows, truncate, tally)
            if pair_potential is not None:
                share = pair_potential.environment(
                    hood, located, rows, truncate, work.over, work.left_out
                )
            work.count_overflow(n)
        with self._timed("moments"):
            for stage in work.stages:
                stage.forward(species, n, flat)
        inputs[:, inputs.shape[1] - plan.model.n_parameters :] = parameters
        return inputs, flat, share

    def _evaluate_block(
        self,
        plan: PackedPlan,
        given: _Given,
        block: Block,
        work: Workspace,
        stopped: threading.Event,
    ) -> None:
        """The energies of a block; its forces go to the sums."""
        inputs, flat, share = self._inputs(plan, given, block, work)
        model, hood, (number, species, rows, parameters) = plan.model, given.hood, block
        n, pair_potential = len(rows), work.pair_potential
        scale = float(model.scale[species])
        with self._timed("fitting"):
            net = plan.fitting[species]
            output = net(inputs, work.fitting[species], inputs, scale * share)
            output -= _vacuum(model, species, parameters)
            deep = output * scale + float(model.bias[species])
            energies: Doubles = np.asarray(deep, np.float64)
        with self._timed("gradients"):
            for stage in work.stages:
                stage.backward(species, n, flat)
            if pair_potential is not None:
                energies = pair_potential.energies(species, energies)
        with self._timed("forces"):
            found = self._sums.room(number, stopped)
            found.collect(hood, rows, work.pair_buffers, work.slot, given.atomic)
            self._sums.add(number, found)
        if given.pair_gradients is not None:
            work.list_gradients(hood, rows, given.pair_gradients)
        given.energies[rows] = energies


def _vacuum(model: Model, species: int, parameters: Doubles) -> Any:
    """What the fitting net would give without neighbours, where that counts."""
    net = model.vacuum[species] if model.vacuum else None
    return 0.0 if net is None else net(parameters)[:, 0]


def _domain(
    workspaces: Sequence[Workspace],
    atoms: AtomCounts,
    n_unreduced: int,
    widest: int,
) -> Domain:
    counters = []
    for tallies in zip(*(w.tallies for w in workspaces), strict=True):
        total = np.sum([t.counters for t in tallies], axis=0)
        total[COINCIDENT] = max(t.counters[COINCIDENT] for t in tallies)
        counters.append(total)
    return Domain(
        counters=counters,
        seen=np.sum([w.tallies[widest].seen for w in workspaces], axis=0),
        n_over=sum(w.n_over for w in workspaces),
        n_over_table=sum(
            w.pair_potential.n_over if w.pair_potential else 0 for w in workspaces
        ),
        n_unreduced=n_unreduced,
        below_table=max(
            w.pair_potential.below_table if w.pair_potential else 0 for w in workspaces
        ),
        atoms=atoms,
    )
