"""The largest box that fits the device, and what its steps take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import dpse_fast

from ..backend import Backend
from ..models import Kind, describe_planned, subjects
from ..motion import SKIN, Box

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
    seconds = [
        backend.time(partial(session.compute, *box.arguments(step)))[0]
        for step in range(STEPS)
    ]
    return {
        "atoms": box.n_atoms,
        "first_seconds": seconds[0],
        "step_seconds": min(seconds[1:]),
        "used_bytes": backend.used_bytes(),
        "free_bytes_after": backend.free_bytes(),
    }


def failure(error: Exception) -> str:
    """What an evaluation that may be too large ran into; raises anything else."""
    if isinstance(error, dpse_fast.errors.DpseError):
        return str(error)
    if "memory" in type(error).__name__.lower():
        return "out of memory"
    raise error


def records(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Trials of water until one runs."""
    backend, kind = Backend(options["device"]), Kind(*options["kind"])
    (subject,) = subjects({**options, "subjects": ["water"]})
    potential = subject.load(backend.device, kind)
    frame = subject.frame(potential)
    memory = describe_planned(potential, frame)["memory"]
    free = backend.free_bytes()
    size = options.get("atoms") or planned_atoms(memory, free or 0)
    named: dict[str, Any] = {"subject": subject.label, **kind.described()}
    named |= {"stated": memory, "free_bytes": free}
    for _ in range(TRIALS):
        start = time.perf_counter()
        try:
            found = try_size(backend, potential, frame, size)
        except Exception as error:
            found = {"tried": size, "error": failure(error)}
        yield {**named, **found, "seconds": time.perf_counter() - start}
        if "error" not in found:
            return
        backend.release()
        size = int(SMALLER * size)
