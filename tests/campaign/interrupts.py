"""Ctrl-C at random moments of everything that takes time."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from families import family
from random_model import random_model, random_structure

import dpse_fast

from .oracle import differ
from .session_steps import Walk
from .target import Target

LIMIT = 1e-9


class Interrupts(Target):
    name = "interrupts"
    promise = "After Ctrl-C at any moment the same objects give right numbers"
    tried = (
        "SIGINT at random moments of `compute` on two threads, sessions, batches, "
        "loading and planning; then the interrupted object computes again"
    )
    time_limit = 120.0
    batch = 5
    full = 2_000

    def prepare(self, folder: Path) -> None:
        self.model = random_model()
        s = random_structure("cubic")
        shifts = np.array(np.meshgrid(*[range(4)] * 3)).reshape(3, -1).T @ s.cell
        positions = (shifts[:, None] + s.positions).reshape(-1, 3)
        self.box = (positions, np.tile(s.types, len(shifts)), 4 * s.cell)
        self.small = s[:3]
        potential = dpse_fast.load(self.model, threads=1)
        self.of_box = potential.compute(*self.box)
        self.of_small = potential.compute(*self.small)

    def execute(self, number: int, folder: Path) -> str:
        rng = self.rng(number)
        kind = str(rng.choice(["compute", "session", "batch", "plan", "listed"]))
        act, check = getattr(self, f"_{kind}")(rng)
        delay = float(rng.uniform(0.0, 0.15))
        was_interrupted = interrupted(act, delay)
        check()
        return f"{kind} interrupted" if was_interrupted else f"{kind} finished"

    def _close(self, found: Any, expected: Any, kind: str) -> None:
        gap = differ(found, expected, LIMIT)
        assert gap is None, f"{kind}: {gap}"

    def _compute(self, rng: Any) -> tuple[Callable[[], None], Callable[[], None]]:
        potential = dpse_fast.load(self.model, threads=int(rng.integers(1, 4)))

        def act() -> None:
            for _ in range(5):
                potential.compute(*self.box)

        return act, lambda: self._close(
            potential.compute(*self.box), self.of_box, "compute"
        )

    def _session(self, rng: Any) -> tuple[Callable[[], None], Callable[[], None]]:
        session = dpse_fast.load(self.model, threads=2).session(skin=0.4)
        moves = rng.normal(0, 0.15, (10, *self.box[0].shape))

        def act() -> None:
            for move in moves:
                session.compute(self.box[0] + move, *self.box[1:])

        return act, lambda: self._close(
            session.compute(*self.box), self.of_box, "session"
        )

    def _batch(self, rng: Any) -> tuple[Callable[[], None], Callable[[], None]]:
        session = dpse_fast.load(self.model, threads=2).batch_session(skin=0.4)
        walk = Walk(self.model, rng)

        def act() -> None:
            for _ in range(30):
                walk.step()
                session.compute([walk.arguments(), self.small, self.box])

        def check() -> None:
            found = session.compute([self.small, self.box])
            for one, expected in zip(found, (self.of_small, self.of_box), strict=True):
                self._close(one, expected, "batch")

        return act, check

    def _listed(self, rng: Any) -> tuple[Callable[[], None], Callable[[], None]]:
        potential = dpse_fast.load(self.model, threads=2)

        def act() -> None:
            for _ in range(10):
                potential.compute_batch([self.small, self.box], atomic=True)

        def check() -> None:
            found = potential.compute_batch([self.box, self.small])
            for one, expected in zip(found, (self.of_box, self.of_small), strict=True):
                self._close(one, expected, "compute_batch")

        return act, check

    def _plan(self, rng: Any) -> tuple[Callable[[], None], Callable[[], None]]:
        model = family("hybrid", seed=int(rng.integers(1000)))
        made: list[Any] = []

        def act() -> None:
            made.append(dpse_fast.load(model, threads=1))
            for _ in range(20):
                made[0].compute(*self.small)

        def check() -> None:
            again = dpse_fast.load(model, threads=1)
            expected = again.compute(*self.small)
            if made:
                self._close(made[0].compute(*self.small), expected, "plan")

        return act, check


def interrupted(act: Callable[[], None], delay: float) -> bool:
    """Whether a SIGINT came before the end."""
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        try:
            act()
        finally:
            while timer.is_alive() and not timer.finished.is_set():
                timer.cancel()
            timer.join()
            time.sleep(0)  # a signal that was sent is handled here
    except KeyboardInterrupt:
        timer.cancel()
        timer.join()
        return True
    return False
