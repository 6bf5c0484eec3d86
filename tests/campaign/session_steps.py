"""Walks of a session over structures that move, strain, jump, grow and go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from families import parameters
from random_model import random_structure

import dpse_fast
from dpse_fast.errors import InputError

from .good_arguments import MODELS
from .oracle import differ
from .target import Outcome, Target

STEPS = 100
EVERY = 5  # compared with a potential that keeps no list
LIMIT = 1e-9
CELLS = ("cubic", "triclinic", "slab", "wire", "open")
MOST_ATOMS = 16


class Walk:
    """A structure that changes at random.

    Its atoms keep a distance of 0.7 Å at least in a move, so that numbers stay of
    the order of ten.
    """

    def __init__(self, model: Any, rng: np.random.Generator) -> None:
        self.model, self.rng = model, rng
        kind = str(rng.choice(CELLS))
        n = int(rng.integers(2, 13))
        s = random_structure(kind, model.n_types, int(rng.integers(2**31)), n)
        self.positions, self.types, self.cell, self.pbc = s
        self._first_cell = None if self.cell is None else self.cell.copy()
        self._given = parameters(model, n, int(rng.integers(2**31)))

    def step(self) -> None:
        """One random change, most often a small one."""
        before = (self.positions, self.types, self.cell, self._given)
        change = self.rng.choice(
            [self._move, self._strain, self._jump, self._wrap, self._species,
             self._grow, self._shrink, self._parameters, self._shift],
            p=[0.6, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025],
        )  # fmt: skip
        change()
        if not self._is_apart():
            self.positions, self.types, self.cell, self._given = before

    def arguments(self) -> tuple[Any, ...]:
        """In the order of `compute`."""
        given = self._given
        return (self.positions, self.types, self.cell, self.pbc, *given.values())

    def wrong(self) -> tuple[Any, ...]:
        """The same with an error in it."""
        at, types, cell, *rest = self.arguments()
        kind = int(self.rng.integers(4))
        if kind == 0:
            at = np.where(np.arange(at.size).reshape(at.shape) == 0, np.nan, at)
        elif kind == 1:
            types = np.full(len(types), 77)
        elif kind == 2:
            at = np.repeat(at, 2, axis=0)
        else:
            at = at[:, :2]
        return (at, types, cell, *rest)

    def _is_apart(self) -> bool:
        shifts = np.zeros((1, 3))
        if self.cell is not None:
            grid = np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T
            shifts = grid * self.pbc @ self.cell
        at = self.positions
        if self.cell is not None:
            places = at @ np.linalg.inv(self.cell)
            at = at - np.floor(places) * self.pbc @ self.cell
        d = at[:, None, None] - at[None, :, None] + shifts
        r = np.linalg.norm(d, axis=-1)
        return bool(np.sort(r.ravel())[len(at)] > 0.7) if r.size > len(at) else True

    def _move(self) -> None:
        width = float(self.rng.choice([0.01, 0.05, 0.2]))
        self.positions = self.positions + self.rng.normal(
            0, width, self.positions.shape
        )

    def _jump(self) -> None:
        self.positions = self.positions.copy()
        k = int(self.rng.integers(len(self.positions)))
        self.positions[k] += self.rng.normal(0, 3.0, 3)

    def _shift(self) -> None:
        self.positions = self.positions + self.rng.normal(0, 20.0, 3)

    def _wrap(self) -> None:
        if self.cell is not None:
            turns = self.rng.integers(-3, 4, self.positions.shape) * self.pbc
            self.positions = self.positions + turns @ self.cell

    def _strain(self) -> None:
        if self.cell is None or self._first_cell is None:
            return
        deform = np.eye(3) + self.rng.normal(
            0, float(self.rng.choice([1e-3, 0.02])), (3, 3)
        )
        cell = self.cell @ deform
        ratio = np.linalg.norm(cell, axis=1) / np.linalg.norm(self._first_cell, axis=1)
        if (np.abs(ratio - 1) < 0.25).all():
            self.cell, self.positions = cell, self.positions @ deform

    def _species(self) -> None:
        types = self.types.copy()
        k = int(self.rng.integers(len(types)))
        types[k] = self.rng.integers(self.model.n_types)
        self.types = types

    def _grow(self) -> None:
        if len(self.types) >= MOST_ATOMS:
            return
        place = (
            self.rng.uniform(0, 9, (1, 3))
            if self.cell is None
            else (self.rng.uniform(size=(1, 3)) @ self.cell)
        )
        self.positions = np.concatenate([self.positions, place])
        self.types = np.append(self.types, self.rng.integers(self.model.n_types))
        self._given = parameters(
            self.model, len(self.types), int(self.rng.integers(99))
        )

    def _shrink(self) -> None:
        if len(self.types) > 1:
            self.positions, self.types = self.positions[:-1], self.types[:-1]
            self._given = parameters(
                self.model, len(self.types), int(self.rng.integers(99))
            )

    def _parameters(self) -> None:
        self._given = parameters(
            self.model, len(self.types), int(self.rng.integers(99))
        )


class SessionSteps(Target):
    name = "steps"
    promise = (
        "A session that keeps its neighbour list gives the numbers of a new one at "
        f"every step (within {LIMIT:g} eV and eV/Å), also after jumps and errors"
    )
    tried = (
        f"walks of {STEPS} steps of sessions and batches with a skin: small moves, "
        "jumps, strain, other images, other atoms and types, parameters, wrong "
        f"arguments; every {EVERY}th step is compared"
    )
    share = 2.0
    time_limit = 120.0
    full = 1_200

    def prepare(self, folder: Path) -> None:
        self.potentials = {
            name: dpse_fast.load(model, threads=1, tol=0.0)
            for name, model in MODELS.items()
        }
        for name, potential in self.potentials.items():
            potential.compute_batch([Walk(MODELS[name], self.rng(0)).arguments()])

    def execute(self, number: int, folder: Path) -> Outcome:
        rng = self.rng(number)
        name = list(MODELS)[number % len(MODELS)]
        potential, model = self.potentials[name], MODELS[name]
        walks = [Walk(model, rng) for _ in range(2 if rng.random() < 0.3 else 1)]
        skin = float(rng.choice([0.0, 0.3, 1.0, 2.5]))
        batch = len(walks) > 1
        session: Any = (
            potential.batch_session(skin) if batch else potential.session(skin)
        )

        def compute(systems: list[tuple[Any, ...]]) -> list[Any]:
            if batch:
                return list(session.compute(systems))
            at, types, cell, pbc, fparam, aparam = systems[0]
            given = {"pbc": pbc, "fparam": fparam, "aparam": aparam}
            return [session.compute(at, types, cell, **given)]

        counts = {"steps": STEPS, "compared": 0, "errors between": 0}
        for step in range(STEPS):
            for walk in walks:
                walk.step()
            systems = [walk.arguments() for walk in walks]
            if rng.random() < 0.05:
                wrong = [*systems[:-1], walks[-1].wrong()]
                try:
                    compute(wrong)
                except InputError:
                    counts["errors between"] += 1
                else:
                    raise AssertionError(f"step {step}: wrong arguments are accepted")
            found = compute(systems)
            if step % EVERY:
                continue
            for one, system in zip(found, systems, strict=True):
                (fresh,) = potential.compute_batch([system])
                gap = differ(one, fresh, LIMIT)
                assert gap is None, f"step {step}, {name}, skin {skin}: {gap}"
                counts["compared"] += 1
        return Outcome(counts, {"list builds": float(session.list_builds)})
