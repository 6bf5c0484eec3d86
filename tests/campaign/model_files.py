"""Model files with bytes, fields, numbers or members changed: read, then evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from families import family, parameters
from formats.graph_text import graph_text
from golden_frames import CASES, GOLDEN

import dpse_fast
from dpse_fast.errors import InputError, ModelFileError
from dpse_fast.formats import exchange, read
from dpse_fast.model import Model

from .memory import MIB, has_limits, peak_growth
from .mutations import mutate
from .target import Outcome, Target, check_message

EXPANSION = 4
SLACK = 48 * MIB
LONGEST_MESSAGE = 600
AS_TEXT = ("one_type.pb", "dpa1_plain.pb", "se_r.pb")
AS_HDF5 = ("se_e2_a", "hybrid", "mixed_gated", "pair_table")
EVALUATED = 64  # one of so many files that still open is evaluated


class Original(NamedTuple):
    """A model file to change, and what it holds unchanged."""

    name: str
    data: bytes
    head: str | None
    digest: str


def originals(folder: Path) -> list[Original]:
    """The golden files of every kind, some graphs as text, and files of our own."""
    given = [(case.file, case.head) for case in CASES]
    for name in AS_TEXT:
        text = folder / f"{name}txt"
        text.write_bytes(graph_text((GOLDEN / name).read_bytes()))
        given.append((text, None))
    for name in AS_HDF5:
        exchange.write(family(name), folder / f"{name}.h5")
        given.append((folder / f"{name}.h5", None))
    return [original(file, head) for file, head in given]


def original(file: Path, head: str | None = None) -> Original:
    digest = read(file, head).model.digest()
    return Original(file.name, file.read_bytes(), head, digest)


def read_outcome(copy: Path, one: Original) -> tuple[str, Model | None]:
    """error, equal or different; raises for what must not be."""
    try:
        model = read(copy, one.head).model
    except ModelFileError as error:
        check_message(error, LONGEST_MESSAGE, f"{copy}: ")
        return "error", None
    return ("equal" if model.digest() == one.digest else "different"), model


def evaluation_outcome(copy: Path, head: str | None, model: Model, seed: int) -> str:
    """evaluated, refused, or reported: numbers are finite, or said not to be."""
    rng = np.random.default_rng(seed)
    n = 6
    places = np.array(np.unravel_index(rng.permutation(27)[:n], (3, 3, 3))).T
    positions = 2.6 * places + rng.uniform(-0.6, 0.6, (n, 3))
    types = rng.integers(len(model.type_map), size=n)
    cell = 8.0 * np.eye(3) if rng.random() < 0.5 else None
    given = parameters(model, n, seed)
    try:
        with np.errstate(all="ignore"):
            potential = dpse_fast.load(copy, head=head, threads=1, tol=0.0)
        found = potential.compute(positions, types, cell, atomic=True, **given)
    except (InputError, ModelFileError) as error:
        check_message(error)
        return "refused"
    finite = np.isfinite(found.energy) and np.isfinite(found.forces).all()
    if finite and np.isfinite(found.virial).all():
        return "evaluated"
    assert found.report.non_finite_atoms, "numbers that are not finite, not reported"
    return "reported"


class ModelFiles(Target):
    name = "models"
    promise = (
        "A damaged or hostile model file gives one error that names it, or a model "
        f"with finite or reported numbers; reading takes at most {EXPANSION} times "
        f"its size (and {SLACK // MIB} MiB) of memory; nothing in it is executed"
    )
    tried = (
        "mutations of {files} files of every kind (bytes, fields, numbers, moved "
        "pieces, truncation, members of archives), read as whole files; one in "
        f"{EVALUATED} of those that open is evaluated"
    )
    share = 4.0
    time_limit = 60.0
    batch = 40
    full = 1_000_000

    def prepare(self, folder: Path) -> None:
        self.originals = originals(folder)
        self.slack = SLACK
        potential = dpse_fast.load(family("se_e2_a"), threads=1, tol=0.0)
        potential.compute(np.eye(3), [0, 1, 0])  # its kernels are there for all

    def execute(self, number: int, folder: Path) -> Outcome:
        one = self.originals[number % len(self.originals)]
        copy = folder / "mutated"
        copy.write_bytes(mutate(one.data, self.seed, number))
        figures = {"files": float(len(self.originals))}
        if has_limits():
            (kind, model), growth = peak_growth(lambda: read_outcome(copy, one))
            beyond = growth - EXPANSION * copy.stat().st_size
            figures["MiB beyond 4 files"] = beyond / MIB
            text = f"memory {beyond / MIB:.0f} MiB beyond {EXPANSION} files: {one.name}"
            assert beyond <= self.slack, text
        else:
            kind, model = read_outcome(copy, one)
        counts = {kind: 1}
        if model is not None and self.rng(number, 1).random() < 1 / EVALUATED:
            counts[evaluation_outcome(copy, one.head, model, number)] = 1
        return Outcome(counts, figures)
