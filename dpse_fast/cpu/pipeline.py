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

from ..array_types import Doubles, Int32s, Integers
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
        n_rows, n_types = len(hood.centres), self.plan.model.n_types
        left_out = np.zeros(n_rows if self._unreduced else 0, np.int32)
        atoms = atom_counts(self.plan, n_rows if atomic else 0)
        if atomic and self._unreduced:
            atoms = atoms._replace(unreduced=left_out)
        self._sums.start(len(hood.positions), atomic)
        given = _Given(
            hood=hood,
            located=self._locate(hood),
            truncate=truncate,
            atomic=atomic,
            pair_gradients=pair_gradients,
            energies=np.zeros(n_rows),
            atoms=atoms,
            left_out=left_out,
        )
        try:
            blocks = blocks_of(hood, n_types, parameters)
            workspaces = self._go(self.plan, given, blocks)
            rows = np.flatnonzero(left_out)
            if self._unreduced is not None and rows.size:
                blocks = blocks_of(hood, n_types, parameters, rows, len(blocks))
                given = given._replace(left_out=left_out[:0])
                plan = self._unreduced(hood.types)
                workspaces = [*workspaces, *self._go(plan, given, blocks)]
        except BaseException:
            # A worker that an interrupt left behind must not touch the next sums.
            self._forget()
            raise
        return _gather(
            workspaces, self._sums, given.energies, atoms, rows.size, self.plan.widest
        )

    def _go(
        self, plan: PackedPlan, given: _Given, blocks: Sequence[Block]
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
                    found = self._block(plan, given, block, mine, stopped)
                    if given.pair_gradients is not None:
                        mine.list_gradients(
                            given.hood, block.rows, given.pair_gradients
                        )
                except BaseException:
                    stopped.set()
                    raise
                given.energies[block.rows] = found

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

    def _block(
        self,
        plan: PackedPlan,
        given: _Given,
        block: Block,
        work: Workspace,
        stopped: threading.Event,
    ) -> Doubles:
        """The energies of a block; its forces go to the sums."""
        hood, located, truncate = given.hood, given.located, given.truncate
        model, (number, species, rows, parameters) = plan.model, block
        n, pair_potential = len(rows), work.pair_potential
        flat, inputs = work.begin_block(species, n)
        scale = float(model.scale[species])
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
        with self._timed("fitting"):
            inputs[:, inputs.shape[1] - model.n_parameters :] = parameters
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
        return energies


def _vacuum(model: Model, species: int, parameters: Doubles) -> Any:
    """What the fitting net would give without neighbours, where that counts."""
    net = model.vacuum[species] if model.vacuum else None
    return 0.0 if net is None else net(parameters)[:, 0]


def _gather(
    workspaces: Sequence[Workspace],
    sums: OrderedSum,
    energies: Doubles,
    atoms: AtomCounts,
    n_unreduced: int,
    widest: int,
) -> PipelineResult:
    counters = []
    for tallies in zip(*(w.tallies for w in workspaces), strict=True):
        total = np.sum([t.counters for t in tallies], axis=0)
        total[COINCIDENT] = max(t.counters[COINCIDENT] for t in tallies)
        counters.append(total)
    domain = Domain(
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
    return PipelineResult(
        energies, sums.forces, sums.virial, sums.atomic_virials, domain
    )
