"""Default plans next to exact ones, on structures unlike those they are made on."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from families import parameters
from golden_frames import FILES, GOLDEN

import dpse_fast
from dpse_fast.errors import InputError, ModelFileError
from dpse_fast.formats import read_model
from dpse_fast.plan.accuracy import strength

from .target import Outcome, Target

FURTHER = "CAMPAIGN_MODELS"  # in the environment: a folder of further model files
MODEL_FILES = (".pb", ".pth", ".pt2", ".dp", ".h5")
PRECISIONS = ("double", "mixed")
PER_MODEL = 4  # structures of each kind
MOST_ATOMS = 64
Rng = np.random.Generator


class Place(NamedTuple):
    """Atoms at a place, in a cell or in none."""

    positions: Any
    types: Any
    cell: Any

    def scaled(self, factor: float) -> Place:
        cell = None if self.cell is None else factor * self.cell
        return Place(factor * self.positions, self.types, cell)

    def strained(self, rng: Rng) -> Place:
        strain = np.eye(3) + np.tril(rng.uniform(-0.2, 0.2, (3, 3)), -1)
        cell = None if self.cell is None else self.cell @ strain
        return Place(self.positions @ strain, self.types, cell)


def real(first: Place, rng: Rng) -> Place:
    return first


def small_cell(first: Place, rng: Rng) -> Place:
    """One to eight atoms, at 0.7 to 1.6 times the density."""
    n = int(rng.integers(1, 9))
    edge = _spacing(first) * np.cbrt(n / rng.uniform(0.7, 1.6))
    cell = edge * (np.eye(3) + rng.uniform(-0.2, 0.2, (3, 3)))
    types = rng.choice(first.types, n)
    return Place(rng.random((n, 3)) @ cell, types, cell)


def cluster(first: Place, rng: Rng) -> Place:
    return first._replace(cell=None)


def triclinic(first: Place, rng: Rng) -> Place:
    return first.strained(rng)


def overflow(first: Place, rng: Rng) -> Place:
    """So dense that many atoms have more neighbours than ``sel``."""
    return first.scaled(rng.uniform(0.7, 0.85))


def squeezed(first: Place, rng: Rng) -> Place:
    return first.scaled(rng.uniform(0.6, 0.97))


def stretched(first: Place, rng: Rng) -> Place:
    return first.scaled(rng.uniform(1.03, 1.6))


KINDS = (real, small_cell, cluster, triclinic, overflow, squeezed, stretched)


class Loaded(NamedTuple):
    """A model with exact and default plans, and structures to begin with."""

    exact: dpse_fast.Potential
    planned: dict[str, dpse_fast.Potential]
    places: list[Place]


class Certificates(Target):
    name = "certificates"
    promise = (
        "Default plans differ from exact ones by less than their certificate, closer "
        "and denser than in training too"
    )
    tried = (
        "models of all formats × real structures, small cells, clusters, triclinic, "
        "with more neighbours than `sel`, squeezed to 0.6 and stretched to 1.6, in "
        "double and mixed precision (of mixed, differences beyond are counted)"
    )
    share = 0.5
    time_limit = 300.0
    batch = PER_MODEL * len(KINDS)

    def __init__(self, seed: int = 1, is_full: bool = False) -> None:
        super().__init__(seed, is_full)
        self.files = model_files()
        self.most = len(self.files) * self.batch

    full = 10**6  # all that there are

    def execute(self, number: int, folder: Path) -> Outcome | str:
        which, number_of_kind = divmod(number, self.batch)
        try:
            loaded = load(self.files[which])
        except ModelFileError:
            return "not a supported model"
        if not loaded.places:
            return "without a structure"
        rng = self.rng(number)
        kind = KINDS[number_of_kind % len(KINDS)]
        first = loaded.places[int(rng.integers(len(loaded.places)))]
        jitter = rng.normal(0.0, 0.03, first.positions.shape)
        place = kind(first._replace(positions=first.positions + jitter), rng)
        given = parameters(loaded.exact.model, len(place.types), int(rng.integers(99)))
        try:
            expected = loaded.exact.compute(*place, **given)
        except InputError:
            return "refused"
        if expected.report.non_finite_atoms:
            return "not finite"
        counts, figures = {}, {}
        for precision, potential in loaded.planned.items():
            ratio = ratio_to_certificate(potential, place, given, expected)
            assert precision != "double" or ratio <= 1, (
                f"{self.files[which].name}, {kind.__name__}: {ratio:.3g} certificates"
            )
            counts[f"{precision} {'beyond' if ratio > 1 else 'within'}"] = 1
            figures[f"largest part of the certificate in {precision}"] = ratio
        return Outcome(counts, figures)


def model_files() -> list[Path]:
    """The golden ones that have structures, and those of a folder that is named."""
    further = os.environ.get(FURTHER)
    found = [file for file in FILES if file.suffix in MODEL_FILES]
    if further:
        found += sorted(p for p in Path(further).rglob("*") if p.suffix in MODEL_FILES)
    return found


@lru_cache(maxsize=1)
def load(file: Path) -> Loaded:
    model = read_model(file)
    exact = dpse_fast.load(model, tol=0.0, threads=1, sel_overflow="warn")
    planned = {p: dpse_fast.load(model, precision=p, threads=1) for p in PRECISIONS}
    return Loaded(exact, planned, places_of(file))


def places_of(file: Path) -> list[Place]:
    """Of the numbers beside a model; ours and those of a folder."""
    own = file.parent == GOLDEN
    candidates = (file.with_name(f"{file.name}.npz"), file.with_suffix(".npz"))
    numbers = [next((c for c in candidates if c.exists()), candidates[0])]
    if not own:
        numbers = sorted(file.parent.glob("*.npz"))
    found = []
    for path in numbers:
        if not path.exists():
            continue
        with np.load(path) as stored:
            for key in stored.files:
                *head, name = key.split("/")
                if name not in ("positions", "coord"):
                    continue
                prefix = "".join(f"{part}/" for part in head)
                box = "cell" if name == "positions" else "box"
                types = "types" if name == "positions" else "atype"
                cell = stored[prefix + box]
                place = Place(
                    stored[key].reshape(-1, 3),
                    stored[prefix + types].reshape(-1),
                    cell.reshape(3, 3) if cell.size == 9 else None,
                )
                found.append(place)
    return found


def ratio_to_certificate(
    potential: dpse_fast.Potential, place: Place, given: Any, expected: Any
) -> float:
    """The largest difference in parts of what the certificate states."""
    found = potential.compute(*place, **given)
    assert potential.plan is not None
    certificate = potential.plan.certificate
    assert certificate is not None
    n = len(place.types)
    size = strength(expected.forces, expected.virial)
    differences = (
        abs(found.energy - expected.energy) / n,
        np.abs(found.forces - expected.forces).max(initial=0.0),
        np.abs(found.virial - expected.virial).max() / n,
    )
    # What double precision cannot tell apart is no difference.
    least = 1e-11 * max(size, abs(expected.energy) / n, 1.0)
    return max(
        float(difference) / (bound + least)
        for difference, bound in zip(differences, certificate.bounds(size), strict=True)
    )


def _spacing(place: Place) -> float:
    """Å between atoms, from the volume of all."""
    n = len(place.types)
    if place.cell is not None:
        return float(np.cbrt(abs(np.linalg.det(place.cell)) / n))
    return float(np.cbrt(np.prod(np.ptp(place.positions, axis=0) + 1.0) / n))
