"""Evaluations one after another, with the list and the buffers of the last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .boundary import System, check_amount, check_system
from .engine import Engine, Evaluation
from .errors import InputError
from .kernels.cpu.environment import (
    COINCIDENT,
    N_COUNTERS,
    SHORT_PAIRS,
    TRUNCATED_ATOMS,
)
from .neighbours import NeighbourList
from .plan import Plan
from .results import Result, SelOverflow

Floats = NDArray[np.float64]
Report = Callable[[SelOverflow | None, int], None]

DEFAULT_SKIN = 1.0  # Å


class Session:
    """Computes step after step, keeping the neighbour list and all buffers.

    Made by `Potential.session`. The list is rebuilt when an atom has moved by
    half the skin, or when the cell, the types or the number of atoms change.

    Attributes
    ----------
    list_builds : how often the neighbour list was built
    stage_seconds : seconds in each stage, summed over threads, when profiling
    """

    def __init__(
        self,
        plan: Plan,
        threads: int,
        report: Report,
        *,
        keep_all: bool,
        skin: float,
        profile: bool,
        warn_once: bool,
    ) -> None:
        skin = check_amount(skin, "skin", "a length in Å")
        self._type_map = plan.model.type_map
        self._report = report
        self._truncate = not keep_all
        self._warn_once, self._warned = warn_once, (False, False)
        self._engine = Engine(plan, threads, profile)
        cutoff = plan.environments.switch.cutoff
        self._list = NeighbourList(cutoff, skin, self._engine.run)
        self._lock = threading.Lock()
        self._neighbour_seconds = 0.0

    @property
    def list_builds(self) -> int:
        return self._list.builds

    @property
    def stage_seconds(self) -> dict[str, float]:
        return {"neighbours": self._neighbour_seconds, **self._engine.stage_seconds}

    def compute(
        self,
        positions: ArrayLike,
        types: ArrayLike | Sequence[str],
        cell: ArrayLike | None = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        atomic: bool = False,
    ) -> Result:
        """As `Potential.compute`."""
        system = check_system(positions, types, cell, pbc, self._type_map)
        with self._lock:
            start = time.perf_counter()
            self._list.update(system)
            self._neighbour_seconds += time.perf_counter() - start
            found = self._engine.evaluate(
                self._list.hood, truncate=self._truncate, atomic=atomic
            )
            return self._result(system, found, atomic)

    def _warn(self, overflow: SelOverflow | None, short: int) -> None:
        seen = self._warned if self._warn_once else (False, False)
        kinds = (bool(overflow), bool(short))
        if any(kind and not old for kind, old in zip(kinds, seen, strict=True)):
            self._report(overflow if not seen[0] else None, short if not seen[1] else 0)
        self._warned = (seen[0] or kinds[0], seen[1] or kinds[1])

    def _result(self, system: System, found: Evaluation, atomic: bool) -> Result:
        n, hood, owners = len(system.positions), self._list.hood, self._list.owners
        names = self._type_map
        if atom := int(found.counters[COINCIDENT]):
            raise InputError(
                f"positions: another atom, or an image, lies on atom "
                f"{int(owners[atom - 1])}; expected distinct positions"
            )
        overflow = None
        if n_atoms := int(found.counters[TRUNCATED_ATOMS]):
            of_type = zip(names, found.counters[N_COUNTERS:].tolist(), strict=True)
            overflow = SelOverflow(n_atoms, {name: k for name, k in of_type if k})
        short = -(-int(found.counters[SHORT_PAIRS]) // 2)
        self._warn(overflow, short)
        atomic_energies = np.empty(n)
        atomic_energies[owners[hood.centres]] = found.energies
        forces = _onto_owners(found.forces, owners, n)
        virials = None
        if atomic:
            flat = found.atomic_virials.reshape(-1, 9)
            virials = _onto_owners(flat, owners, n).reshape(n, 3, 3)
        return Result(
            energy=float(atomic_energies.sum()),
            forces=forces,
            virial=found.virial.copy(),
            atomic_energies=atomic_energies if atomic else None,
            atomic_virials=virials,
            sel_overflow=overflow,
            short_pairs=short,
        )


def _onto_owners(values: Floats, owners: NDArray[np.int32], n: int) -> Floats:
    """Sum the rows of images onto their atoms."""
    columns = [np.bincount(owners, column, n) for column in values.T]
    return np.ascontiguousarray(np.stack(columns, axis=1))
