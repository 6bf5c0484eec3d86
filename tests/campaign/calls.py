"""Calls with good and with hostile arguments, compared with the oracle."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from ghosts import with_ghosts

import dpse_fast
from dpse_fast.errors import InputError

from .good_arguments import MODELS, Arguments, random_arguments, respelled
from .hostile_arguments import HOSTILE, must_fail
from .hostile_lists import HOSTILE_LISTS
from .oracle import differ, naive_numbers
from .target import Target, check_message

LIMIT = 1e-8  # eV and eV/Å for numbers of the order of ten
SLOWEST = 3.0  # seconds of processor time of a call
EXACT_INVERSE = 1e-3
OVERHEAD = 50  # pairs that an image alone takes as long as
MOST_IMAGES = 10**7  # pairs of atoms and images, for the oracle


class Calls(Target):
    name = "calls"
    promise = (
        "Good arguments of any spelling give the oracle's numbers; any others give one "
        f"InputError, within {SLOWEST:g} s, and the next call is right"
    )
    tried = (
        f"`compute`, sessions, batches and listed sessions of {len(MODELS)} families, "
        "with wrong types, shapes, dtypes and orders, NaN, subnormal numbers, masked "
        "arrays, thin, tiny and slanted cells, parameters, virtual atoms; numbers "
        "within 1e-8 eV and eV/Å of a reference in plain NumPy"
    )
    share = 2.0
    time_limit = 60.0
    batch = 20
    full = 40_000
    slowest = SLOWEST

    def prepare(self, folder: Path) -> None:
        self.potentials = {
            name: dpse_fast.load(model, threads=1, tol=0.0)
            for name, model in MODELS.items()
        }
        for name, potential in self.potentials.items():
            given = random_arguments(MODELS[name], self.rng(0))
            potential.compute(given.pop("positions"), given.pop("types"), **given)

    def execute(self, number: int, folder: Path) -> str:
        rng = self.rng(number)
        name = list(MODELS)[number % len(MODELS)]
        potential, model = self.potentials[name], MODELS[name]
        meaning = random_arguments(model, rng)
        given = dict(meaning)
        way = str(rng.choice(["compute", "session", "batch", "listed"]))
        if way == "listed" and rng.random() < 0.5:
            return self._listed(potential, meaning, rng)
        for _ in range(int(rng.integers(3))):
            respelled(given, meaning, rng, model.type_map)
        fails, what = False, "good"
        if rng.random() < 0.6:
            hostile = HOSTILE[int(rng.integers(len(HOSTILE)))]
            before, what = dict(given), hostile.name
            fails = must_fail(hostile, before, model)
            hostile.change(given, rng)
            if not fails and hostile.name.endswith(("cell", "number")):
                # What was another spelling may not be one any more.
                meaning["cell"], meaning["pbc"] = given["cell"], given["pbc"]
                meaning["positions"] = np.array(given["positions"], float)
        caller = Caller(potential, way, rng, self.slowest)
        found = caller.timed(given)
        if isinstance(found, InputError):
            assert what != "good", f"{way} of good arguments: {found}"
            self._check_next(caller, model, rng)
            return "refused"
        assert not fails, f"{what}: accepted by {way}; {given_text(given)}"
        if images_of(meaning, model.rcut) > MOST_IMAGES:
            return "too many images for the oracle"
        if found.report.sel_overflow:
            return "more neighbours than sel"
        gap = differ(found, naive_numbers(model, meaning), LIMIT)
        assert gap is None, f"{what} by {way}: {gap}"
        return "equal"

    def _check_next(self, caller: Caller, model: Any, rng: np.random.Generator) -> None:
        good = random_arguments(model, rng)
        found = caller.call(good)
        if not found.report.sel_overflow:
            gap = differ(found, naive_numbers(model, good), LIMIT)
            assert gap is None, f"after an error, by {caller.way}: {gap}"

    def _refused(self, what: str, error: InputError) -> str:
        assert what != "list", f"a good list: {error}"
        return "refused"

    def _listed(self, potential: Any, meaning: Arguments, rng: Any) -> str:
        """Lists of the caller, some of them wrong."""
        ghosts, given, listed = listed_arguments(potential, meaning)
        fails, what = False, "list"
        if rng.random() < 0.7:
            hostile = HOSTILE_LISTS[int(rng.integers(len(HOSTILE_LISTS)))]
            what, fails = hostile.name, hostile.must_fail
            hostile.change(listed, rng)
        session = potential.listed_session()
        try:
            found = session.compute(**listed, **given)
        except InputError as error:
            return self._refused(what, error)
        assert not fails, f"{what}: accepted by listed"
        if found.report.sel_overflow:
            return "more neighbours than sel"
        gap = differ(
            on_owners(found, ghosts, len(meaning["types"])),
            naive_numbers(potential.model, meaning),
            LIMIT,
        )
        assert gap is None, f"{what}: {gap}"
        return "equal"


class Caller:
    """One of the ways to evaluate a structure."""

    def __init__(
        self, potential: Any, way: str, rng: np.random.Generator, slowest: float
    ) -> None:
        self.potential, self.slowest = potential, slowest
        self.way = "batch" if way == "listed" else way
        skin = float(rng.choice([0.0, 0.5, 1.0]))
        self.place = int(rng.integers(2))
        self._session: Any = None
        if self.way == "session":
            self._session = potential.session(skin)
        elif self.way == "batch":
            self._session = potential.batch_session(skin)
        self.other = tuple(random_arguments(potential.model, rng).values())

    def call(self, given: Arguments) -> Any:
        if self.way == "batch":
            systems = [self.other]
            systems.insert(self.place, tuple(given.values()))
            return self._session.compute(systems)[self.place]
        rest = dict(given)
        first = (rest.pop("positions"), rest.pop("types"))
        engine = self._session if self.way == "session" else self.potential
        return engine.compute(*first, **rest)

    def timed(self, given: Arguments) -> Any:
        """The result or the InputError; slow calls fail."""
        start = time.process_time()
        try:
            found = self.call(given)
        except InputError as error:
            check_message(error, 2000)
            found = error
        seconds = time.process_time() - start
        text = f"{self.way}: {seconds:.1f} s for {given_text(given)}"
        assert seconds < self.slowest, text
        return found


def listed_arguments(potential: Any, meaning: Arguments) -> tuple[Any, Any, Any]:
    """Ghosts, the parameters, and the list's own arguments."""
    pbc = (False,) * 3 if meaning["cell"] is None else meaning["pbc"]
    ghosts = with_ghosts(
        meaning["positions"],
        meaning["types"],
        meaning["cell"],
        pbc,
        potential.rcut + 0.5,
    )
    given = {"fparam": meaning["fparam"], "aparam": meaning["aparam"]}
    listed = {
        "positions": ghosts.positions, "types": ghosts.types,
        "first": ghosts.first, "neighbours": ghosts.neighbours,
    }  # fmt: skip
    return ghosts, given, listed


