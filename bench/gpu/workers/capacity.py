"""The largest box that fits the device, and what its steps take."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import dpse_fast

from ..backend import Backend, backend_named
from ..models import Subject, describe_planned, subjects
from ..motion import SKIN, Box
from ..running import emit

SHARE = 0.9  # of the free memory, of the first trial
SMALLER = 0.85  # each trial than the one before
TRIALS, STEPS = 5, 3
BOX_BYTES = 24 + 12 + 24 + 4 + 24  # of an atom: arrays of `Box`, and forces


def planned_atoms(memory: dict[str, int], free: int) -> int:
    """That the stated memory of a potential leaves room for.

    Parameters
    ----------
    memory : of `Potential.describe`
    """
    each = memory["bytes_per_atom"] + BOX_BYTES
    return max(int((SHARE * free - memory["fixed_bytes"]) / each), 1)


def try_size(
    backend: Backend, potential: dpse_fast.Potential, frame: Any, size: int
) -> dict[str, Any]:
    """Steps of one size."""
    box = Box(backend, frame, potential.type_map, size)
    session = potential.session(SKIN)
    seconds = []
    for step in range(STEPS):
        arguments = box.arguments(step)
        backend.synchronise()
        begin = backend.mark()
        session.compute(*arguments)
        seconds.append(backend.seconds_between(begin, backend.mark()))
    return {
        "atoms": box.n_atoms,
        "first_seconds": seconds[0],
        "step_seconds": min(seconds[1:]),
        "used_bytes": backend.used_bytes(),
        "free_bytes_after": backend.free_bytes(),
    }


def measure(
    backend: Backend, subject: Subject, kind: tuple[str, str, bool], options: Any
) -> None:
    """Emit trials until one runs."""
    precision, gemm, deterministic = kind
    potential = subject.configured(backend.device, *kind)
    frame = subject.frame(potential)
    memory = describe_planned(potential, frame)["memory"]
    free = backend.free_bytes()
    size = options.get("atoms") or planned_atoms(memory, free or 0)
    named: dict[str, Any] = {"subject": subject.label, "precision": precision}
    named |= {
        "gemm": gemm,
        "deterministic": deterministic,
        "stated": memory,
        "free_bytes": free,
    }
    for _ in range(TRIALS):
        start = time.perf_counter()
        error = None
        try:
            found = try_size(backend, potential, frame, size)
        except dpse_fast.errors.DpseError as problem:
            error = str(problem)
        except Exception as problem:
            if "memory" not in type(problem).__name__.lower():
                raise
            error = "out of memory"
        took = time.perf_counter() - start
        if error is None:
            emit({**named, **found, "seconds": took})
            return
        emit({**named, "tried": size, "error": error, "seconds": took})
        backend.release()
        size = int(SMALLER * size)


def main() -> None:
    options = json.loads(sys.argv[1])
    backend = backend_named(options["device"])
    for subject in subjects(options):
        measure(backend, subject, tuple(options["kind"]), options)


if __name__ == "__main__":
    main()
