"""The pipeline on the CPU: blocks of atoms of one type through all stages.

environment → moments → descriptors → fitting → back → pair gradients → forces
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .blas import one_blas_thread
from .kernels.cpu.environment import COINCIDENT, environments
from .kernels.cpu.forces import scatter_atomic_virials, scatter_forces
from .kernels.cpu.moments import (
    descriptors,
    moment_gradients,
    moments,
    pair_gradients,
)
from .kernels.layout import Neighbourhood
from .plan import Plan
from .workspace import Workspace

Floats = NDArray[np.float64]

BLOCK = 128  # atoms: D of a block and a first layer's weights share the L2/L3
STAGES = ("environment", "moments", "fitting", "gradients", "forces")

Share = list[tuple[int, NDArray[np.int64]]]  # blocks: type, rows of the list


class Evaluation(NamedTuple):
    """What the pipeline gives, over the atoms of its neighbourhood."""

    energies: Floats  # (n_rows,) eV, of the list's centres
    forces: Floats  # (n_all, 3) eV/Å, of atoms and images
    virial: Floats  # (3, 3) eV
    atomic_virials: Floats  # (n_all, 3, 3) eV; (0, 3, 3) unless asked for
    counters: NDArray[np.int64]  # see kernels.cpu.environment


class Engine:
    """Evaluates a plan with a fixed number of threads.

    Parameters
    ----------
    plan : Plan
    threads : workers; each runs kernels that release the GIL and one BLAS thread
    profile : measure the time of each stage

    Attributes
    ----------
    stage_seconds : worker-seconds spent in each of `STAGES`, when profiling
    """

    def __init__(self, plan: Plan, threads: int, profile: bool = False) -> None:
        self.plan, self.threads, self.profile = plan, threads, profile
        self.stage_seconds = dict.fromkeys(STAGES, 0.0)
        self._stage_lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0
        self._workspaces: list[Workspace] = []

    def run(
        self,
        function: Callable[..., None],
        tasks: Iterable[tuple[Any, ...]],
        stopped: threading.Event | None = None,
    ) -> None:
        """Call the function on each task, spread over the threads.

        After an interrupt ``stopped`` is set, and tasks that run are waited for.
        """
        if self.threads == 1:
            for task in tasks:
                function(*task)
            return
        pool = self._threads()
        pending: list[Future[None]] = []
        try:
            pending += [pool.submit(function, *task) for task in tasks]
            wait(pending)
        except BaseException:
            if stopped is not None:
                stopped.set()
            for future in pending:
                future.cancel()
            wait(pending)
            raise
        for future in pending:
            future.result()

    def _threads(self) -> ThreadPoolExecutor:
        """The workers of this process: a fork does not take threads along."""
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(self.threads, "dpse-fast")
            self._process = os.getpid()
        return self._pool

    def evaluate(
        self, hood: Neighbourhood, *, truncate: bool = True, atomic: bool = False
    ) -> Evaluation:
        """Energies, forces and virial of a neighbourhood.

        Parameters
        ----------
        truncate : keep the nearest ``sel`` neighbours of each type
        atomic : also per-atom virials
        """
        shares = _shares(hood, self.plan.model.n_types, self.threads)
        energies = np.empty(len(hood.centres))
        workspaces = self._prepare(shares, len(hood.positions), atomic)

        stopped = threading.Event()

        def work(worker: int) -> None:
            mine = workspaces[worker]
            for species, rows in shares[worker]:
                if stopped.is_set():
                    return
                self._block(hood, species, rows, truncate, atomic, mine, energies)

        workers = [(w,) for w in range(self.threads) if shares[w]]
        try:
            with one_blas_thread():
                self.run(work, workers, stopped)
        except BaseException:
            # A worker that an interrupt left behind must not touch the next sums.
            self._workspaces = []
            raise
        return _gather(workspaces, energies)

    def _prepare(
        self, shares: Sequence[Share], n_all: int, atomic: bool
    ) -> list[Workspace]:
        size = max((len(rows) for share in shares for _, rows in share), default=1)
        if not self._workspaces or self._workspaces[0].size < size:
            self._workspaces = [Workspace(self.plan, size) for _ in range(self.threads)]
        for workspace in self._workspaces:
            workspace.start(n_all, atomic)
        return self._workspaces

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        if self.profile:
            with self._stage_lock:
                self.stage_seconds[stage] += time.perf_counter() - start

    def _block(
        self,
        hood: Neighbourhood,
        species: int,
        rows: NDArray[np.int64],
        truncate: bool,
        atomic: bool,
        work: Workspace,
        energies: Floats,
    ) -> None:
        plan, model = self.plan, self.plan.model
        env, n = plan.environments, len(rows)
        scale = 1.0 / model.descriptor.normalisation
        shape = (model.descriptor.axis_neuron, model.descriptor.width)
        n_listed = int((hood.first[rows + 1] - hood.first[rows]).sum())
        pairs = work.pairs_of(n, n_listed)
        flat, block = work.descriptors_of(n)
        registers, table = plan.n_registers, plan.coefficients
        with self._timed("environment"):
            environments(hood, rows, env, truncate, pairs, work.counters)
        with self._timed("moments"):
            moments(
                pairs,
                env.sel,
                species,
                table,
                plan.padding,
                scale,
                registers,
                work.moments,
            )
            descriptors(work.moments, *shape, registers, flat)
        with self._timed("fitting"):
            factor = float(model.scale[species])
            output = plan.fitting[species](block, work.fitting[species], block, factor)
            energies[rows] = output * factor + float(model.bias[species])
        with self._timed("gradients"):
            moment_gradients(work.moments, flat, *shape, registers, work.moment_slopes)
            pair_gradients(
                pairs, table, scale, registers, work.moment_slopes, work.gradients
            )
        with self._timed("forces"):
            scatter_forces(hood, rows, pairs, work.gradients, work.forces, work.virial)
            if atomic:
                scatter_atomic_virials(pairs, work.gradients, work.atomic_virials)


def _shares(hood: Neighbourhood, n_types: int, threads: int) -> list[Share]:
    """The blocks of each worker: equal parts of every type, neighbours in space."""
    types = hood.types[hood.centres]
    shares: list[Share] = [[] for _ in range(threads)]
    for species in range(n_types):
        rows = np.flatnonzero(types == species)
        each = -(-len(rows) // (threads * BLOCK))
        for k, block in enumerate(np.array_split(rows, threads * each) if each else ()):
            if len(block):
                shares[k // each].append((species, block))
    return shares


def _gather(workspaces: Sequence[Workspace], energies: Floats) -> Evaluation:
    first, *rest = workspaces
    coincident = max(int(w.counters[COINCIDENT]) for w in workspaces)
    for other in rest:
        first.forces += other.forces
        first.virial += other.virial
        first.atomic_virials += other.atomic_virials
        first.counters += other.counters
    first.counters[COINCIDENT] = coincident
    return Evaluation(
        energies, first.forces, first.virial, first.atomic_virials, first.counters
    )