class on_owners:
    """A listed result as one of the atoms alone."""

    def __init__(self, found: Any, ghosts: Any, n: int) -> None:
        self.energy, self.virial = found.energy, found.virial
        self.forces = ghosts.onto_owners(found.forces, n)


def images_of(meaning: Arguments, rcut: float) -> float:
    """Images of atoms that the oracle looks at, roughly.

    Infinite where double precision does not hold the inverse that it needs.
    """
    cell, pbc = meaning["cell"], meaning["pbc"]
    n = len(meaning["types"])
    periodic = np.broadcast_to(cell is not None if pbc is None else pbc, 3)
    if cell is None or not periodic.any():
        return float(n**2)
    lattice = np.array(cell, float)[periodic.astype(bool)]
    positions = np.array(meaning["positions"], float)
    with np.errstate(all="ignore"):
        inverse = np.linalg.pinv(lattice)
        spread = np.ptp(positions @ inverse, axis=0)
        reach = np.ceil(spread + rcut * np.linalg.norm(inverse, axis=0))
        found = float(np.prod(2 * reach + 1)) * (n**2 + OVERHEAD)
        unit = np.abs(lattice @ inverse - np.eye(len(lattice))).max()
    return found if np.isfinite(found) and unit < EXACT_INVERSE else np.inf


def given_text(given: Arguments) -> str:
    """The arguments, cut short."""
    return "; ".join(f"{k} {' '.join(repr(v).split()):.120}" for k, v in given.items())
