"""Tiny systems through every kind of kernel, compared with the processors if asked.

Each twice, too, as systems joined into one, whose lists and ghosts come from the host.

With ``pool`` false each array is an allocation of its own, whose ends
compute-sanitizer knows; CuPy's pool hands out parts of larger ones.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Backend
from ..copper import copper_model
from ..models import WATER, Kind, Subject
from ..motion import SKIN, Box

STEPS = 3  # the first builds the list, the second keeps it, the third is recorded
LIMITS = {"double": 1e-8, "mixed": 1e-3, "single": 1e-3}  # eV/Å
KINDS = (
    Kind("double"),
    Kind("mixed", "tf32x3"),
    Kind("mixed", "float32", False),
    Kind("single", "tf32"),
)


def small_copper() -> Subject:
    """One type, no mixture, nets that are soon planned."""
    model = copper_model(embedding=(4, 8, 16), fitting=(16, 16), axis=4)
    return Subject("copper, small nets", model, 0.0)


def evaluate(
    device: str, subject: Subject, kind: Kind, atomic: bool
) -> tuple[Any, float, float]:
    """Forces of the last step on the host (eV/Å), seconds of the first step, and the
    largest difference of the forces where lists and ghosts come from the host."""
    potential = subject.load(device, kind)
    box = Box(Backend(), subject.frame(potential), potential.type_map, 30)
    session, joined = potential.session(SKIN), potential.batch_session(SKIN)
    start = time.perf_counter()
    result = session.compute(*box.arguments(0), atomic=atomic)
    first = time.perf_counter() - start
    for step in range(1, STEPS):
        result = session.compute(*box.arguments(step), atomic=atomic)
    for step in range(STEPS):
        pair = joined.compute([box.arguments(step)] * 2, atomic=atomic)
    forces = np.asarray(result.forces)
    off = max(float(np.abs(one.forces - forces).max()) for one in pair)
    return forces, first, off


def records(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    backend = Backend(options["device"])
    if backend.on_gpu and not options["pool"]:
        backend.xp.cuda.set_allocator(None)
    wrong = []
    for subject in (WATER, small_copper()):
        for kind in KINDS:
            atomic = kind.gemm == "tf32x3"
            forces, first, off = evaluate(backend.device, subject, kind, atomic)
            found = {"host_lists_force_max_ev_per_angstrom": off}
            if options["compare"]:
                expected, _, _ = evaluate("cpu", subject, kind, False)
                off = float(np.abs(forces - expected).max())
                found["force_max_ev_per_angstrom"] = off
            limit = LIMITS[kind.precision] * (10 if kind.gemm == "tf32" else 1)
            wrong += [
                f"{subject.label}, {kind.label}: {key} {value:.2e}"
                for key, value in found.items()
                if not value <= limit
            ]
            named = {"subject": subject.label, "kind": kind.label}
            yield {**named, "first_seconds": first, **found}
    if wrong:
        sys.exit("forces differ: " + "; ".join(wrong))
