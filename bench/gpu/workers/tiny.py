"""Tiny systems through every kind of kernel, compared with the processors if asked.

Each twice, too, as systems joined into one, whose lists and ghosts come from the host.

With ``pool`` false each array is an allocation of its own, whose ends
compute-sanitizer knows; CuPy's pool hands out parts of larger ones.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

from ..backend import Backend, backend_named
from ..copper import copper_model
from ..models import Subject, label_of, water
from ..motion import SKIN, Box
from ..running import emit

STEPS = 3  # the first builds the list, the second keeps it, the third is recorded
LIMITS = {"double": 1e-8, "mixed": 1e-3, "single": 1e-3}  # eV/Å
KINDS = (
    ("double", "float32", True),
    ("mixed", "tf32x3", True),
    ("mixed", "float32", False),
    ("single", "tf32", True),
)


def small_copper() -> Subject:
    """One type, no mixture, nets that are soon planned."""
    model = copper_model(embedding=(4, 8, 16), fitting=(16, 16), axis=4)
    return Subject("small copper", "copper, small nets", model, 0.0, None)


def evaluate(
    backend: Backend, subject: Subject, kind: tuple[str, str, bool], atomic: bool
) -> tuple[Any, float, float]:
    """Forces of the last step on the host (eV/Å), seconds of the first step, and the
    largest difference of the forces where lists and ghosts come from the host."""
    potential = subject.configured(backend.device, *kind)
    frame = subject.frame(potential)
    box = Box(Backend(), frame, potential.type_map, 30)
    session = potential.session(SKIN)
    start = time.perf_counter()
    result = session.compute(*box.arguments(0), atomic=atomic)
    first = time.perf_counter() - start
    for step in range(1, STEPS):
        result = session.compute(*box.arguments(step), atomic=atomic)
    joined = potential.batch_session(SKIN)
    for step in range(STEPS):
        pair = joined.compute([box.arguments(step)] * 2, atomic=atomic)
    forces = np.asarray(result.forces)
    off = max(float(np.abs(one.forces - forces).max()) for one in pair)
    return forces, first, off


def main() -> None:
    options = json.loads(sys.argv[1])
    backend = backend_named(options["device"])
    if backend.device != "cpu" and not options["pool"]:
        backend.xp.cuda.set_allocator(None)
    wrong = []
    for subject in (water(), small_copper()):
        for kind in KINDS:
            name = f"{subject.label}, {label_of(*kind)}"
            atomic = kind[1] == "tf32x3"
            forces, first, off = evaluate(backend, subject, kind, atomic)
            record = {"subject": subject.label, "kind": kind, "first_seconds": first}
            record["host_lists_force_max_ev_per_angstrom"] = off
            limit = LIMITS[kind[0]] * (10 if kind[1] == "tf32" else 1)
            if not off <= limit:
                wrong.append(f"{name}, lists of the host: {off:.2e} eV/Å")
            if options["compare"]:
                expected, _, _ = evaluate(Backend(), subject, kind, False)
                off = float(np.abs(forces - expected).max())
                record["force_max_ev_per_angstrom"] = off
                if not off <= limit:
                    wrong.append(f"{name}: {off:.2e} eV/Å from the processors")
            emit(record)
    if wrong:
        sys.exit("forces differ: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
