"""Forces of blocks, added up in the order of the blocks whoever computed them."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from ..array_types import Int32s, Integers
from ..kernels.cpu.forces import collect_forces, forget_places, merge_forces
from ..kernels.layout import Neighbourhood, Touched
from .pair_buffers import PairGradients

MOST_WAITING = 8  # blocks, whose forces take a megabyte each
LOOK_AGAIN = 0.1  # s


class BlockForces:
    """The forces of one block on the atoms that it touches; see `Touched`."""

    def __init__(self) -> None:
        self._capacity = 0
        self._atomic = False
        self.n = 0

    def collect(
        self,
        hood: Neighbourhood,
        rows: Integers,
        parts: Sequence[PairGradients],
        slot: Int32s,
        atomic: bool,
    ) -> None:
        """Take the pair gradients of all parts of a block.

        Parameters
        ----------
        slot : (n_all,) the worker's, all 0 before and after
        atomic : virials of atoms too
        """
        listed = int((hood.first[rows + 1] - hood.first[rows]).sum())
        self._make_room(min(len(slot), listed + len(rows)), atomic)
        self._virial.fill(0.0)
        self.n = 0
        touched = self.touched = Touched(
            slot=slot,
            atoms=self._atoms,
            forces=self._forces,
            virials=self._virials,
            virial=self._virial,
        )
        for part in parts:
            self.n = collect_forces(hood, rows, *part, touched, self.n)
        forget_places(touched, self.n)

    def _make_room(self, most: int, atomic: bool) -> None:
        if most <= self._capacity and atomic <= self._atomic:
            if not atomic and self._atomic:
                self._virials, self._atomic = np.empty((0, 9)), False
            return
        self._capacity, self._atomic = most, atomic
        self._atoms = np.empty(most, np.int32)
        self._forces = np.empty((most, 4))
        self._virials = np.empty((most if atomic else 0, 9))
        self._virial = np.empty((3, 3))


class OrderedSum:
    """The sums over all blocks: bitwise the same for any number of threads.

    Parameters
    ----------
    n_all : atoms with images

    Attributes
    ----------
    forces : (n_all, 3) eV/Å
    virial : (3, 3) eV
    atomic_virials : (n_all, 9) eV, or (0, 9)
    """

    def __init__(self) -> None:
        # A Condition that is interrupted while it is entered stays locked; a Lock not.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._free: list[BlockForces] = []
        self.forces = np.empty((0, 3))
        self.virial = np.zeros((3, 3))
        self.atomic_virials = np.empty((0, 9))

    def start(self, n_all: int, atomic: bool) -> None:
        """Forget the sums of the last evaluation."""
        if len(self.forces) != n_all:
            self.forces = np.empty((n_all, 3))
        n_virials = n_all if atomic else 0
        if len(self.atomic_virials) != n_virials:
            self.atomic_virials = np.empty((n_virials, 9))
        for total in (self.forces, self.virial, self.atomic_virials):
            total.fill(0.0)
        self._waiting: dict[int, BlockForces] = {}
        self._next = 0

    def room(self, block: int, stopped: threading.Event) -> BlockForces:
        """A place for the forces of a block.

        While a thread is held up with a block, others get only `MOST_WAITING` ahead.
        """
        with self._lock:
            while len(self._waiting) >= MOST_WAITING and block != self._next:
                if stopped.is_set():
                    break
                self._changed.wait(LOOK_AGAIN)
            return self._free.pop() if self._free else BlockForces()

    def add(self, block: int, found: BlockForces) -> None:
        """Add a block's forces once those of all blocks before it are in."""
        with self._lock:
            self._waiting[block] = found
            while (ready := self._waiting.pop(self._next, None)) is not None:
                merge_forces(
                    ready.touched,
                    ready.n,
                    self.forces,
                    self.virial,
                    self.atomic_virials,
                )
                self._free.append(ready)
                self._next += 1
            self._changed.notify_all()
