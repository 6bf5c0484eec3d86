"""One step with a new neighbour list, between the marks where ncu profiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from importlib import import_module
from typing import Any

from ..backend import Backend
from ..models import Kind, subjects
from ..motion import BLOCK, SKIN, Box


def records(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    backend = Backend(options["device"])
    (subject,) = subjects(options)
    potential = subject.load(backend.device, Kind(*options["kind"]))
    frame = subject.frame(potential)
    box = Box(backend, frame, potential.type_map, options["atoms"])
    session = potential.session(SKIN)
    session.compute(*box.arguments(0))
    # The first step of the next block is the next that builds a list.
    arguments = box.arguments(BLOCK)
    backend.synchronise()
    profile = import_module("cupyx.profiler").profile if backend.on_gpu else nullcontext
    with profile():
        session.compute(*arguments)
        backend.synchronise()
    yield {"atoms": box.n_atoms, "list_builds": session.list_builds}
